"""How many machines carry the peak, and what they cost; finalists are simulated. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil

from billing.domain import skus
from billing.domain.prices import Price, PriceBook, rate
from deployments.domain.planner import search, simulation
from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.planner.simulation import Limits, Load, Percentiles
from deployments.domain.workload import HOURS_PER_MONTH

SIMULATED_REQUESTS = 1500
ATTEMPTS = 4  # at more instances, when the simulation breaks what the closed form held
TIGHT_PERCENTILE = 95
LOOSE_MORE = 0.1  # more of saturation may be used where only the median counts
MOST_INSTANCES = 200


@dataclass(frozen=True, slots=True)
class Sized:
    """A candidate with as many machines as the peak needs."""

    candidate: Candidate
    saturation_rps: float  # of one copy
    instances: int
    price: Price | None
    found: Percentiles | None = None

    @property
    def copies(self) -> int:
        """Copies of the model on all machines."""
        return self.instances * self.candidate.layout.copies

    @property
    def usd_month(self) -> Decimal | None:
        """USD a month of 730 hours; None without a price."""
        if self.price is None:
            return None
        seconds = HOURS_PER_MONTH * 3600 * self.instances
        return rate(quantity=seconds, price=self.price)

    def rate_each(self, asked: Task) -> float:
        """Requests/s of one copy at the peak."""
        return float(asked.request.peak_rps) / self.copies

    def utilisation(self, asked: Task) -> float:
        """Share of saturation at the peak."""
        return self.rate_each(asked) / self.saturation_rps


def planned_share(asked: Task, facts: ServingFacts) -> float:
    """Return the most of saturation to plan with: less where a high percentile counts."""
    share = facts.values["plan-utilisation"]
    is_tight = asked.request.latency_percentile >= TIGHT_PERCENTILE
    return share if is_tight else share + LOOSE_MORE


def size(
    *, candidate: Candidate, asked: Task, facts: ServingFacts, prices: PriceBook
) -> Sized | None:
    """Return the machines that carry the peak within the objectives; None where none do."""
    if candidate.kv_tokens < asked.longest:
        return None
    share = planned_share(asked, facts)
    each = search.rate_within(candidate=candidate, asked=asked, share=share)
    if each <= 0:
        return None
    needed = ceil(float(asked.request.peak_rps) / (each * candidate.layout.copies))
    if needed > MOST_INSTANCES:
        return None
    return Sized(
        candidate=candidate,
        saturation_rps=search.saturation(candidate=candidate, asked=asked),
        instances=max(needed, asked.request.min_replicas, 1),
        price=prices.find(skus.instance(instance_type=candidate.machine.instance_type)),
    )


def settle(*, sized: Sized, asked: Task) -> Sized:
    """Return it simulated, with as few more machines as the simulation says it needs."""
    tried = _tried(sized, asked)
    broken = tried.instances - 1
    for _ in range(ATTEMPTS):
        if _holds(tried, asked) or tried.instances >= MOST_INSTANCES:
            break
        broken = tried.instances
        more = max(1, tried.instances // 4)
        tried = _tried(replace(tried, instances=tried.instances + more), asked)
    while _holds(tried, asked) and tried.instances - broken > 1:
        middle = _tried(replace(tried, instances=(tried.instances + broken) // 2), asked)
        if _holds(middle, asked):
            tried = middle
        else:
            broken = middle.instances
    return tried


def _tried(sized: Sized, asked: Task) -> Sized:
    return replace(sized, found=simulate(sized=sized, asked=asked))


def _holds(sized: Sized, asked: Task) -> bool:
    return sized.found is not None and is_within(sized.found, asked)


def simulate(*, sized: Sized, asked: Task) -> Percentiles:
    """Return percentiles of one copy at the peak, with a measured first token where there is."""
    candidate = sized.candidate
    context = asked.lengths.prompt + asked.lengths.output
    found = simulation.run(
        speed=candidate.speed,
        load=Load(
            rate=sized.rate_each(asked),
            prompts=asked.prompts,
            outputs=asked.outputs,
            cached=asked.lengths.cached,
            requests=SIMULATED_REQUESTS,
        ),
        limits=Limits(
            sequences=candidate.batching.max_num_seqs,
            step_tokens=candidate.batching.max_num_batched_tokens,
            cache_tokens=int(candidate.fits * context),
        ),
    )
    return _rescaled(found, candidate.scale.first)


def is_within(found: Percentiles, asked: Task) -> bool:
    """Whether simulated times hold every latency objective."""
    wish = asked.request
    first, whole = at(found, wish.latency_percentile)
    meant = first if wish.latency_of == "first-token" else whole
    return (
        meant * 1000 <= wish.latency_ms
        and (wish.ttft_ms is None or first * 1000 <= wish.ttft_ms)
        and (wish.tpot_ms is None or found.tpot_s * 1000 <= wish.tpot_ms)
    )


def at(found: Percentiles, percentile: int) -> tuple[float, float]:
    """Return seconds to the first and to the last token at p50, p95 or p99."""
    place = {50: 0, 95: 1}.get(percentile, 2)
    return found.ttft_s[place], found.e2e_s[place]


def _rescaled(found: Percentiles, first: float) -> Percentiles:
    if first == 1.0:
        return found
    more = tuple(seconds * (first - 1) for seconds in found.ttft_s)
    return Percentiles(
        ttft_s=tuple(seconds * first for seconds in found.ttft_s),
        e2e_s=tuple(a + b for a, b in zip(found.e2e_s, more, strict=True)),
        e2e_mean_s=found.e2e_mean_s + more[0],
        tpot_s=found.tpot_s,
    )
