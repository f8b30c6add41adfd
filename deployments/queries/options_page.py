"""A recommendation as the options page shows it: filtered, sorted, compared, drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from billing.domain.money import exact
from deployments.domain import curves, explanation
from deployments.domain.options import TIER_NAMES, Option, TariffLine
from deployments.models import Recommendation
from deployments.queries import advice

FIRST_ROWS = 40
MOST_COMPARED = 4
COLUMNS = (
    "rank", "option", "tier", "model", "size", "usd_month_low", "usd_month_expected",
    "usd_month_high", "p50_ms", "p95_ms", "p99_ms", "headroom", "verdict", "why_not",
)  # fmt: skip
LAST = Decimal(10) ** 15
ORDERS: Mapping[str, Callable[[Option], Any]] = {
    "usd": lambda option: _or_last(option.cost.expected_usd),
    "tier": lambda option: TIER_NAMES[option.tier],
    "model": lambda option: option.model,
    "p50": lambda option: option.latency.p50_ms or LAST,
    "p95": lambda option: option.latency.p95_ms or LAST,
    "p99": lambda option: option.latency.p99_ms or LAST,
    "headroom": lambda option: option.capacity.headroom,
    "burden": lambda option: option.burden,
}


# A tariff line's unit as people say it: its name, and how many of ours one of it is.
UNITS: Mapping[str, tuple[str, Decimal, str]] = {
    "second": ("hours", Decimal(3600), "an hour"),
    "token": ("tokens", Decimal(1), "per million"),
    "request": ("requests", Decimal(1), "per million"),
    "gb-second": ("GB-seconds", Decimal(1), "each"),
    "gb": ("GB", Decimal(1), "each"),
}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A tariff line in the units people use."""

    label: str
    sku: str
    quantity: Decimal
    unit: str
    price: str
    usd: Decimal | None
    kind: str
    source: str
    as_of: date | None
    is_example: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `rank` is its place in the recommendation."""

    rank: int
    option: Option
    tier_name: str
    why_lost: str
    is_pick: bool
    is_tree_pick: bool
    is_compared: bool


@dataclass(frozen=True, slots=True)
class OptionsPage:
    """All that the page needs of one recommendation."""

    recommendation: Recommendation
    rows: tuple[Row, ...]
    matching: int
    total: int
    pick: Option | None
    tree_pick: Option | None
    tree_words: str
    sentences: tuple[str, ...]
    outdated: tuple[str, ...]
    losers: tuple[Row, ...]
    compared: tuple[Row, ...]
    chart: dict[str, Any] | None
    crossings: tuple[str, ...]
    workload: Any
    tiers: tuple[tuple[str, str], ...]

    @property
    def is_cut(self) -> bool:
        """Say whether more rows match than are shown."""
        return len(self.rows) < self.matching


def options_page(recommendation: Recommendation, *, asked: QueryDict, now: datetime) -> OptionsPage:
    """Return the page that the address asks for; unknown words in it change nothing."""
    ranked = advice.options_of(recommendation)
    by_id = {option.option_id: option for option in ranked}
    pick = by_id.get(recommendation.pick)
    compared = asked.getlist("compare")[:MOST_COMPARED]
    rows = tuple(
        _row(place, option, recommendation, pick, compared)
        for place, option in enumerate(ranked, start=1)
    )
    matching = _sorted(_matching(rows, asked), asked.get("sort", ""))
    shown = matching if asked.get("rows") == "all" else matching[:FIRST_ROWS]
    workload = advice.workload_of(recommendation.workload)
    drawn = curves.curves(ranked, workload)
    sentences = tuple(recommendation.explanation)
    return OptionsPage(
        recommendation=recommendation,
        rows=tuple(shown),
        matching=len(matching),
        total=len(rows),
        pick=pick,
        tree_pick=by_id.get(recommendation.tree_pick),
        tree_words=next((each for each in sentences if each.startswith("The decision tree")), ""),
        sentences=sentences,
        outdated=advice.outdated(recommendation, now=now),
        losers=_best_losers(rows),
        compared=tuple(row for row in rows if row.is_compared),
        chart=_chart(drawn),
        crossings=drawn.sentences,
        workload=workload,
        tiers=tuple((tier.value, name) for tier, name in TIER_NAMES.items()),
    )


def shown_lines(option: Option) -> tuple[ShownLine, ...]:
    """Return an option's tariff lines in hours and millions, with exact prices."""
    return tuple(_shown(line) for line in option.cost.lines)


def _shown(line: TariffLine) -> ShownLine:
    unit, size, per = UNITS.get(line.unit, (line.unit, Decimal(1), f"per {line.per:f}"))
    price = "no price" if line.unit_usd is None else f"{exact(line.unit_usd)} USD {per}"
    return ShownLine(
        label=line.label,
        sku=line.sku,
        quantity=line.quantity / size,
        unit=unit,
        price=price,
        usd=line.usd,
        kind=line.kind,
        source=line.source,
        as_of=line.as_of,
        is_example=line.is_example,
    )


def csv_rows(page: OptionsPage) -> Iterator[Sequence[Any]]:
    """Return the rows shown, as the columns of COLUMNS."""
    for row in page.rows:
        cost, latency = row.option.cost, row.option.latency
        yield (
            row.rank,
            row.option.option_id,
            row.tier_name,
            row.option.model,
            row.option.summary,
            cost.low_usd,
            cost.expected_usd,
            cost.high_usd,
            latency.p50_ms,
            latency.p95_ms,
            latency.p99_ms,
            row.option.capacity.headroom,
            row.option.verdict.value,
            row.why_lost,
        )


def _row(
    place: int,
    option: Option,
    recommendation: Recommendation,
    pick: Option | None,
    compared: Sequence[str],
) -> Row:
    return Row(
        rank=place,
        option=option,
        tier_name=TIER_NAMES[option.tier],
        why_lost=explanation.why_lost(option, pick),
        is_pick=option.option_id == recommendation.pick,
        is_tree_pick=option.option_id == recommendation.tree_pick,
        is_compared=option.option_id in compared,
    )


def _matching(rows: Sequence[Row], asked: QueryDict) -> list[Row]:
    verdict, tier = asked.get("verdict", ""), asked.get("tier", "")
    words = asked.get("model", "").lower().split()[:5]
    return [
        row
        for row in rows
        if (not verdict or row.option.verdict.value == verdict)
        and (not tier or row.option.tier.value == tier)
        and all(word in f"{row.option.model} {row.option.summary}".lower() for word in words)
    ]


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    key = ORDERS.get(sort.removeprefix("-"))
    if key is None:
        return rows
    return sorted(rows, key=lambda row: key(row.option), reverse=sort.startswith("-"))


def _or_last(usd: Decimal | None) -> Decimal:
    return usd if usd is not None else LAST


def _best_losers(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the best option of each tier that is not the pick's."""
    found: dict[str, Row] = {}
    taken = {row.option.tier for row in rows if row.is_pick}
    for row in rows:
        if row.option.tier not in taken:
            found.setdefault(row.option.tier, row)
    return tuple(found.values())


def _chart(drawn: curves.Curves) -> dict[str, Any] | None:
    if not drawn.lines:
        return None
    return {
        "kind": "lines",
        "log": True,
        "x": [f"{load:f}" for load in drawn.loads_rps],
        "x_label": "Requests/s on average",
        "y_label": "USD a month",
        "unit": "USD",
        "series": [
            {
                "name": line.name,
                "values": [float(usd) for usd in line.usd],
                "dashed": not line.meets_all,
            }
            for line in drawn.lines
        ],
    }
