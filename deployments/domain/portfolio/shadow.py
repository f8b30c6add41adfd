"""What one more unit of each limit would bring, each by solving again. Pure."""

from __future__ import annotations

from decimal import Decimal

from deployments.domain.portfolio.asking import Wish
from deployments.domain.portfolio.framing import (
    MICRO,
    POINTS,
    in_usd,
    micro,
    solved,
    unit_of,
    with_limit,
)
from deployments.domain.portfolio.problem import MONEY, Objective, Problem, Solution


def shadow_of(problem: Problem, found: Solution, wish: Wish) -> tuple[str, ...]:
    """Say what one more unit of each limit brings, each by solving again."""
    said = [_money_shadow(problem, found, wish)]
    for name in wish.limits or {}:
        more = solved(with_limit(problem, name, problem.limits[name] + 1))
        saved = _gained(problem, found, more) if more else Decimal(0)
        if saved > 0:
            said.append(f"One more {unit_of(name)} would save {in_usd(saved)} a month.")
        else:
            said.append(f"One more {unit_of(name)} would change nothing.")
    return tuple(said)


def _money_shadow(problem: Problem, found: Solution, wish: Wish) -> str:
    left = wish.budget_usd - Decimal(found.cost_micro_usd) / MICRO
    step = max(Decimal(1000), (wish.budget_usd / 100).quantize(Decimal(1)))
    more = solved(with_limit(problem, MONEY, problem.limits[MONEY] + micro(step)))
    if wish.objective is Objective.COST:
        gained = _gained(problem, found, more) if more else Decimal(0)
        if gained <= 0:
            return f"The budget does not bind: {in_usd(left)} are left; more would change nothing."
        return f"The next {in_usd(step)} of budget would save {in_usd(gained)} a month."
    points = _points(more) - _points(found) if more else 0
    if points <= 0:
        return f"The next {in_usd(step)} of budget would bring no further feature."
    return f"The next {in_usd(step)} of budget would bring features of priority {points}."


def _points(found: Solution) -> int:
    """Return the sum of priorities: value without the money that breaks ties."""
    return sum(-(-each.value // POINTS) for each in found.picks if each.key)


def _gained(problem: Problem, before: Solution, after: Solution) -> Decimal:
    if problem.objective is Objective.VALUE and _points(after) != _points(before):
        return Decimal(0)
    return Decimal(before.cost_micro_usd - after.cost_micro_usd) / MICRO
