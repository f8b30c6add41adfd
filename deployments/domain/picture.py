"""A workload in sentences, so that a team sees what it has just asked for. Pure."""

from __future__ import annotations

from deployments.domain import profile
from deployments.domain.wording import count, milliseconds, percent
from deployments.domain.workload import Need, Residency, Workload


def sentences(workload: Workload) -> tuple[str, ...]:
    """Return what a workload comes to in a month, at its peak, and what limits the choice."""
    requests = workload.requests_per_month
    return tuple(
        sentence
        for sentence in (
            f"That is {count(requests)} requests a month, "
            f"{count(requests * workload.input_tokens_mean)} input tokens and "
            f"{count(requests * workload.output_tokens_mean)} output tokens.",
            _peak(workload),
            _burst(workload),
            profile.sentence(workload.weekly_profile),
            _cached(workload),
            f"{workload.latency_percentile} of 100 answers are to come within "
            f"{milliseconds(workload.latency_ms)}"
            f"{' (the first token)' if workload.latency_of.value == 'first-token' else ''}.",
            _images(workload),
            _need(workload),
            _limits(workload),
        )
        if sentence
    )


def _peak(workload: Workload) -> str:
    tokens = workload.peak_rps * (workload.input_tokens_mean + workload.output_tokens_mean)
    spread = workload.peak_rps / workload.mean_rps
    words = "steady" if spread <= 1 else f"{count(spread)} times the mean"
    return (
        f"At peak {count(workload.peak_rps)} requests/s ({words}) carry {count(tokens)} tokens "
        "a second."
    )


def _burst(workload: Workload) -> str:
    if workload.burst is None:
        return ""
    seconds = "a second" if workload.burst.seconds == 1 else f"{workload.burst.seconds} seconds"
    return f"In its highest {seconds} {count(workload.burst.rps)} requests/s arrive."


def _cached(workload: Workload) -> str:
    if not workload.cached_input_share:
        return ""
    share = percent(workload.cached_input_share)
    return f"{share} of the input repeats as a prefix; where a cache is sold, it is cheaper."


def _images(workload: Workload) -> str:
    if not workload.images_per_request:
        return ""
    images = workload.requests_per_month * workload.images_per_request
    return f"{count(images)} images a month are looked at; only models that see are compared."


def _need(workload: Workload) -> str:
    match workload.need:
        case Need.STANDARD:
            return ""
        case Need.CUSTOM_GPU:
            start = "Own weights on a GPU"
        case Need.CUSTOM_CPU:
            start = "Own weights on CPU"
    if workload.custom is None:
        return f"{start}, or one of {len(workload.models)} models of the catalogue."
    return f"{start}: {workload.custom.parameters_billion.normalize():f} billion parameters."


def _limits(workload: Workload) -> str:
    limits = []
    if workload.residency is Residency.GEOGRAPHY:
        limits.append("requests stay in the geography")
    if workload.residency is Residency.REGION:
        limits.append(f"requests stay in {workload.region}")
    if workload.vpc_only:
        limits.append("only the VPC may reach it")
    if workload.needs_streaming:
        limits.append("answers are streamed")
    if workload.quality_floor is not None:
        limits.append(f"models score {workload.quality_floor:f} or more")
    if workload.longest_commitment_months == 0:
        limits.append("no commitment is accepted")
    return f"Limits: {', '.join(limits)}." if limits else ""
