"""Which options nobody beats in both price and time. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

from deployments.domain.latency import at
from deployments.domain.options import Option
from deployments.domain.wording import milliseconds, usd_a_month

_CENT = Decimal("0.01")


def comparable(option: Option) -> bool:
    """Say whether an option has a price and a time, and breaks nothing but the objective's time."""
    broken = {check.name for check in option.checks if not check.holds}
    has_figures = option.cost.expected_usd is not None and option.latency.p50_ms > 0
    return has_figures and broken <= {"latency"}


def point(option: Option, *, percentile: int) -> tuple[Decimal, int]:
    """Return USD a month to the cent and milliseconds at the percentile, of one with a price."""
    return (option.cost.expected_usd or Decimal(0)).quantize(_CENT), at(option.latency, percentile)


def front(options: Sequence[Option], *, percentile: int) -> tuple[Option, ...]:
    """Return the comparable options that none beats in price and time at once; cheapest first.

    Options with the same price and the same time stand beside each other.
    """
    able = [option for option in options if comparable(option)]
    return tuple(
        able[place] for place in front_of([point(each, percentile=percentile) for each in able])
    )


def front_of(points: Sequence[tuple[Decimal, int]]) -> tuple[int, ...]:
    """Return the places of the points (USD, ms) that no other beats in both; cheapest first."""
    kept: list[int] = []
    for place in sorted(range(len(points)), key=lambda each: points[each]):
        last = points[kept[-1]] if kept else None
        if last is None or points[place][1] < last[1] or points[place] == last:
            kept.append(place)
    return tuple(kept)


def sentences(members: Sequence[Option], *, percentile: int) -> tuple[str, ...]:
    """Return what each step along the front costs and what time it saves, in words and numbers."""
    said = []
    for slower, faster in itertools.pairwise(members):
        less, more = (point(each, percentile=percentile) for each in (slower, faster))
        if less != more:
            said.append(
                f"From {slower.summary} to {faster.summary}: {usd_a_month(more[0] - less[0])} more "
                f"for {milliseconds(less[1] - more[1])} less at p{percentile} "
                f"({milliseconds(less[1])} to {milliseconds(more[1])})."
            )
    return tuple(said)
