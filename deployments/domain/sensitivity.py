"""Which assumption changes the choice, and at what value: found by bisection. Pure.

The whole comparison is dear, so the search asks only about what is in play. What it finds is then
asked of the whole comparison, and who wins there joins the search: at the value before a change
the choice is the same, at the value after it is another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.inplay import InPlay
from deployments.domain.options import Option
from deployments.domain.ranking import Ranked
from deployments.domain.whatif import Lever, figure, turned

NEAR = Decimal("0.005")  # two values so close, as a share, are one
_FACTORS = tuple(Decimal(each) for each in ("1.1", "1.25", "1.5", "2", "3", "5", "10", "30", "100"))
_MOST_FACTOR: Mapping[Lever, Decimal] = {
    Lever.LOAD: Decimal(100),
    Lever.INPUT_TOKENS: Decimal(10),
    Lever.OUTPUT_TOKENS: Decimal(10),
    Lever.LATENCY: Decimal(30),
}
_LEAST_LOAD = Decimal("0.000001")
_MOST_POINTS = 100  # of a quality index
_STEP_POINTS = 4
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Flip:
    """How far one figure can go, up or down, before another option is the choice.

    `before` is a value at which the choice stays, `after` one next to it at which it is `option`
    (None: nothing meets every constraint there). `after` is None when the choice is still the same
    at `before`, the farthest looked at.
    """

    lever: Lever
    is_up: bool
    now: Decimal
    before: Decimal
    after: Decimal | None = None
    option: Option | None = None


@dataclass(frozen=True, slots=True)
class PriceFlip:
    """The rise of the choice's own prices at which `option` costs the same, as a share."""

    rise: Decimal
    option: Option


def flips(play: InPlay) -> tuple[Flip, ...]:
    """Return for each figure, up and down, where the choice changes; all else stays as it is."""
    found = (_flip(play, lever, is_up) for lever in Lever for is_up in (True, False))
    return tuple(flip for flip in found if flip is not None)


def price_flip(ranked: Ranked) -> PriceFlip | None:
    """Return the rise of what the pick pays at which another feasible option is as cheap.

    Options that pay the same prices rise with it; another route of the same model does not count.
    None when there is no pick, or no such rise.
    """
    pick = next((each for each in ranked.options if each.option_id == ranked.pick), None)
    if pick is None or not pick.cost.expected_usd:
        return None
    paid = {line.sku for line in pick.cost.lines}
    found = []
    for option in ranked.options:
        usd = option.cost.expected_usd
        if usd is None or option.verdict is not pick.verdict or _is_alike(option, pick):
            continue
        shared = sum(line.usd or Decimal(0) for line in option.cost.lines if line.sku in paid)
        if shared < pick.cost.expected_usd:
            rise = (usd - pick.cost.expected_usd) / (pick.cost.expected_usd - shared)
            found.append((rise, option.option_id, option))
    if not found:
        return None
    rise, _, option = min(found, key=lambda each: each[:2])
    return PriceFlip(rise, option)


def _is_alike(option: Option, pick: Option) -> bool:
    """Say whether it is the pick itself, or the same model in the same way by another route."""
    mine = (pick.tier, pick.model, pick.size.instance_type)
    return option is pick or (option.tier, option.model, option.size.instance_type) == mine


def _flip(play: InPlay, lever: Lever, is_up: bool) -> Flip | None:
    now = figure(play.workload, lever)
    values = _values(lever, now, is_up)
    if not values:
        return None

    def among_those_in_play(value: Decimal) -> str:
        return play.narrow(turned(play.workload, lever, value)).pick

    def among_all(value: Decimal) -> str:
        return play.whole(turned(play.workload, lever, value)).pick

    before, after = _searched(lever, now, values, play.pick, among_those_in_play)
    while not _is_so(before, after, play.pick, among_all):
        there = play.whole(turned(play.workload, lever, before))
        if there.pick == play.pick or not play.joins(there):
            before, after = _searched(lever, now, values, play.pick, among_all)
            break
        before, after = _searched(lever, now, values, play.pick, among_those_in_play)
    if after is None:
        return Flip(lever, is_up, now, before)
    then = play.whole(turned(play.workload, lever, after))
    return Flip(lever, is_up, now, before, after, _picked(then))


def _is_so(
    before: Decimal, after: Decimal | None, pick: str, pick_at: Callable[[Decimal], str]
) -> bool:
    """Say whether the whole comparison chooses the same before, and another after."""
    return pick_at(before) == pick and (after is None or pick_at(after) != pick)


def _searched(
    lever: Lever,
    now: Decimal,
    values: tuple[Decimal, ...],
    pick: str,
    pick_at: Callable[[Decimal], str],
) -> tuple[Decimal, Decimal | None]:
    """Return a value with the same pick and one beside it with another; None when all are same."""
    same = now
    for value in values:
        if pick_at(value) == pick:
            same = value
            continue
        other = value
        while (middle := _between(lever, same, other)) is not None:
            if pick_at(middle) == pick:
                same = middle
            else:
                other = middle
        return same, other
    return same, None


def _between(lever: Lever, one: Decimal, other: Decimal) -> Decimal | None:
    """Return a round value between two; None when they are next to each other."""
    middle = (one + other) / 2
    if lever is Lever.QUALITY:
        middle = middle.quantize(_TENTH)
    elif lever is Lever.LOAD:
        middle = _rounded(middle)
        if abs(one - other) <= NEAR * min(one, other):
            return None
    else:
        middle = middle.quantize(Decimal(1))
    return middle if min(one, other) < middle < max(one, other) else None


def _values(lever: Lever, now: Decimal, is_up: bool) -> tuple[Decimal, ...]:
    """Return values to look at, from near to far."""
    if lever is Lever.QUALITY:
        points = range(_STEP_POINTS, _MOST_POINTS + 1, _STEP_POINTS)
        found = [now + point if is_up else now - point for point in points]
        return tuple(value for value in found if 0 <= value <= _MOST_POINTS)
    factors = [factor for factor in _FACTORS if factor <= _MOST_FACTOR[lever]]
    found = [now * factor if is_up else now / factor for factor in factors]
    if lever is Lever.LOAD:
        return tuple(_rounded(value) for value in found if value >= _LEAST_LOAD)
    whole = dict.fromkeys(value.quantize(Decimal(1)) for value in found)
    return tuple(value for value in whole if value >= 1 and value != now)


def _rounded(rps: Decimal) -> Decimal:
    return Decimal(f"{Decimal(f'{rps:.4g}'):f}")


def _picked(ranked: Ranked) -> Option | None:
    return next((each for each in ranked.options if each.option_id == ranked.pick), None)
