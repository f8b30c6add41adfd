"""Prices as they hold at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from billing.domain.prices import Price, PriceBook
from billing.models import PriceRow

HEADER = (
    "price",
    "region",
    "sku",
    "usd",
    "per",
    "unit",
    "kind",
    "source",
    "as_of",
    "is_example",
    "effective_from",
)
# One number for one thing that is held: the prices as they are.
PRICES = 5_120_001


def hold_prices() -> None:
    """Let no price come in until the transaction ends; others may hold them at the same time."""
    _lock("pg_advisory_xact_lock_shared")


def hold_prices_alone() -> None:
    """Let nobody charge, or bring a price, until the transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [PRICES])


def as_price(row: PriceRow) -> Price:
    """Return a row as the value the domain counts with."""
    return Price(
        sku=row.sku,
        unit=row.unit,
        per=row.per,
        usd=row.usd,
        kind=row.kind,
        source=row.source,
        as_of=row.as_of,
        is_example=row.is_example,
        price_id=row.pk,
    )


def in_force(*, region: str, now: datetime) -> QuerySet[PriceRow]:
    """Return the one price of each SKU of a Region that holds at a moment."""
    return (
        PriceRow.objects.filter(region=region, effective_from__lte=now)
        .order_by("sku", "-effective_from")
        .distinct("sku")
    )


def price_book(*, region: str, now: datetime) -> PriceBook:
    """Return all prices of a Region in force at a moment; empty when none was loaded."""
    prices = {row.sku: as_price(row) for row in in_force(region=region, now=now)}
    return PriceBook(
        region=region,
        as_of=max((price.as_of for price in prices.values()), default=now.date()),
        prices=prices,
    )


def listed(
    *,
    now: datetime,
    region: str = "",
    sku: str = "",
    kind: str = "",
    search: str = "",
    in_force: bool = True,
) -> QuerySet[PriceRow]:
    """Return the prices asked for, by SKU, the newest of a SKU first."""
    rows = PriceRow.objects.all()
    if in_force:
        newest = (
            PriceRow.objects.filter(effective_from__lte=now)
            .order_by("region", "sku", "-effective_from")
            .distinct("region", "sku")
        )
        rows = rows.filter(pk__in=newest.values("pk"))
    asked = {"region": region, "sku": sku, "kind": kind, "sku__icontains": search}
    return rows.filter(**{name: value for name, value in asked.items() if value}).order_by(
        "sku", "-effective_from", "pk"
    )


def lines(rows: QuerySet[PriceRow]) -> Iterator[tuple[object, ...]]:
    """Yield prices as lines under HEADER."""
    for row in rows.iterator(chunk_size=2000):
        yield (
            row.pk,
            row.region,
            row.sku,
            row.usd,
            row.per,
            row.unit,
            row.kind,
            row.source,
            row.as_of,
            row.is_example,
            row.effective_from,
        )
