"""What a configuration must hold, each with both numbers. Pure."""

from __future__ import annotations

from decimal import Decimal

from deployments.domain.options import Check
from deployments.domain.planner import sizing
from deployments.domain.planner.search import Task
from deployments.domain.planner.simulation import Percentiles
from deployments.domain.planner.sizing import Sized
from deployments.domain.wording import milliseconds, percent

MOST_UTILISATION = 0.8  # of saturation: beyond it a small surge has no bound


def of(
    *, sized: Sized, found: Percentiles, asked: Task, usd_per_request: Decimal | None
) -> tuple[Check, ...]:
    """Return every check of a simulated configuration."""
    return (
        _memory(sized),
        _context(sized, asked),
        *_latency(found, asked),
        _headroom(sized, asked),
        *_price(usd_per_request, asked),
        *_quota(sized, asked),
    )


def _memory(sized: Sized) -> Check:
    parts, gpu = sized.candidate.memory, sized.candidate.replica.accelerator
    return Check(
        "memory",
        parts.kv > 0,
        f"Weights {parts.weights:.1f}, activation {parts.activation:.1f} and runtime "
        f"{parts.non_torch + parts.graphs:.1f} GiB leave {parts.kv:.1f} GiB for the KV cache of "
        f"the {gpu.memory_gib_usable:.1f} GiB that {gpu.name} has.",
    )


def _context(sized: Sized, asked: Task) -> Check:
    held, most = sized.candidate.kv_tokens, asked.request.architecture.max_context
    needed = asked.prompts.at(0.999) + asked.outputs.at(0.999)
    return Check(
        "context",
        asked.longest <= held and needed <= most,
        f"The longest request in a thousand has {needed:,.0f} tokens; one copy's cache holds "
        f"{held:,} and the model reads {most:,}.",
    )


def _latency(found: Percentiles, asked: Task) -> list[Check]:
    wish = asked.request
    first, whole = sizing.at(found, wish.latency_percentile)
    is_first = wish.latency_of == "first-token"
    what = "first token" if is_first else "whole answer"
    checks = [
        _time(
            "latency", what, wish.latency_percentile, first if is_first else whole, wish.latency_ms
        )
    ]
    if wish.ttft_ms is not None:
        checks.append(_time("ttft", "first token", wish.latency_percentile, first, wish.ttft_ms))
    if wish.tpot_ms is not None:
        token = found.tpot_s * 1000
        checks.append(
            Check(
                "tpot",
                token <= wish.tpot_ms,
                f"{token:.1f} ms for each further token on average, against {wish.tpot_ms} ms.",
            )
        )
    return checks


def _time(name: str, what: str, percentile: int, seconds: float, limit_ms: int) -> Check:
    return Check(
        name,
        seconds * 1000 <= limit_ms,
        f"p{percentile} to the {what} is {milliseconds(seconds * 1000)} at the peak, against "
        f"{milliseconds(limit_ms)}.",
    )


def _headroom(sized: Sized, asked: Task) -> Check:
    used = sized.utilisation(asked)
    return Check(
        "headroom",
        used <= MOST_UTILISATION,
        f"The peak takes {percent(round(used, 2))} of saturation, against at most "
        f"{percent(MOST_UTILISATION)}.",
    )


def _price(usd: Decimal | None, asked: Task) -> list[Check]:
    wish = asked.request.usd_per_request
    if wish is None:
        return []
    if usd is None:
        return [Check("price", False, f"No price is known; {wish} USD a request is the most.")]
    return [Check("price", usd <= wish, f"{usd:.4f} USD a request, against at most {wish} USD.")]


def _quota(sized: Sized, asked: Task) -> list[Check]:
    kind = sized.candidate.machine.instance_type
    most = asked.request.gpu_quota.get(kind)
    if most is None:
        return []
    return [
        Check(
            "quota",
            sized.instances <= most,
            f"{sized.instances} instances of {kind} for endpoints, against a quota of {most}.",
        )
    ]
