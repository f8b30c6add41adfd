"""The ledger line by line, what its lines add up to, and what is not in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Min, QuerySet, Sum

from billing.domain import skus
from billing.domain.money import ZERO
from billing.models import Charge, SpendDay, SpendHour, UsageEvent, UsageRefusal
from billing.queries.filters import Filters, matching, visible
from portal.access import Actor

HOUR = timedelta(hours=1)
CORRECTION = "correction"
HEADER = (
    "charge",
    "hour",
    "team",
    "feature",
    "deployment",
    "environment",
    "tier",
    "model",
    "sku",
    "quantity",
    "unit",
    "price",
    "price_usd",
    "price_per",
    "usd",
    "kind",
    "corrects",
    "booked_at",
)
USAGE_HEADER = (
    "uid",
    "feature",
    "deployment",
    "environment",
    "tier",
    "model",
    "resource",
    "sku",
    "quantity",
    "unit",
    "started_at",
    "ended_at",
    "recorded_at",
)


def charges(*, actor: Actor, filters: Filters) -> QuerySet[Charge]:
    """Return the charges asked for that the actor may see."""
    rows = visible(Charge.objects.filter(hour__range=filters.hours), actor=actor)
    return matching(rows, filters=filters).select_related("team", "feature", "price")


def total(*, actor: Actor, filters: Filters) -> Decimal:
    """Return the USD of those charges, to the last digit, from the smallest table that has them."""
    if filters.kind:
        corrections = _corrections(actor=actor, filters=filters)
        if filters.kind == CORRECTION:
            return corrections
        return total(actor=actor, filters=replace(filters, kind="")) - corrections
    rows: QuerySet[SpendHour] | QuerySet[SpendDay]
    if filters.sku:
        rows = SpendHour.objects.filter(hour__range=filters.hours)
    else:
        rows = SpendDay.objects.filter(day__range=(filters.first, filters.last))
    asked = matching(visible(rows, actor=actor), filters=filters)
    return asked.aggregate(total=Sum("usd"))["total"] or ZERO


def _corrections(*, actor: Actor, filters: Filters) -> Decimal:
    """Return the USD of corrections: few, and found by what they correct."""
    rows = Charge.objects.filter(corrects__isnull=False, hour__range=filters.hours)
    asked = matching(visible(rows, actor=actor), filters=replace(filters, kind=CORRECTION))
    return asked.aggregate(total=Sum("usd"))["total"] or ZERO


def lines(rows: QuerySet[Charge]) -> Iterator[tuple[object, ...]]:
    """Yield charges as lines under HEADER, in the order they were booked."""
    for row in rows.order_by("pk").iterator(chunk_size=2000):
        yield (
            row.pk,
            row.hour,
            row.team.slug,
            row.feature.slug,
            row.deployment,
            row.environment,
            row.tier,
            row.model,
            row.sku,
            row.quantity,
            row.unit,
            row.price_id,
            row.price.usd if row.price else None,
            row.price.per if row.price else None,
            row.usd,
            row.kind,
            row.corrects_id,
            row.booked_at,
        )


def usage(*, actor: Actor, filters: Filters) -> QuerySet[UsageEvent]:
    """Return the metered events asked for that the actor may see."""
    first, last = filters.hours
    rows = UsageEvent.objects.filter(started_at__gte=first, started_at__lt=last + HOUR)
    if not actor.sees_everything:
        rows = rows.filter(feature__team_id__in=list(actor.team_roles))
    asked = {
        "feature__team__slug": filters.team,
        "feature__slug": filters.feature,
        "deployment": filters.deployment,
        "environment": filters.environment,
        "tier": filters.tier,
        "model": filters.model,
        "sku": filters.sku,
    }
    return rows.filter(**{name: value for name, value in asked.items() if value}).select_related(
        "feature"
    )


def usage_lines(rows: QuerySet[UsageEvent]) -> Iterator[tuple[object, ...]]:
    """Yield events as lines under USAGE_HEADER, in the order they were recorded."""
    for row in rows.order_by("pk").iterator(chunk_size=2000):
        yield (
            row.uid,
            row.feature.slug,
            row.deployment,
            row.environment,
            row.tier,
            row.model,
            row.resource,
            row.sku,
            row.quantity,
            row.unit,
            row.started_at,
            row.ended_at,
            row.recorded_at,
        )


def refused(*, actor: Actor) -> QuerySet[UsageRefusal]:
    """Return usage that was not booked, newest first; own teams' for who does not see all."""
    rows = UsageRefusal.objects.select_related("feature").order_by("-last_seen_at", "-pk")
    if actor.sees_everything:
        return rows
    return rows.filter(feature__team_id__in=list(actor.team_roles))


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Usage that waits for a price, by SKU and feature."""

    sku: str
    label: str
    feature_slug: str
    feature_name: str
    quantity: Decimal
    unit: str
    since: datetime

    @property
    def unit_words(self) -> str:
        """Return what people call many of the unit."""
        return skus.words_of(self.unit)


def unpriced(*, actor: Actor) -> tuple[Unpriced, ...]:
    """Return what waits for a price, the longest wait first."""
    waiting = visible(Charge.objects.filter(price=None, correction=None), actor=actor)
    sums = (
        waiting.values("sku", "unit", "feature__slug", "feature__name")
        .annotate(total=Sum("quantity"), since=Min("hour"))
        .order_by("since", "sku")
    )
    return tuple(
        Unpriced(
            sku=row["sku"],
            label=skus.label_of(row["sku"]),
            feature_slug=row["feature__slug"],
            feature_name=row["feature__name"],
            quantity=row["total"],
            unit=row["unit"],
            since=row["since"],
        )
        for row in sums
    )
