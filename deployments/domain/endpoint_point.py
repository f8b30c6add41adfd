"""A load-test point out of traffic through a running endpoint. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from deployments.domain.options import Option
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import Configuration
from deployments.domain.workload import Workload

FEWEST_ANSWERS = 100  # below it a 99th percentile is only the slowest answer


class BadEndpoint(ValueError):
    """The endpoint says nothing about this configuration; the message says why."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came back of a stretch of traffic: answers, its seconds, p50 to p99 in ms."""

    answered: int
    seconds: float
    latency_ms: Mapping[str, int]


def point_from(
    *,
    option: Option,
    workload: Workload,
    played: Played,
    configuration: Configuration,
    request: PlanRequest,
    source: str,
    today: date,
) -> LoadPoint:
    """Return the traffic as a point of the configuration, its rate that of one copy.

    Callers keep percentiles only: the median stands for the mean, and the point's source says so.

    Raises BadEndpoint when the endpoint runs something else, or too little was answered.
    """
    _check(option, played, configuration)
    copies = max(1, option.size.instances) * configuration.replicas_per_instance
    return LoadPoint(
        architecture=request.architecture.name,
        accelerator=configuration.gpu,
        tensor_parallel=configuration.tensor_parallel,
        pipeline_parallel=configuration.pipeline_parallel,
        precision=configuration.precision,
        engine=request.engine,
        input_tokens=float(workload.input_tokens_mean),
        output_tokens=float(workload.output_tokens_mean),
        request_rate=played.answered / played.seconds / copies,
        e2e_mean_ms=float(played.latency_ms["p50"]),
        e2e_p99_ms=float(played.latency_ms["p99"]),
        source=f"{source}, its median taken as the mean",
        as_of=today,
    )


def _check(option: Option, played: Played, configuration: Configuration) -> None:
    """Refuse an endpoint that runs something else, or of which too little is known."""
    runs = (
        option.size.instance_type,
        str(option.extra.get("precision", "")),
        str(option.extra.get("tensor_parallel", "")),
    )
    wanted = (
        configuration.instance_type,
        configuration.precision,
        str(configuration.tensor_parallel),
    )
    if runs != wanted:
        raise BadEndpoint(
            f"The endpoint runs {_named(runs)}; the configuration is {_named(wanted)}."
        )
    if (
        played.answered < FEWEST_ANSWERS
        or played.seconds <= 0
        or not {"p50", "p99"} <= set(played.latency_ms)
    ):
        raise BadEndpoint(
            f"{played.answered:,} answers were measured; at least {FEWEST_ANSWERS} are needed for "
            "a 99th percentile. Play more traffic through it."
        )


def _named(parts: tuple[str, str, str]) -> str:
    machine, precision, parallel = (part or "unknown" for part in parts)
    return f"{machine} at {precision} with tensor parallelism {parallel}"
