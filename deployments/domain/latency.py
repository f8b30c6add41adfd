"""How long an answer takes: managed models by measurement, own GPUs by the roofline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.domain.capacity import Pace, Shape
from deployments.domain.catalog import Model, Speed
from deployments.domain.options import Latency
from deployments.domain.workload import LatencyOf, Workload

CONFIDENCE: Mapping[str, str] = {
    "bedrock": "medium: measured on Bedrock, elsewhere in the network",
    "prior": "low: measured on other hosts of the same model",
    "assumed": "none: assumed, no public measurement",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds at three percentiles."""

    p50: float
    p95: float
    p99: float

    def at(self, percentile: int) -> float:
        """Return one of the three: 50, 95 or 99."""
        return {50: self.p50, 95: self.p95, 99: self.p99}[percentile]

    def plus(self, ms: float, *, tail_ms: float = 0.0) -> Times:
        """Return the times with `ms` on each and `tail_ms` more on the p99."""
        return Times(self.p50 + ms, self.p95 + ms, self.p99 + ms + tail_ms)

    def longer(self, typical_ms: float, long_ms: float) -> Times:
        """Return the times with what a typical, and at p95 and p99 a long, answer takes more."""
        return Times(self.p50 + typical_ms, self.p95 + long_ms, self.p99 + long_ms)


def at(latency: Latency, percentile: int) -> int:
    """Return a latency's milliseconds at 50, 95 or 99."""
    return {50: latency.p50_ms, 95: latency.p95_ms, 99: latency.p99_ms}[percentile]


def mean_shape(workload: Workload, model: Model) -> Shape:
    """Return the average request as the model sees it."""
    seen = workload.images_per_request * model.image_tokens
    return Shape(
        workload.input_tokens_mean + seen, workload.output_tokens_mean, workload.images_per_request
    )


def tail_shape(workload: Workload, model: Model) -> Shape:
    """Return the request whose lengths are at their 95th percentiles."""
    seen = workload.images_per_request * model.image_tokens
    return Shape(
        workload.input_tokens_p95 + seen, workload.output_tokens_p95, workload.images_per_request
    )


def managed_answer(*, speed: Speed, workload: Workload, values: Mapping[str, float]) -> Times:
    """Return the times to the last token: first token, then output length over output speed."""
    typical = workload.output_tokens_mean / speed.output_tokens_per_s * 1000
    long = workload.output_tokens_p95 / speed.output_tokens_per_s * 1000
    return managed_first_token(speed=speed, values=values).longer(typical, long)


def managed_first_token(*, speed: Speed, values: Mapping[str, float]) -> Times:
    """Return the times to the first token; a p99 that was not measured follows from the p95."""
    tail = speed.ttft_ms_p95 * values["managed.p99-over-p95"]
    if speed.ttft_ms_p99 is not None:
        tail = float(speed.ttft_ms_p99)
    return Times(float(speed.ttft_ms_p50), float(speed.ttft_ms_p95), tail)


def managed(*, speed: Speed, workload: Workload, values: Mapping[str, float]) -> Times:
    """Return the times the workload's objective is about, the first token or the last."""
    if workload.latency_of is LatencyOf.FIRST_TOKEN:
        return managed_first_token(speed=speed, values=values)
    return managed_answer(speed=speed, workload=workload, values=values)


def own(
    *, typical: Pace, long: Pace, workload: Workload, values: Mapping[str, float], batch: float
) -> Times:
    """Return the times on a replica that works on `batch` requests at once.

    p50 is the mean request (`typical`); p95 and p99 are the request of p95 lengths (`long`), times
    the spread that queueing adds at up to 60 % load (capacity notes 2.5).
    """
    if workload.latency_of is LatencyOf.FIRST_TOKEN:
        tail = long.first_token_s(batch) * 1000
        return Times(
            typical.first_token_s(batch) * 1000,
            tail * values["gpu.first-token-p95-over-mean"],
            tail * values["gpu.first-token-p99-over-mean"],
        )
    tail = (long.first_token_s(batch) + long.following_tokens * typical.token_s(batch)) * 1000
    return Times(
        typical.answer_s(batch) * 1000,
        tail * values["gpu.p95-over-mean"],
        tail * values["gpu.p99-over-mean"],
    )


def is_mostly_cold(workload: Workload) -> bool:
    """Say whether requests are rarer than one in five minutes, so that most meet a cold start."""
    return workload.mean_rps * 300 < 1


def as_latency(
    times: Times, *, cold_start_ms: float, basis: str, as_of: str, confidence: str
) -> Latency:
    """Return the times as an option shows them, rounded up to the millisecond."""
    return Latency(
        p50_ms=_up(times.p50),
        p95_ms=_up(times.p95),
        p99_ms=_up(times.p99),
        cold_start_ms=_up(cold_start_ms),
        basis=basis,
        as_of=as_of,
        confidence=confidence,
    )


def _up(ms: float) -> int:
    return int(-(-ms // 1))
