"""From features and a wish to the problem that is solved, in whole micro-dollars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from deployments.domain.portfolio.asking import Candidate, Candidates, Wish
from deployments.domain.portfolio.problem import (
    MONEY,
    Choice,
    Item,
    NothingFits,
    Objective,
    Problem,
    Solution,
)
from deployments.domain.portfolio.solve import solve

MICRO = Decimal(1_000_000)
MODEL_UNITS = "model-units"
# Whole priorities come before money, and then the cheaper selection is the better one.
POINTS = 10**10
NOBODY = Choice("", 0)


def problem_of(features: Sequence[Candidates], wish: Wish) -> Problem:
    """Return the problem: an item for each feature, limits on money and whatever is limited."""
    limits = {MONEY: micro(wish.budget_usd), **(wish.limits or {})}
    items = tuple(Item(each.name, choices_of(each, wish)) for each in features)
    return Problem(items, limits, wish.objective)


def choices_of(feature: Candidates, wish: Wish) -> tuple[Choice, ...]:
    """Return the choices of a feature: feasible options that the wish allows.

    An option that costs as much as another and takes as much of every limit is left out.
    """
    longest = wish.longest_commitment_months
    found = [
        _choice(each, wish, feature)
        for each in feature.options
        if each.is_feasible
        and (longest is None or each.commitment_months <= longest)
        and (each.is_launchable or not wish.launchable_only)
    ]
    limited, kept = tuple(wish.limits or {}), list[Choice]()
    for choice in sorted(found, key=lambda each: each.cost_micro_usd):
        if not any(_takes_no_more(each, choice, limited) for each in kept):
            kept.append(choice)
    return (*kept, NOBODY) if wish.objective is Objective.VALUE else tuple(kept)


def _takes_no_more(one: Choice, other: Choice, limited: tuple[str, ...]) -> bool:
    return all(one.use_of(name) <= other.use_of(name) for name in limited)


def _choice(candidate: Candidate, wish: Wish, feature: Candidates) -> Choice:
    cost = micro(candidate.usd or Decimal(0))
    points = priority(wish, feature.feature) * POINTS - cost // 10_000
    return Choice(candidate.option_id, cost, points, candidate.uses)


def priority(wish: Wish, feature: str) -> int:
    """Return how much a feature is worth, 10 where nothing is said."""
    return (wish.priorities or {}).get(feature, 10)


def solved(problem: Problem) -> Solution | None:
    """Return the solution; None when nothing fits."""
    try:
        return solve(problem)
    except NothingFits:
        return None


def with_limit(problem: Problem, name: str, most: int) -> Problem:
    """Return the problem with another limit."""
    return replace(problem, limits={**problem.limits, name: most})


def unit_of(name: str) -> str:
    """Return one of what a limit counts, in words."""
    return "model unit" if name == MODEL_UNITS else name


def micro(usd: Decimal) -> int:
    """Return whole micro-dollars, rounded up: a limit is never passed by rounding."""
    return int((usd * MICRO).to_integral_value(rounding="ROUND_CEILING"))


def in_usd(usd: Decimal | None) -> str:
    """Return an amount in words."""
    return f"{usd or Decimal(0):,.2f} USD"
