"""What was spent, from the roll-ups."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from billing.domain.money import ZERO, month_of
from billing.models import SpendDay, Watermark


def watermark(*, source: str) -> datetime | None:
    """Return how far a source has been read; None when never."""
    return Watermark.objects.filter(source=source).values_list("read_to", flat=True).first()


def spend_of_deployments(*, slugs: Collection[str], now: datetime) -> dict[str, Decimal]:
    """Return the month-to-date USD of each deployment named; 0 where nothing was booked."""
    month = month_of(now)
    rows = (
        SpendDay.objects.filter(deployment__in=slugs, day__range=(month.first, month.last))
        .values("deployment")
        .annotate(total=Sum("usd"))
        .values_list("deployment", "total")
    )
    return dict.fromkeys(slugs, ZERO) | dict(rows)


def spend_of_features(*, slugs: Collection[str], now: datetime) -> dict[str, Decimal]:
    """Return the month-to-date USD of each feature named; 0 where nothing was booked."""
    month = month_of(now)
    rows = (
        SpendDay.objects.filter(feature__slug__in=slugs, day__range=(month.first, month.last))
        .values("feature__slug")
        .annotate(total=Sum("usd"))
        .values_list("feature__slug", "total")
    )
    return dict.fromkeys(slugs, ZERO) | dict(rows)
