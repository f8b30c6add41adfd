"""One measured load test rescales the plan of its configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deployments.domain.planner import queueing
from deployments.domain.planner.memory import Replica
from deployments.domain.planner.queueing import Lengths, Times
from deployments.domain.planner.request import LoadPoint
from deployments.domain.planner.speed import Speed

LEAST, MOST = 0.2, 5.0  # beyond this the point is of something else


@dataclass(frozen=True, slots=True)
class Scale:
    """Factors on predicted times: of every step, and of the first token on top of it."""

    step: float = 1.0
    first: float = 1.0
    source: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether a load test stands behind it."""
        return bool(self.source)


def matching(*, replica: Replica, points: Sequence[LoadPoint]) -> LoadPoint | None:
    """Return the newest point of exactly this configuration."""
    found = [point for point in points if _is_of(replica, point)]
    return max(found, key=lambda point: point.as_of, default=None)


def scale_of(*, point: LoadPoint, speed: Speed, fits: float) -> Scale:
    """Return the factors that make the prediction meet a measured point.

    The pace comes from the time per output token, else from the whole answer or the throughput;
    the first token's own factor from its time.
    """
    lengths = Lengths(point.input_tokens, point.output_tokens)
    said = _predict(speed, lengths, point, fits)
    step = _clamp(_pace(point, said))
    again = _predict(replace(speed, scale=speed.scale * step), lengths, point, fits)
    first = _clamp(point.ttft_ms / (again.ttft_s * 1000)) if point.ttft_ms else 1.0
    return Scale(step, first, f"{point.source}, {point.as_of.isoformat()}")


def scaled(speed: Speed, scale: Scale) -> Speed:
    """Return the speed as measured."""
    return replace(speed, scale=speed.scale * scale.step)


def _is_of(replica: Replica, point: LoadPoint) -> bool:
    return (
        point.architecture == replica.architecture.name
        and point.accelerator == replica.accelerator.name
        and point.tensor_parallel == replica.tensor_parallel
        and point.pipeline_parallel == replica.pipeline_parallel
        and point.precision == replica.precision.name
        and point.engine == replica.engine.key
    )


def _predict(speed: Speed, lengths: Lengths, point: LoadPoint, fits: float) -> Times:
    if point.concurrency:
        return queueing.closed(speed=speed, lengths=lengths, users=point.concurrency, fits=fits)
    return queueing.arriving(
        speed=speed, lengths=lengths, rate=point.request_rate or 0.0, fits=fits
    )


def _pace(point: LoadPoint, said: Times) -> float:
    measured: Mapping[str, float | None] = {
        "tpot": point.tpot_ms and point.tpot_ms / (said.tpot_s * 1000),
        "e2e": point.e2e_mean_ms and point.e2e_mean_ms / (said.e2e_s * 1000),
        "rate": point.output_tokens_per_s and said.output_tokens_per_s / point.output_tokens_per_s,
    }
    return next((value for value in measured.values() if value), 1.0)


def _clamp(factor: float) -> float:
    return min(max(factor, LEAST), MOST)
