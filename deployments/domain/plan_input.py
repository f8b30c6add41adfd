"""A capacity plan's request out of what was written, a sentence for each thing wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from deployments.domain import architecture_input
from deployments.domain.inputs import Reader, shown
from deployments.domain.load_input import LEAST_RPS, MOST_RPS
from deployments.domain.planner.architecture import Architecture
from deployments.domain.planner.request import PlanRequest
from deployments.domain.workload import LatencyOf, Workload
from deployments.domain.workload_input import MOST_MS, PERCENTILES

MOST_INSTANCES = 1_000
MOST_TOKENS = 1_000_000  # of a request: what few models read, and a plan can follow step by step
LOAD = (
    "mean_rps", "peak_rps", "input_tokens_mean", "input_tokens_p95", "output_tokens_mean",
    "output_tokens_p95", "prefix_cached_share",
)  # fmt: skip
WISHES = (
    "latency_ms", "latency_percentile", "latency_of", "max_output_tokens", "ttft_ms", "tpot_ms",
    "usd_per_request",
)  # fmt: skip
LIMITS = (
    "region", "precisions", "engine", "instance_types", "gpu_quota", "min_replicas",
    "weights_s3_uri",
)  # fmt: skip
FIELDS = (
    *architecture_input.FIELDS, *LOAD, *WISHES, *LIMITS,
)  # fmt: skip
_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/ -]*)?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_PAIR = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9-]+)\s*[=:]\s*(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Known:
    """What may be named: architectures by name, machine types, precisions and engines."""

    architectures: Mapping[str, Architecture]
    instance_types: Collection[str]
    precisions: Collection[str]
    engines: Collection[str]


class Unreadable(ValueError):
    """The input is no request for a plan; `fields` maps each input to the sentence about it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("The plan cannot be asked for like this: " + " ".join(fields.values()))
        self.fields = dict(fields)


def read(given: Mapping[str, Any], *, known: Known, today: date) -> PlanRequest:
    """Return the request that was written. Raises Unreadable with a sentence for each field."""
    reader = Reader(given)
    for name in given:
        if name not in FIELDS:
            reader.refuse(str(name)[:60], f"There is no input {str(name)[:60]!r}.", None)
    architecture = architecture_input.read(reader, known=known.architectures, today=today)
    found = _request(reader, known, architecture) if architecture else None
    if found is not None:
        _check_context(reader, found)
    if reader.wrong or found is None:
        raise Unreadable(reader.wrong)
    return found


def _request(reader: Reader, known: Known, architecture: Architecture) -> PlanRequest:
    mean, peak = _rates(reader)
    inputs, outputs = _tokens(reader, "input"), _tokens(reader, "output")
    money = reader.given.get("usd_per_request") not in (None, "")
    return PlanRequest(
        architecture=architecture,
        mean_rps=mean,
        peak_rps=peak,
        input_tokens_mean=inputs[0],
        input_tokens_p95=inputs[1],
        output_tokens_mean=outputs[0],
        output_tokens_p95=outputs[1],
        latency_ms=reader.whole("latency_ms", unit="milliseconds", least=1, most=MOST_MS),
        latency_percentile=reader.choice("latency_percentile", PERCENTILES, 99),
        latency_of=reader.word("latency_of", LatencyOf, LatencyOf.WHOLE_ANSWER).value,
        max_output_tokens=_optional(reader, "max_output_tokens", "tokens", MOST_TOKENS),
        ttft_ms=_optional(reader, "ttft_ms", "milliseconds", MOST_MS),
        tpot_ms=_optional(reader, "tpot_ms", "milliseconds", MOST_MS),
        usd_per_request=reader.number(
            "usd_per_request", unit="USD", least=Decimal("0.00000001"), most=Decimal(10_000)
        )
        if money
        else None,
        region=_matching(reader, "region", _REGION, "us-east-1", "us-east-1"),
        precisions=_of(reader, "precisions", known.precisions),
        engine=reader.one_of("engine", sorted(known.engines), _first(known.engines)),
        instance_types=_of(reader, "instance_types", known.instance_types),
        gpu_quota=_quota(reader, known.instance_types),
        min_replicas=reader.whole(
            "min_replicas", unit="instances", least=1, most=MOST_INSTANCES, default=2
        ),
        weights_s3_uri=_matching(reader, "weights_s3_uri", _S3_URI, "s3://bucket/folder/", ""),
        prefix_cached_share=reader.number(
            "prefix_cached_share",
            unit="as a share of the input tokens",
            least=Decimal(0),
            most=Decimal(1),
            default=Decimal(0),
        ),
    )


def _check_context(reader: Reader, asked: PlanRequest) -> None:
    """Refuse requests that are on average longer than the model reads."""
    answer = min(asked.output_tokens_mean, asked.max_output_tokens or asked.output_tokens_mean)
    length, most = asked.input_tokens_mean + answer, asked.architecture.max_context
    if length > most and not {"input_tokens_mean", "output_tokens_mean"} & set(reader.wrong):
        reader.refuse(
            "input_tokens_mean",
            f"A request of {length:,} tokens with its answer is longer than the {most:,} that "
            f"{asked.architecture.name} reads at once.",
            None,
        )


def _rates(reader: Reader) -> tuple[Decimal, Decimal]:
    mean = reader.number("mean_rps", unit="requests/s", least=LEAST_RPS, most=MOST_RPS)
    peak = reader.number(
        "peak_rps", unit="requests/s", least=LEAST_RPS, most=MOST_RPS, default=mean
    )
    if peak < mean and not {"mean_rps", "peak_rps"} & set(reader.wrong):
        said = f"The peak ({peak:,f} requests/s) is below the mean ({mean:,f} requests/s)."
        reader.refuse("peak_rps", said, None)
    return mean, peak


def _tokens(reader: Reader, kind: str) -> tuple[int, int]:
    """Return mean and p95 tokens; without a p95, every request is as long as the mean."""
    mean = reader.whole(f"{kind}_tokens_mean", unit="tokens", least=1, most=MOST_TOKENS)
    p95 = reader.whole(f"{kind}_tokens_p95", unit="tokens", least=1, most=MOST_TOKENS, default=mean)
    if p95 < mean and f"{kind}_tokens_mean" not in reader.wrong:
        said = f"The 95th percentile ({p95:,} tokens) is below the mean ({mean:,} tokens)."
        reader.refuse(f"{kind}_tokens_p95", said, None)
    return mean, p95


def _optional(reader: Reader, name: str, unit: str, most: int) -> int | None:
    if reader.given.get(name) in (None, ""):
        return None
    return reader.whole(name, unit=unit, least=1, most=most)


def _matching(reader: Reader, name: str, form: re.Pattern[str], example: str, default: str) -> str:
    written = reader.text(name, most=1024)
    if written and not form.fullmatch(written):
        said = f"It looks like {example}; {shown(written)} does not."
        return str(reader.refuse(name, said, default))
    return written or default


def _first(engines: Collection[str]) -> str:
    return "vllm" if "vllm" in engines else next(iter(engines), "")


def _of(reader: Reader, name: str, known: Collection[str]) -> tuple[str, ...]:
    chosen = reader.texts(name, most=100)
    unknown = next((each for each in chosen if each not in known), None)
    if unknown is not None:
        said = f"{shown(unknown)} is none; the known ones are {', '.join(sorted(known))}."
        reader.refuse(name, said, None)
        return ()
    return chosen


def _quota(reader: Reader, known: Collection[str]) -> dict[str, int]:
    """Return instances by type out of a JSON object or lines like `ml.p5.48xlarge = 2`."""
    given = reader.given.get("gpu_quota")
    if given in (None, "", {}):
        return {}
    pairs = _pairs(given)
    wrong = pairs is None or any(
        each not in known or not 0 <= count <= MOST_INSTANCES for each, count in pairs.items()
    )
    if pairs is None or wrong:
        said = (
            "A quota names machines with the most instances the account may run, such as "
            f"ml.p5.48xlarge = 2, up to {MOST_INSTANCES:,}; {shown(given)} does not, or names a "
            "machine that endpoints do not have."
        )
        reader.refuse("gpu_quota", said, None)
        return {}
    return pairs


def _pairs(given: object) -> dict[str, int] | None:
    if isinstance(given, str):
        lines = [line.strip() for line in re.split(r"[\n,;]+", given[:10_000]) if line.strip()]
        found = [_PAIR.fullmatch(line) for line in lines]
        if any(each is None for each in found):
            return None
        return {each[1]: int(each[2]) for each in found if each}
    if not isinstance(given, Mapping):
        return None
    whole = all(isinstance(count, int) and not isinstance(count, bool) for count in given.values())
    return {str(name): count for name, count in given.items()} if whole else None


def of_workload(workload: Workload) -> dict[str, Any]:
    """Return what a feature's workload already says of a plan, as it would be written."""
    return {
        "mean_rps": f"{workload.mean_rps:f}",
        "peak_rps": f"{workload.peak_rps:f}",
        "input_tokens_mean": workload.input_tokens_mean,
        "input_tokens_p95": workload.input_tokens_p95,
        "output_tokens_mean": workload.output_tokens_mean,
        "output_tokens_p95": workload.output_tokens_p95,
        "prefix_cached_share": f"{workload.cached_input_share:f}",
        "latency_ms": workload.latency_ms,
        "latency_percentile": workload.latency_percentile,
        "latency_of": workload.latency_of.value,
        "region": workload.region,
        "weights_s3_uri": workload.custom.weights_s3_uri if workload.custom else "",
    }
