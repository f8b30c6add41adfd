"""How many replicas of a model on a machine serve a peak, and how fast at that load. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import partial

from deployments.domain import latency
from deployments.domain.capacity import Engine, Pace
from deployments.domain.catalog import Model
from deployments.domain.latency import Times
from deployments.domain.workload import LatencyOf, Workload

_HALVINGS = 14


@dataclass(frozen=True, slots=True)
class Plan:
    """How many replicas of an engine serve the peak, and how fast at that load."""

    engine: Engine
    saturation_rps: float  # of one replica
    planned_rps: float  # of one replica: within 60 % of saturation and within the objective
    replicas: int
    times: Times
    answer: Times


def plan(*, engine: Engine, model: Model, workload: Workload, minimum: int) -> Plan:
    """Return replicas = ceil(peak / planned rate), at least `minimum`, and the times at peak."""
    typical = engine.pace(latency.mean_shape(workload, model))
    times = partial(
        latency.own,
        typical=typical,
        long=engine.pace(latency.tail_shape(workload, model)),
        values=engine.values,
    )
    saturation = typical.saturation_rps()
    batch = _largest_batch(partial(times, workload=workload), workload, typical.most)
    share = engine.values["gpu.planned-utilisation"]
    planned = min(share * saturation, typical.rate_at(batch))
    replicas = max(minimum, _ceiling(workload.peak_rps / Decimal(str(planned))))
    busy = _batch_at(typical, float(workload.peak_rps) / replicas)
    whole = replace(workload, latency_of=LatencyOf.WHOLE_ANSWER)
    return Plan(
        engine=engine,
        saturation_rps=saturation,
        planned_rps=planned,
        replicas=replicas,
        times=times(workload=workload, batch=busy),
        answer=times(workload=whole, batch=busy),
    )


def _largest_batch(times: Callable[..., Times], workload: Workload, most: float) -> float:
    """Return the most requests at once that hold the objective; all that fit when none does."""

    def holds(batch: float) -> bool:
        return times(batch=batch).at(workload.latency_percentile) <= workload.latency_ms

    if holds(most) or not holds(1.0):
        return most
    low, high = 1.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _batch_at(typical: Pace, rate_rps: float) -> float:
    """Return how many requests are under way at a rate (Little's law), between one and all."""
    low, high = 1.0, typical.most
    if typical.rate_at(low) >= rate_rps:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if typical.rate_at(middle) >= rate_rps else (middle, high)
    return high


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(rounding=ROUND_CEILING))
