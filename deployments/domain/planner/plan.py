"""The cheapest way to serve a language model within its objectives, and why not cheaper. Pure.

Closed form over every machine, precision and layout; a simulation for the few that are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.domain import skus
from billing.domain.prices import PriceBook, rate
from deployments.domain.planner import configuring, refusing, saying, search, sizing
from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import CapacityPlan, Configuration, Nearest, Refusal
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.planner.sizing import Sized
from deployments.domain.workload import HOURS_PER_MONTH, SECONDS_PER_MONTH

__all__ = ["CapacityPlan", "Configuration", "LoadPoint", "PlanRequest", "plan"]

FINALISTS = 4
MOST_SIMULATED = 12  # when none of the first holds the wish
DEAREST = Decimal(10) ** 12
NARROW = frozenset({"int4", "nvfp4"})
LEAST_CAP = 16
CAP_STEP = 10
CUTS = 4  # further ones, each by a tenth, where the simulation does not hold the first
CUT_BY = 0.9


@dataclass(frozen=True, slots=True)
class _Searched:
    """All candidates of a request, and those that are sized, cheapest first."""

    asked: Task
    candidates: tuple[Candidate, ...]
    sized: tuple[Sized, ...]


def plan(
    *,
    request: PlanRequest,
    facts: ServingFacts,
    prices: PriceBook,
    load_points: tuple[LoadPoint, ...] = (),
) -> CapacityPlan:
    """Return the ranked configurations for a request.

    `pick` is the cheapest that holds every wish. Where none does, `nearest` says the least change
    that would, and `nearest_pick` is the cheapest plan with answers cut to fit the latency.
    Raises KeyError for an engine or a precision that the facts do not know.
    """
    searched = _search(request, facts, prices, load_points)
    finalists = _finalists(searched, facts)
    pick = next((each for each in finalists if each.is_feasible), None)
    refused = _refused(searched, finalists)
    cut, cap = (None, None) if pick else _cut(searched, facts, prices)
    nearest = () if pick else _nearest(searched, finalists, cut, cap)
    return CapacityPlan(
        finalists=finalists,
        pick=pick,
        refused=refused,
        nearest=nearest,
        sentences=saying.sentences(
            asked=searched.asked,
            candidates=searched.candidates,
            finalists=finalists,
            pick=pick,
            nearest=nearest,
        ),
        assumptions=saying.assumptions(asked=searched.asked, facts=facts, prices=prices),
        considered=len(searched.candidates),
        nearest_pick=cut,
    )


def _search(
    request: PlanRequest,
    facts: ServingFacts,
    prices: PriceBook,
    load_points: Sequence[LoadPoint],
) -> _Searched:
    asked = search.task(request)
    found = tuple(search.candidates(asked=asked, facts=facts, points=load_points))
    return _sized(asked, found, facts, prices)


def _sized(
    asked: Task, found: Sequence[Candidate], facts: ServingFacts, prices: PriceBook
) -> _Searched:
    sized = [
        made
        for each in found
        if (made := sizing.size(candidate=each, asked=asked, facts=facts, prices=prices))
    ]
    return _Searched(asked, tuple(found), tuple(sorted(sized, key=_order)))


def _order(sized: Sized) -> tuple[Decimal, bool, int, float, str]:
    """Cheapest first, then 8 bits or more, fewer machines, most headroom; no price comes last."""
    monthly = sized.usd_month
    cost = DEAREST if monthly is None else monthly
    is_narrow = sized.candidate.replica.precision.name in NARROW
    return (
        cost,
        is_narrow,
        sized.instances,
        -sized.saturation_rps * sized.copies,
        sized.candidate.label,
    )


def _finalists(searched: _Searched, facts: ServingFacts) -> tuple[Configuration, ...]:
    """The cheapest kinds of GPU, simulated; more of them until one holds every wish."""
    made: list[Configuration] = []
    for each in _shortlist(searched.sized):
        is_hopeless = not _is_paid(each, searched.asked.request)
        if len(made) >= FINALISTS and (is_hopeless or any(one.is_feasible for one in made)):
            break
        made.append(_simulated(each, searched.asked, facts))
    return tuple(sorted(made, key=_rank))


def _simulated(sized: Sized, asked: Task, facts: ServingFacts) -> Configuration:
    settled = sizing.settle(sized=sized, asked=asked)
    assert settled.found is not None
    return configuring.configure(sized=settled, found=settled.found, asked=asked, facts=facts)


def _shortlist(sized: Sequence[Sized]) -> list[Sized]:
    """The cheapest of each kind of GPU: two with 8 bits or more first, then whatever is left."""
    best: dict[tuple[str, bool], Sized] = {}
    for each in sized:
        is_wide = each.candidate.replica.precision.name not in NARROW
        best.setdefault((each.candidate.machine.accelerator, is_wide), each)
    wide = [one for (_, is_wide), one in best.items() if is_wide][: FINALISTS // 2]
    others = [one for one in best.values() if one not in wide]
    return [*wide, *others][:MOST_SIMULATED]


def _rank(made: Configuration) -> tuple[bool, Decimal, bool, float]:
    cost = DEAREST if made.usd_month is None else made.usd_month
    is_narrow = made.precision in NARROW
    return not made.is_feasible, cost, is_narrow, made.prediction.e2e_p99.value


def _refused(searched: _Searched, finalists: Sequence[Configuration]) -> tuple[Refusal, ...]:
    """Machines with no candidate that holds the wish, and finalists that broke it."""
    held = {each.candidate.machine.instance_type for each in searched.sized}
    tried: dict[str, list[Candidate]] = defaultdict(list)
    for each in searched.candidates:
        tried[each.machine.instance_type].append(each)
    refused = [
        refusing.refuse(machine, some, searched.asked)
        for machine, some in tried.items()
        if machine not in held
    ]
    broken = [
        Refusal(
            made.instance_type,
            made.key,
            " ".join(saying.broken(made)),
            saying.relief(made, searched.asked),
        )
        for made in finalists
        if not made.is_feasible
    ]
    return tuple(broken + refused)


def _cut(
    searched: _Searched, facts: ServingFacts, prices: PriceBook
) -> tuple[Configuration | None, int | None]:
    """The cheapest plan with answers cut as little as the wish needs, and where they are cut.

    The cut is found in closed form among the machines that can be afforded, then simulated.
    """
    request = searched.asked.request
    if request.latency_of != "whole-answer":
        return None, None
    able = _able(searched, facts, prices)

    def of(steps: int) -> _Searched:
        cut = search.task(_capped(request, steps))
        fast = [each for tokens, each in able if tokens >= steps * CAP_STEP]
        return _sized(cut, fast, facts, prices)

    steps = _most_steps(of, request, int(searched.asked.outputs_at - 1) // CAP_STEP)
    for _ in range(CUTS):
        if steps * CAP_STEP < LEAST_CAP:
            break
        tried = of(steps)
        for each in (one for one in _shortlist(tried.sized) if _is_paid(one, request)):
            made = _simulated(each, tried.asked, facts)
            if made.is_feasible:
                return made, steps * CAP_STEP
        steps = min(steps - 1, int(steps * CUT_BY))
    return None, None


def _able(
    searched: _Searched, facts: ServingFacts, prices: PriceBook
) -> list[tuple[int, Candidate]]:
    """Candidates that can be afforded, each with its longest answer within the limit when idle."""
    asked = searched.asked
    among = _affordable(asked.request, facts, prices)
    within = asked.request.latency_ms / 1000
    return [
        (refusing.alone(each, asked).tokens_within(within), each)
        for each in searched.candidates
        if (among is None or each.machine.instance_type in among) and refusing.can_hold(each, asked)
    ]


def _most_steps(of: Callable[[int], _Searched], request: PlanRequest, most: int) -> int:
    """The highest cut, in steps, that some candidate holds within the price; 0 when none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if any(_is_paid(one, request) for one in of(middle).sized):
            low = middle
        else:
            high = middle - 1
    return low


def _capped(request: PlanRequest, steps: int) -> PlanRequest:
    return replace(request, max_output_tokens=max(steps, 1) * CAP_STEP)


def _affordable(
    request: PlanRequest, facts: ServingFacts, prices: PriceBook
) -> frozenset[str] | None:
    """Machines whose fewest instances cost no more than the wish; None without one."""
    if request.usd_per_request is None:
        return None
    limit = request.usd_per_request * request.mean_rps * SECONDS_PER_MONTH
    found = set()
    for machine in facts.machines:
        price = prices.find(skus.instance(instance_type=machine.instance_type))
        seconds = HOURS_PER_MONTH * 3600 * max(request.min_replicas, 1)
        if price and rate(quantity=seconds, price=price) <= limit:
            found.add(machine.instance_type)
    return frozenset(found)


def _is_paid(sized: Sized, request: PlanRequest) -> bool:
    monthly = sized.usd_month
    if monthly is None or request.usd_per_request is None:
        return monthly is not None
    return monthly <= request.usd_per_request * request.mean_rps * SECONDS_PER_MONTH


def _nearest(
    searched: _Searched,
    finalists: Sequence[Configuration],
    cut: Configuration | None,
    cap: int | None,
) -> tuple[Nearest, ...]:
    asked, found = searched.asked, []
    if cut and cap:
        found.append(saying.capped(cut, cap))
    found += [each for made in finalists[:1] for each in saying.relief(made, asked)]
    if not searched.sized:
        fitting = [each for each in searched.candidates if refusing.can_hold(each, asked)]
        if fitting:
            alone = (refusing.alone(each, asked) for each in fitting)
            best = min(alone, key=lambda one: one.meant_s(asked))
            found += refusing.nearest(best, asked)
        elif searched.candidates:
            largest = max(searched.candidates, key=lambda each: each.memory.kv * each.replica.gpus)
            machine = largest.machine.instance_type
            found += refusing.refuse(machine, [largest], asked).nearest
    return tuple(found)
