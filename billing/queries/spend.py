"""What was spent, from the roll-ups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from billing.domain.money import ZERO, month_of
from billing.domain.tiers import tier_name
from billing.domain.unit_costs import Line
from billing.models import SpendDay, SpendHour, Watermark
from billing.queries.filters import Filters, matching, visible
from portal.access import Actor
from portal.models import Feature, Team

# A source the meter has not asked for an hour has gone, or its meter has stopped.
STALE = timedelta(hours=1)
# What spend can be told apart by, and the columns with its key and its name.
DIMENSIONS = {
    "team": ("team__slug", "team__name"),
    "feature": ("feature__slug", "feature__name"),
    "tier": ("tier", "tier"),
    "model": ("model", "model"),
    "environment": ("environment", "environment"),
    "deployment": ("deployment", "deployment"),
    "day": ("day", "day"),
}
# One pass over the month's days answers the whole page.
BREAKDOWN = """
    SELECT team_id, feature_id, tier, day, sum(usd), grouping(team_id, feature_id, tier, day)
    FROM billing_spendday
    WHERE day BETWEEN %(first)s AND %(last)s AND (%(all)s OR team_id = ANY(%(teams)s))
    GROUP BY GROUPING SETS ((), (team_id), (feature_id), (tier), (day, tier))
"""
# What `grouping` says of each: a bit for every column that was summed over.
ALL, BY_TEAM, BY_FEATURE, BY_TIER, BY_DAY = 0b1111, 0b0111, 0b1011, 0b1101, 0b1100


@dataclass(frozen=True, slots=True)
class Slice:
    """What one team, feature, tier ... spent, and its share of the total (0 to 1)."""

    key: str
    name: str
    usd: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A month's spend, told apart in the ways the page shows; largest first."""

    total_usd: Decimal
    teams: tuple[Slice, ...]
    features: tuple[Slice, ...]
    tiers: tuple[Slice, ...]
    days: dict[tuple[date, str], Decimal] = field(default_factory=dict)


def breakdown(*, actor: Actor, filters: Filters) -> Breakdown:
    """Return the spend of the days asked for by team, feature, tier, and by day and tier."""
    with connection.cursor() as cursor:
        cursor.execute(
            BREAKDOWN,
            {
                "first": filters.first,
                "last": filters.last,
                "all": actor.sees_everything,
                "teams": list(actor.team_roles),
            },
        )
        rows = cursor.fetchall()
    found: dict[int, list[tuple[Any, ...]]] = {}
    for *keys, usd, way in rows:
        found.setdefault(way, []).append((*keys, usd))
    total = next((usd for *_, usd in found.get(ALL, []) if usd is not None), ZERO)
    teams = _named(Team, {key: usd for key, _, _, _, usd in found.get(BY_TEAM, [])})
    features = _named(Feature, {key: usd for _, key, _, _, usd in found.get(BY_FEATURE, [])})
    tiers = [(tier, tier_name(tier), usd) for _, _, tier, _, usd in found.get(BY_TIER, [])]
    return Breakdown(
        total_usd=total,
        teams=_slices(teams, total),
        features=_slices(features, total),
        tiers=_slices(_largest_first(tiers), total),
        days={(day, tier): usd for _, _, tier, day, usd in found.get(BY_DAY, [])},
    )


def _named(
    table: type[Team] | type[Feature], usd: Mapping[Any, Any]
) -> list[tuple[str, str, Decimal]]:
    """Return slug, name and USD of rows given by id, largest first."""
    rows = table.objects.filter(pk__in=usd).order_by().values_list("pk", "slug", "name")
    return _largest_first([(slug, name, usd[key]) for key, slug, name in rows])


def _largest_first(rows: list[Any]) -> list[tuple[str, str, Decimal]]:
    return sorted(rows, key=lambda row: (-row[2], row[1]))


def summed(*, actor: Actor, filters: Filters, by: str) -> QuerySet[Any]:
    """Return what each of one of DIMENSIONS spent, as mappings with its columns and `total`."""
    rows = visible(SpendDay.objects.filter(day__range=(filters.first, filters.last)), actor=actor)
    return matching(rows, filters=filters).values(*DIMENSIONS[by]).annotate(total=Sum("usd"))


def order_of(by: str) -> tuple[str, ...]:
    """Return how `summed` is read: days in order, anything else largest first."""
    key, name = DIMENSIONS[by]
    return (key,) if by == "day" else tuple(dict.fromkeys(("-total", name, key)))


def total(*, actor: Actor, filters: Filters) -> Decimal:
    """Return what was spent, in USD."""
    rows = visible(SpendDay.objects.filter(day__range=(filters.first, filters.last)), actor=actor)
    found = matching(rows, filters=filters).aggregate(total=Sum("usd"))["total"]
    return ZERO if found is None else found


def slices_of(rows: Iterable[Mapping[str, Any]], *, by: str, total_usd: Decimal) -> list[Slice]:
    """Return rows of `summed` as slices of a total."""
    key, name = DIMENSIONS[by]
    words = tier_name if by == "tier" else str
    found = [(str(row[key]), words(row[name]), row["total"]) for row in rows]
    return list(_slices(found, total_usd))


def summary(*, actor: Actor, filters: Filters, by: str) -> tuple[Slice, ...]:
    """Return all spend by one of DIMENSIONS: days in order, anything else largest first."""
    rows = list(summed(actor=actor, filters=filters, by=by).order_by(*order_of(by)))
    total_usd = sum((row["total"] for row in rows), ZERO)
    return tuple(slices_of(rows, by=by, total_usd=total_usd))


def _slices(rows: list[tuple[str, str, Decimal]], total: Decimal) -> tuple[Slice, ...]:
    return tuple(
        Slice(key=key, name=name, usd=usd, share=usd / total if total else ZERO)
        for key, name, usd in rows
    )


@dataclass(frozen=True, slots=True)
class Metered:
    """How far the meter has read: the slowest and the furthest of the sources it still asks.

    `silent` counts sources not asked for an hour: gone, or their meter stopped.
    """

    up_to: datetime | None
    furthest: datetime | None
    sources: int
    silent: int


def metered(*, now: datetime) -> Metered:
    """Return how far the sources the meter asks have been read."""
    asked = Q(read_at__gt=now - STALE)
    found = Watermark.objects.aggregate(
        up_to=Min("read_to", filter=asked),
        furthest=Max("read_to"),
        sources=Count("pk", filter=asked),
        silent=Count("pk", filter=~asked),
    )
    return Metered(**found)


def lines_of_deployments(*, feature: Feature, filters: Filters) -> dict[str, tuple[Line, ...]]:
    """Return what each deployment of a feature used in a month, by SKU."""
    sums = (
        SpendHour.objects.filter(feature=feature, hour__range=filters.hours)
        .values_list("deployment", "sku")
        .annotate(quantity_=Sum("quantity"), usd_=Sum("usd"))
        .order_by("deployment", "sku")
    )
    found: dict[str, tuple[Line, ...]] = {}
    for deployment, sku, quantity, usd in sums:
        found[deployment] = (*found.get(deployment, ()), Line(sku, quantity, usd))
    return found


def watermark(*, source: str) -> datetime | None:
    """Return how far a source has been read; None when never."""
    return Watermark.objects.filter(source=source).values_list("read_to", flat=True).first()


def spend_of_tier(*, tier: str, now: datetime) -> dict[int | None, Decimal]:
    """Return the month-to-date USD of a tier by team id; None is the sum of all of them."""
    month = month_of(now)
    rows = SpendDay.objects.filter(tier=tier, day__range=(month.first, month.last))
    sums = rows.values("team_id").annotate(total=Sum("usd")).order_by()
    found: dict[int | None, Decimal] = {row["team_id"]: row["total"] for row in sums}
    return {**found, None: sum(found.values(), ZERO)}


def spend_of_deployments(*, slugs: Collection[str], now: datetime) -> dict[str, Decimal]:
    """Return the month-to-date USD of each deployment named; 0 where nothing was booked."""
    return _month_to_date("deployment", slugs, now)


def spend_of_features(*, slugs: Collection[str], now: datetime) -> dict[str, Decimal]:
    """Return the month-to-date USD of each feature named; 0 where nothing was booked."""
    return _month_to_date("feature__slug", slugs, now)


def _month_to_date(column: str, slugs: Collection[str], now: datetime) -> dict[str, Decimal]:
    month = month_of(now)
    rows = (
        SpendDay.objects.filter(**{f"{column}__in": slugs}, day__range=(month.first, month.last))
        .values(column)
        .annotate(total=Sum("usd"))
        .values_list(column, "total")
    )
    return dict.fromkeys(slugs, ZERO) | dict(rows)
