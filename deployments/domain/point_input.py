"""A measured load-test point out of what was written, a sentence for each thing wrong. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from deployments.domain.inputs import Reader, shown
from deployments.domain.plan_input import Unreadable
from deployments.domain.planner.request import LoadPoint

MOST_MS = Decimal(86_400_000)
MOST_TOKENS = Decimal(10_000_000)
MOST_LOAD = Decimal(1_000_000)
PARALLEL = (1, 2, 4, 8, 16)
MEASURED = ("ttft_ms", "tpot_ms", "e2e_mean_ms", "e2e_p99_ms", "output_tokens_per_s")
LOADS = ("concurrency", "request_rate")
FIELDS = (
    "architecture", "accelerator", "tensor_parallel", "pipeline_parallel", "precision", "engine",
    "input_tokens", "output_tokens", *LOADS, *MEASURED, "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownParts:
    """What a configuration is made of, by name."""

    accelerators: Collection[str]
    precisions: Collection[str]
    engines: Collection[str]


def read(given: Mapping[str, Any], *, known: KnownParts, today: date) -> LoadPoint:
    """Return the point that was written. Raises Unreadable with a sentence for each field."""
    reader = Reader(given)
    for name in given:
        if name not in FIELDS:
            reader.refuse(str(name)[:60], f"There is no input {str(name)[:60]!r}.", None)
    point = LoadPoint(
        architecture=_needed(reader, "architecture"),
        accelerator=reader.one_of("accelerator", sorted(known.accelerators), ""),
        tensor_parallel=reader.choice("tensor_parallel", PARALLEL, 1),
        pipeline_parallel=reader.choice("pipeline_parallel", PARALLEL, 1),
        precision=reader.one_of("precision", sorted(known.precisions), ""),
        engine=reader.one_of("engine", sorted(known.engines), ""),
        input_tokens=_positive(reader, "input_tokens", "tokens", MOST_TOKENS),
        output_tokens=_positive(reader, "output_tokens", "tokens", MOST_TOKENS),
        source=reader.text("source", most=200) or "entered",
        as_of=today,
        concurrency=_optional(reader, "concurrency", "requests at once", MOST_LOAD),
        request_rate=_optional(reader, "request_rate", "requests/s", MOST_LOAD),
        ttft_ms=_optional(reader, "ttft_ms", "milliseconds", MOST_MS),
        tpot_ms=_optional(reader, "tpot_ms", "milliseconds", MOST_MS),
        e2e_mean_ms=_optional(reader, "e2e_mean_ms", "milliseconds", MOST_MS),
        e2e_p99_ms=_optional(reader, "e2e_p99_ms", "milliseconds", MOST_MS),
        output_tokens_per_s=_optional(reader, "output_tokens_per_s", "tokens/s", MOST_MS),
    )
    _check(reader, point)
    if reader.wrong:
        raise Unreadable(reader.wrong)
    return point


def configuration(point: LoadPoint) -> str:
    """Return the configuration of a point in one line, as in `Llama-3-70B/H100/tp8/fp8/vllm`."""
    stages = f"xpp{point.pipeline_parallel}" if point.pipeline_parallel > 1 else ""
    return (
        f"{point.architecture}/{point.accelerator}/tp{point.tensor_parallel}{stages}/"
        f"{point.precision}/{point.engine}"
    )[:200]


def _needed(reader: Reader, name: str) -> str:
    written = reader.text(name, most=80)
    if not written:
        reader.refuse(name, "The name of the model, as the plan has it, is needed.", None)
    return written


def _positive(reader: Reader, name: str, unit: str, most: Decimal) -> float:
    return float(reader.number(name, unit=unit, least=Decimal("0.001"), most=most))


def _optional(reader: Reader, name: str, unit: str, most: Decimal) -> float | None:
    if reader.given.get(name) in (None, ""):
        return None
    return _positive(reader, name, unit, most)


def _check(reader: Reader, point: LoadPoint) -> None:
    """Refuse a point that says too little, or whose figures contradict each other."""
    if (point.concurrency is None) is (point.request_rate is None):
        reader.refuse(
            "concurrency",
            "Say under which load it was measured: requests at once, or requests that arrive each "
            "second; one of the two.",
            None,
        )
    if all(getattr(point, name) is None for name in MEASURED):
        reader.refuse("tpot_ms", "At least one measured time or rate is needed.", None)
    if point.ttft_ms and point.e2e_mean_ms and point.ttft_ms > point.e2e_mean_ms:
        said = (
            f"The first token ({shown(point.ttft_ms)} ms) cannot come after the whole answer "
            f"({shown(point.e2e_mean_ms)} ms)."
        )
        reader.refuse("ttft_ms", said, None)
    if point.e2e_mean_ms and point.e2e_p99_ms and point.e2e_p99_ms < point.e2e_mean_ms / 2:
        said = "The 99th percentile of the whole answer is far below its mean."
        reader.refuse("e2e_p99_ms", said, None)
