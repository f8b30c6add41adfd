"""Where nothing fits: the least that would have to give. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from deployments.domain.portfolio.asking import Candidates, Wish
from deployments.domain.portfolio.framing import (
    MICRO,
    POINTS,
    choices_of,
    in_usd,
    micro,
    solved,
    unit_of,
)
from deployments.domain.portfolio.problem import MONEY, Choice, Item, Objective, Problem


def relaxations(features: Sequence[Candidates], wish: Wish, problem: Problem) -> tuple[str, ...]:
    """Say the least that would have to give: a limit alone, or constraints of few features."""
    said = [_nearest(each) for each in features if not choices_of(each, wish)]
    for name in problem.limits:
        others = {other: most for other, most in problem.limits.items() if other != name}
        free = solved(replace(problem, limits=others))
        if free is not None:
            needed = sum(each.use_of(name) for each in free.picks)
            said.append(_more_of(name, needed, problem.limits[name]))
    softened = _softened(features, wish, problem)
    return (*said, softened) if softened else tuple(said)


def _more_of(name: str, needed: int, limit: int) -> str:
    if name == MONEY:
        total, more = Decimal(needed) / MICRO, Decimal(needed - limit) / MICRO
        return f"With {in_usd(more)} more, {in_usd(total)} a month, every constraint can be kept."
    return f"With {needed:,} instead of {limit:,} of {unit_of(name)}, every constraint can be kept."


def _nearest(feature: Candidates) -> str:
    soft = [each for each in feature.options if each.usd is not None and each.is_soft]
    nearest = min(soft, key=lambda each: (len(each.broken), each.usd or Decimal(0)), default=None)
    if nearest is None:
        return f"{feature.name}: no option is feasible, and none breaks only what may be accepted."
    why = " ".join(nearest.broken) or "It commits for longer than is accepted."
    return f"{feature.name}: the nearest is {nearest.summary}, {in_usd(nearest.usd)} a month. {why}"


def _softened(features: Sequence[Candidates], wish: Wish, problem: Problem) -> str:
    """Let launchers accept what they may, for as few features as possible, then cheapest."""
    items = []
    for feature in features:
        soft = [each for each in feature.options if each.usd is not None and each.is_soft]
        items.append(
            Item(
                feature.name,
                tuple(
                    Choice(
                        each.option_id,
                        micro(each.usd or Decimal(0)),
                        -int(bool(each.broken)) * POINTS - micro(each.usd or Decimal(0)) // 10_000,
                        each.uses,
                    )
                    for each in soft
                ),
            )
        )
    found = solved(Problem(tuple(items), problem.limits, Objective.VALUE))
    if found is None:
        return ""
    given = [
        f"{feature.name} takes {each.summary} ({' '.join(each.broken)})"
        for feature, choice in zip(features, found.picks, strict=True)
        for each in feature.options
        if each.option_id == choice.key and each.broken
    ]
    cost = in_usd(Decimal(found.cost_micro_usd) / MICRO)
    return f"Within the limits, for {cost} a month, when {'; '.join(given)}." if given else ""
