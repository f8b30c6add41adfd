"""What a resource's use is read from, and how stretches of time are cut. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.domain import skus
from deployments.domain.blueprint.spec import Kind

# What a resource was before a change in place: `memory_mb`, and `until` when (ISO, or None: still).
PastSpec = dict[str, Any]
HOUR_SECONDS = 3600
MB_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """A CloudWatch metric, summed over each interval, times `factor` = units of a SKU."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    sku: str
    factor: Decimal = Decimal(1)

    @property
    def unit(self) -> str:
        """Return what the SKU is counted in."""
        return skus.unit_of(self.sku).name


def readings(
    *,
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    outputs: Mapping[str, Any],
    model: str,
    route: str,
) -> tuple[Reading, ...]:
    """Return what is read for a resource; empty for what is not metered by CloudWatch.

    Sources: AWS/Bedrock by ModelId (the profile's id), AWS/Lambda by FunctionName (Duration in ms),
    AWS/SageMaker by endpoint and variant (ModelLatency in microseconds).
    """
    match kind:
        case Kind.PROFILE if outputs.get("id"):
            return _tokens(str(outputs["id"]), model=model, route=route)
        case Kind.FUNCTION:
            return _function(name, spec)
        case Kind.ENDPOINT if "memory_mb" in spec:
            return _serverless(name, spec)
    return ()


def _serverless(name: str, spec: Mapping[str, Any]) -> tuple[Reading, ...]:
    return (
        Reading(
            namespace="AWS/SageMaker",
            metric="ModelLatency",
            dimensions=(("EndpointName", name), ("VariantName", str(spec["variant"]))),
            sku=skus.serverless_memory(),
            factor=Decimal(int(spec["memory_mb"])) / MB_PER_GB / 1_000_000,
        ),
    )


def _tokens(model_id: str, *, model: str, route: str) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            namespace="AWS/Bedrock",
            metric=metric,
            dimensions=(("ModelId", model_id),),
            sku=skus.bedrock_tokens(model=model, route=route, direction=direction),
        )
        for metric, direction in (("InputTokenCount", "input"), ("OutputTokenCount", "output"))
    )


def _function(name: str, spec: Mapping[str, Any]) -> tuple[Reading, ...]:
    dimensions = (("FunctionName", name),)
    return (
        Reading("AWS/Lambda", "Invocations", dimensions, skus.lambda_requests()),
        Reading(
            "AWS/Lambda",
            "Duration",
            dimensions,
            skus.lambda_memory(architecture=str(spec["architecture"])),
            Decimal(int(spec["memory_mb"])) / MB_PER_GB / 1000,
        ),
    )


def with_past(past: Sequence[PastSpec], spec: Mapping[str, Any]) -> list[PastSpec]:
    """Return the past with what a resource is metered by until its change has arrived.

    A second change before the first has arrived changes nothing: the oldest still runs.
    """
    if "memory_mb" not in spec or is_changing(past):
        return list(past)
    return [*past, {"memory_mb": spec["memory_mb"], "until": None}]


def is_changing(past: Sequence[PastSpec]) -> bool:
    """Say whether a change was asked for that has not arrived yet."""
    return any(each["until"] is None for each in past)


def ended(past: Sequence[PastSpec], *, now: datetime) -> list[PastSpec]:
    """Return the past with the moment at which the change has arrived."""
    return [each if each["until"] else {**each, "until": now.isoformat()} for each in past]


def spec_at(spec: Mapping[str, Any], past: Sequence[PastSpec], at: datetime) -> Mapping[str, Any]:
    """Return the spec by which use at a moment is metered."""
    for each in past:
        if each["until"] is None or at < datetime.fromisoformat(each["until"]):
            return {**spec, "memory_mb": each["memory_mb"]}
    return spec


def floor(moment: datetime, *, seconds: int) -> datetime:
    """Return the start of the interval a moment falls into, counted from the full hour."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    past = int((moment - hour).total_seconds())
    return hour + timedelta(seconds=past - past % seconds)


def pieces(
    *, start: datetime, seen_until: datetime, ended_at: datetime | None, seconds: int
) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch at full intervals; a piece comes only when it can no longer change.

    The same pieces come whenever one asks: a last, short one only after the stretch has ended.
    """
    while True:
        end = floor(start, seconds=seconds) + timedelta(seconds=seconds)
        if end > seen_until:
            break
        yield start, end
        start = end
    if ended_at is not None and start < ended_at:
        yield start, ended_at
