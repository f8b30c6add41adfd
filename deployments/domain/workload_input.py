"""A workload out of what a person or a program wrote, with a sentence for each thing wrong. Pure.

Takes plain text and JSON values alike; nothing is guessed silently: what is filled in is a rule
said here (peak from the window, p95 from the mean).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from deployments.domain import load_input
from deployments.domain.inputs import Reader, shown
from deployments.domain.workload import (
    CustomModel,
    LatencyOf,
    Need,
    Pattern,
    Residency,
    Workload,
)

MOST_TOKENS = 10_000_000
MOST_MS = 86_400_000
MOST_BYTES = 1_000_000_000
PERCENTILES = (50, 95, 99)
PRECISIONS = ("bf16", "fp16", "fp8")
COMMITMENTS = (0, 1, 3, 6, 12, 36)  # the terms that AWS sells
FIELDS = (
    "pattern", "load", "load_unit", "window_hours", "peak_rps", "input_tokens_mean",
    "input_tokens_p95", "output_tokens_mean", "output_tokens_p95", "latency_ms",
    "latency_percentile", "latency_of", "need", "models", "forbidden_models", "weights_s3_uri",
    "parameters_billion", "precision", "base_model", "images_per_request", "payload_bytes",
    "needs_streaming", "vpc_only", "residency", "longest_commitment_months", "region",
    "quality_floor", "notes", "assumptions", "weekly_profile", "burst_rps", "burst_seconds",
    "cached_input_share",
)  # fmt: skip
_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/ -]*)?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class Unreadable(ValueError):
    """The input is no workload; `fields` maps each input to the sentence about it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("The workload cannot be taken as it is: " + " ".join(fields.values()))
        self.fields = dict(fields)


def read(given: Mapping[str, Any], *, known_models: Collection[str]) -> Workload:
    """Return the workload that was written. Raises Unreadable with a sentence for each field."""
    reader = Reader(given)
    for name in given:
        if name not in FIELDS:
            reader.refuse(str(name)[:60], f"There is no input {str(name)[:60]!r}.", None)
    workload = _workload(reader, known_models)
    if reader.wrong:
        raise Unreadable(reader.wrong)
    return workload


def _workload(reader: Reader, known: Collection[str]) -> Workload:
    load = load_input.read(reader)
    input_mean, input_p95 = _lengths(reader, "input_tokens")
    output_mean, output_p95 = _lengths(reader, "output_tokens")
    need = reader.word("need", Need, Need.STANDARD)
    models, custom = _models(reader, "models", known), _custom(reader, need, known)
    if need is not Need.STANDARD and custom is None and not models:
        reader.refuse(
            "weights_s3_uri",
            "A custom model needs the S3 address of its weights (s3://bucket/key), or the "
            "catalogue models that are acceptable instead.",
            None,
        )
    streaming = reader.flag("needs_streaming")
    return Workload(
        pattern=reader.word("pattern", Pattern, Pattern.REAL_TIME),
        mean_rps=load.mean_rps,
        peak_rps=load.peak_rps,
        input_tokens_mean=input_mean,
        input_tokens_p95=input_p95,
        output_tokens_mean=output_mean,
        output_tokens_p95=output_p95,
        latency_ms=reader.whole("latency_ms", unit="milliseconds", least=1, most=MOST_MS),
        latency_percentile=reader.choice("latency_percentile", PERCENTILES, 95),
        need=need,
        models=models,
        custom=custom,
        images_per_request=reader.whole(
            "images_per_request", unit="images", least=0, most=20, default=0
        ),
        payload_bytes=reader.whole(
            "payload_bytes", unit="bytes", least=0, most=MOST_BYTES, default=0
        ),
        needs_streaming=streaming,
        vpc_only=reader.flag("vpc_only"),
        longest_commitment_months=reader.choice("longest_commitment_months", COMMITMENTS, 0),
        region=_region(reader),
        quality_floor=_floor(reader),
        forbidden_models=_models(reader, "forbidden_models", known),
        notes=reader.text("notes", most=2000),
        assumptions=reader.texts("assumptions", most=20),
        latency_of=_latency_of(reader, streaming),
        residency=reader.word("residency", Residency, Residency.ANYWHERE),
        weekly_profile=load.weekly_profile,
        burst=load.burst,
        cached_input_share=_cached(reader),
    )


def _lengths(reader: Reader, name: str) -> tuple[int, int]:
    """Return mean and p95 tokens; without a p95, twice the mean."""
    mean = reader.whole(f"{name}_mean", unit="tokens", least=1, most=MOST_TOKENS)
    p95 = reader.whole(
        f"{name}_p95", unit="tokens", least=1, most=2 * MOST_TOKENS, default=2 * mean
    )
    if p95 < mean and f"{name}_mean" not in reader.wrong:
        reader.refuse(
            f"{name}_p95",
            f"The 95th percentile ({p95:,} tokens) is below the mean ({mean:,} tokens).",
            None,
        )
    return mean, p95


def _models(reader: Reader, name: str, known: Collection[str]) -> tuple[str, ...]:
    models = reader.texts(name, most=60)
    unknown = [each for each in models if each not in known]
    if unknown:
        reader.refuse(
            name,
            f"The catalogue has no model {shown(unknown[0])}; its ids are listed under "
            "/api/v1/catalog/models.",
            (),
        )
    return models


def _custom(reader: Reader, need: Need, known: Collection[str]) -> CustomModel | None:
    uri = reader.text("weights_s3_uri", most=1024)
    base = reader.text("base_model")
    precision = reader.one_of("precision", PRECISIONS, "bf16")
    if base and base not in known:
        reader.refuse("base_model", f"The catalogue has no model {shown(base)}.", "")
    if not uri:
        return None
    if need is Need.STANDARD:
        reader.refuse(
            "weights_s3_uri",
            "Own weights go with the need custom-gpu or custom-cpu; the need here is standard.",
            None,
        )
    if not _S3_URI.fullmatch(uri):
        said = f"An S3 address looks like s3://bucket/folder/; {shown(uri)} does not."
        reader.refuse("weights_s3_uri", said, None)
    billions = reader.number(
        "parameters_billion",
        unit="billion parameters",
        least=Decimal("0.001"),
        most=Decimal(2000),
    )
    return CustomModel(uri, billions, precision, base)


def _latency_of(reader: Reader, streaming: bool) -> LatencyOf:
    chosen = reader.word("latency_of", LatencyOf, LatencyOf.WHOLE_ANSWER)
    if chosen is LatencyOf.FIRST_TOKEN and not streaming:
        reader.refuse(
            "latency_of",
            "Only a streamed answer has a first token to wait for: choose streaming too, or the "
            "whole answer.",
            None,
        )
    return chosen


def _cached(reader: Reader) -> Decimal:
    unit, none = "as a share of the input tokens", Decimal(0)
    return reader.number("cached_input_share", unit=unit, least=none, most=Decimal(1), default=none)


def _region(reader: Reader) -> str:
    region = reader.text("region", most=40) or "us-east-1"
    if not _REGION.fullmatch(region):
        reader.refuse("region", f"A Region looks like us-east-1; {shown(region)} does not.", "")
    return region


def _floor(reader: Reader) -> Decimal | None:
    if reader.given.get("quality_floor") in (None, ""):
        return None
    return reader.number(
        "quality_floor",
        unit="points of the index",
        least=Decimal(0),
        most=Decimal(100),
    )


def written(workload: Workload) -> dict[str, Any]:
    """Return a workload as it would be written, so that a form can be filled with it."""
    custom, burst = workload.custom, workload.burst
    return {
        "pattern": workload.pattern.value,
        "load": f"{workload.mean_rps:f}",
        "load_unit": "per-second",
        "peak_rps": f"{workload.peak_rps:f}",
        "input_tokens_mean": workload.input_tokens_mean,
        "input_tokens_p95": workload.input_tokens_p95,
        "output_tokens_mean": workload.output_tokens_mean,
        "output_tokens_p95": workload.output_tokens_p95,
        "latency_ms": workload.latency_ms,
        "latency_percentile": workload.latency_percentile,
        "latency_of": workload.latency_of.value,
        "need": workload.need.value,
        "models": list(workload.models),
        "forbidden_models": list(workload.forbidden_models),
        "weights_s3_uri": custom.weights_s3_uri if custom else "",
        "parameters_billion": f"{custom.parameters_billion:f}" if custom else "",
        "precision": custom.precision if custom else "bf16",
        "base_model": custom.base_model if custom else "",
        "images_per_request": workload.images_per_request,
        "payload_bytes": workload.payload_bytes,
        "needs_streaming": workload.needs_streaming,
        "vpc_only": workload.vpc_only,
        "residency": workload.residency.value,
        "longest_commitment_months": workload.longest_commitment_months,
        "region": workload.region,
        "quality_floor": "" if workload.quality_floor is None else f"{workload.quality_floor:f}",
        "notes": workload.notes,
        "assumptions": list(workload.assumptions),
        "weekly_profile": [f"{weight:f}" for weight in workload.weekly_profile],
        "burst_rps": f"{burst.rps:f}" if burst else "",
        "burst_seconds": burst.seconds if burst else "",
        "cached_input_share": f"{workload.cached_input_share:f}",
    }
