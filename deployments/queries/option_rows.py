"""The rows of the options table, read from what a recommendation keeps: filtered, sorted, paged.

Only the rows that are shown become options; hundreds of others are only looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict

from deployments.domain import explanation, pareto
from deployments.domain.options import LAUNCHABLE, TIER_NAMES, Option, Tier
from deployments.domain.records import option_from_json
from deployments.models import Recommendation

ROWS = 25
LAST = Decimal(10) ** 15
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """One option as it is kept, at its place in the recommendation."""

    rank: int
    body: Body
    opened: list[Option] = field(default_factory=list, compare=False)  # read once, when first asked

    @property
    def option_id(self) -> str:
        """The option's id."""
        return str(self.body["option_id"])

    @property
    def tier(self) -> Tier:
        """Its tier."""
        return Tier(self.body["tier"])

    @property
    def usd(self) -> Decimal | None:
        """USD a month; None when a price is missing."""
        usd = self.body["cost"]["expected_usd"]
        return None if usd is None else Decimal(usd)

    @property
    def broken(self) -> frozenset[str]:
        """Names of the constraints it breaks."""
        return frozenset(each["name"] for each in self.body["checks"] if not each["holds"])

    def ms(self, percentile: int) -> int:
        """Milliseconds at 50, 95 or 99 of a hundred; 0 when not estimated."""
        return int(self.body["latency"][f"p{percentile}_ms"])

    def read(self) -> Option:
        """Return the option itself."""
        if not self.opened:
            self.opened.append(option_from_json(self.body))
        return self.opened[0]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `rank` is its place in the recommendation."""

    rank: int
    option: Option
    tier_name: str
    why_lost: str
    is_pick: bool
    is_launch_pick: bool
    is_tree_pick: bool
    is_on_front: bool
    is_compared: bool
    is_launchable: bool


ORDERS: Mapping[str, Callable[[Kept], Any]] = {
    "usd": lambda kept: kept.usd if kept.usd is not None else LAST,
    "tier": lambda kept: TIER_NAMES[kept.tier],
    "model": lambda kept: kept.body["model"],
    "p50": lambda kept: kept.ms(50) or LAST,
    "p95": lambda kept: kept.ms(95) or LAST,
    "p99": lambda kept: kept.ms(99) or LAST,
    "headroom": lambda kept: Decimal(kept.body["capacity"]["headroom"]),
    "burden": lambda kept: kept.body["burden"],
}


def kept_options(recommendation: Recommendation) -> tuple[Kept, ...]:
    """Return all options of a recommendation in ranked order."""
    return tuple(Kept(rank, body) for rank, body in enumerate(recommendation.options, start=1))


def front_of(options: Sequence[Kept], *, percentile: int) -> frozenset[str]:
    """Return the ids of the options that none beats in price and time at once."""
    able = [kept for kept in options if is_comparable(kept)]
    cents = Decimal("0.01")
    points = [((kept.usd or Decimal(0)).quantize(cents), kept.ms(percentile)) for kept in able]
    members = pareto.front_of(points)
    return frozenset(able[place].option_id for place in members)


def is_comparable(kept: Kept) -> bool:
    """Say whether there is a price and a time, and nothing is broken but the time."""
    return kept.usd is not None and kept.ms(50) > 0 and kept.broken <= {"latency"}


def matching(
    options: Sequence[Kept], asked: QueryDict, *, percentile: int, front: Collection[str]
) -> list[Kept]:
    """Return the options that the address asks for, in its order; unknown words change nothing."""
    verdict, tier = asked.get("verdict", ""), asked.get("tier", "")
    words = asked.get("model", "").lower().split()[:5]
    most_usd, most_ms = _number(asked.get("most_usd")), _number(asked.get("most_ms"))
    found = [
        kept
        for kept in options
        if (not verdict or kept.body["verdict"] == verdict)
        and (not tier or kept.body["tier"] == tier)
        and _is_within(kept, most_usd, most_ms, percentile)
        and (not asked.get("front") or kept.option_id in front)
        and (not asked.get("launchable") or kept.tier in LAUNCHABLE)
        and all(word in f"{kept.body['model']} {kept.body['summary']}".lower() for word in words)
    ]
    sort = asked.get("sort", "")
    key = ORDERS.get(sort.removeprefix("-"))
    return found if key is None else sorted(found, key=key, reverse=sort.startswith("-"))


def row(
    kept: Kept,
    recommendation: Recommendation,
    *,
    pick: Option | None,
    front: Collection[str],
    compared: Collection[str] = (),
) -> Row:
    """Return an option as a row of the table."""
    option = kept.read()
    return Row(
        rank=kept.rank,
        option=option,
        tier_name=TIER_NAMES[option.tier],
        why_lost=explanation.why_lost(option, pick),
        is_pick=option.option_id == recommendation.pick,
        is_launch_pick=option.option_id == recommendation.launch_pick,
        is_tree_pick=option.option_id == recommendation.tree_pick,
        is_on_front=option.option_id in front,
        is_compared=option.option_id in compared,
        is_launchable=option.tier in LAUNCHABLE,
    )


def _is_within(
    kept: Kept, most_usd: Decimal | None, most_ms: Decimal | None, percentile: int
) -> bool:
    usd, ms = kept.usd, kept.ms(percentile)
    fits_money = most_usd is None or (usd is not None and usd <= most_usd)
    fits_time = most_ms is None or 0 < ms <= most_ms
    return fits_money and fits_time


def _number(text: str | None) -> Decimal | None:
    """Return a number typed into a filter; None for none, or what is no number."""
    try:
        value = Decimal((text or "")[:30].replace(",", "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None
