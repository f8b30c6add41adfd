"""The cheapest way to serve a language model within its objectives, and why not cheaper. Pure.

Closed form over every machine, precision and layout; a simulation for the few that are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.domain.prices import PriceBook
from deployments.domain.planner import configuring, refusing, saying, search, sizing
from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import CapacityPlan, Configuration, Nearest, Refusal
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.planner.sizing import Sized

__all__ = ["CapacityPlan", "Configuration", "LoadPoint", "PlanRequest", "plan"]

FINALISTS = 4
DEAREST = Decimal(10) ** 12
NARROW = frozenset({"int4", "nvfp4"})
CAP_SHARES = (1.0, 0.85, 0.7, 0.5)  # of the longest answer within the objective when idle
LEAST_CAP = 16
CAP_STEP = 10


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
    cut, cap = (None, None) if pick else _cut(searched, facts, prices, load_points)
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
    sized = [
        made
        for each in found
        if (made := sizing.size(candidate=each, asked=asked, facts=facts, prices=prices))
    ]
    return _Searched(asked, found, tuple(sorted(sized, key=_order)))


def _order(sized: Sized) -> tuple[Decimal, int, float, str]:
    """Cheapest first, then fewer machines, then most headroom; no price comes last."""
    monthly = sized.usd_month
    cost = DEAREST if monthly is None else monthly
    return cost, sized.instances, -sized.saturation_rps * sized.copies, sized.candidate.label


def _finalists(searched: _Searched, facts: ServingFacts) -> tuple[Configuration, ...]:
    """The cheapest of each machine, and the cheapest with at least 8 bits, simulated."""
    made = []
    for each in _shortlist(searched.sized):
        settled = sizing.settle(sized=each, asked=searched.asked)
        assert settled.found is not None
        made.append(
            configuring.configure(
                sized=settled, found=settled.found, asked=searched.asked, facts=facts
            )
        )
    return tuple(sorted(made, key=_rank))


def _shortlist(sized: Sequence[Sized]) -> list[Sized]:
    """The cheapest of each kind of GPU: half of them with 8 bits or more, half whatever is left."""
    best: dict[tuple[str, bool], Sized] = {}
    for each in sized:
        is_wide = each.candidate.replica.precision.name not in NARROW
        best.setdefault((each.candidate.machine.accelerator, is_wide), each)
    wide = [one for (_, is_wide), one in best.items() if is_wide][: FINALISTS // 2]
    others = [one for one in best.values() if one not in wide]
    return [*wide, *others[: FINALISTS - len(wide)]]


def _rank(made: Configuration) -> tuple[bool, Decimal, float]:
    cost = DEAREST if made.usd_month is None else made.usd_month
    return not made.is_feasible, cost, made.prediction.e2e_p99.value


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
        Refusal(made.instance_type, made.key, " ".join(saying.broken(made)), saying.relief(made))
        for made in finalists
        if not made.is_feasible
    ]
    return tuple(broken + refused)


def _cut(
    searched: _Searched,
    facts: ServingFacts,
    prices: PriceBook,
    load_points: Sequence[LoadPoint],
) -> tuple[Configuration | None, int | None]:
    """The cheapest plan with answers cut as little as the latency needs, and where they are cut."""
    request, asked = searched.asked.request, searched.asked
    if request.latency_of != "whole-answer":
        return None, None
    fitting = (each for each in searched.candidates if refusing.can_hold(each, asked))
    within = request.latency_ms / 1000
    longest = max(
        (refusing.alone(each, asked).tokens_within(within) for each in fitting), default=0
    )
    most = min(longest, request.max_output_tokens or longest, round(asked.outputs_at) - 1)
    for share in CAP_SHARES:
        cap = int(most * share / CAP_STEP) * CAP_STEP
        if cap < LEAST_CAP:
            break
        tried = _search(replace(request, max_output_tokens=cap), facts, prices, load_points)
        pick = next((one for one in _finalists(tried, facts) if one.is_feasible), None)
        if pick:
            return pick, cap
    return None, None


def _nearest(
    searched: _Searched,
    finalists: Sequence[Configuration],
    cut: Configuration | None,
    cap: int | None,
) -> tuple[Nearest, ...]:
    asked, found = searched.asked, []
    if cut and cap:
        found.append(saying.capped(cut, cap))
    found += [each for made in finalists[:1] for each in saying.relief(made)]
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
