"""Prices come in: from the product's list, and as quotes somebody was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from billing.adapters import price_list
from billing.domain import money, skus
from billing.domain.prices import Price, PriceBook, rate
from billing.models import Charge, PriceRow
from billing.queries.prices import as_price, hold_prices_alone
from billing.usecases import rollups
from portal.access import Actor, Permission, require
from portal.errors import Invalid
from portal.usecases import audit

QUOTE = "quote"
MOST_USD = Decimal(1_000_000)


@transaction.atomic
def load_list(*, now: datetime) -> int:
    """Bring the product's price list into the books; return how many prices were new.

    A price already there is left alone, a changed one becomes a new row, and a SKU whose newest
    price is a quote keeps the quote. Usage that waited for a price is priced.
    """
    hold_prices_alone()
    added = sum(_load(book, now=now) for book in price_list.load())
    if added:
        price_waiting(now=now)
    return added


def _load(book: PriceBook, *, now: datetime) -> int:
    newest = _newest(region=book.region)
    changed = [price for sku, price in book.prices.items() if _is_news(price, held=newest.get(sku))]
    waiting = _waiting_since(skus_=[price.sku for price in changed])
    PriceRow.objects.bulk_create(
        PriceRow(
            region=book.region,
            sku=price.sku,
            unit=price.unit,
            per=price.per,
            usd=price.usd,
            kind=price.kind,
            source=price.source,
            as_of=price.as_of,
            effective_from=now
            if price.sku in newest
            else _first_moment(price.as_of, waiting_since=waiting.get(price.sku)),
            entered_at=now,
        )
        for price in changed
    )
    return len(changed)


def _is_news(price: Price, *, held: PriceRow | None) -> bool:
    return held is None or (held.kind != QUOTE and (held.usd, held.kind) != (price.usd, price.kind))


def _newest(*, region: str) -> Mapping[str, PriceRow]:
    rows = PriceRow.objects.filter(region=region).order_by("sku", "effective_from", "pk")
    return {row.sku: row for row in rows}


def _waiting_since(*, skus_: Iterable[str]) -> Mapping[str, datetime]:
    waiting = Charge.objects.filter(price=None, correction=None, sku__in=list(skus_))
    return dict(waiting.values("sku").annotate(first=Min("hour")).values_list("sku", "first"))


def _first_moment(as_of: date, *, waiting_since: datetime | None) -> datetime:
    """The first price of a SKU also holds for what was used before anybody knew it."""
    midnight = datetime.combine(as_of, time(), tzinfo=UTC)
    return midnight if waiting_since is None else min(midnight, waiting_since)


@transaction.atomic
def enter_quote(
    *,
    actor: Actor,
    region: str = "",
    sku: str,
    usd: Decimal,
    source: str,
    as_of: date,
    is_example: bool = False,
    now: datetime,
) -> PriceRow:
    """Enter a price somebody was given, in USD for the SKU's `per` units; return its row.

    The first price of a SKU holds from `as_of` (or from the first usage that waits for one), a
    later one from now on. Refuses an unknown SKU, a price of 0 or beyond a million, a day in the
    future, and an actor who may not set prices.
    """
    require(actor, Permission.SET_PRICE)
    hold_prices_alone()
    region = region or settings.AWS_REGION
    unit = _unit(sku)
    _check_quote(usd=usd, source=source, as_of=as_of, now=now)
    held = PriceRow.objects.filter(region=region, sku=sku).exists()
    row, is_new = PriceRow.objects.get_or_create(
        region=region,
        sku=sku,
        effective_from=now
        if held
        else _first_moment(as_of, waiting_since=_waiting_since(skus_=[sku]).get(sku)),
        defaults={
            "unit": unit.name,
            "per": unit.per,
            "usd": usd,
            "kind": QUOTE,
            "source": source.strip(),
            "as_of": as_of,
            "is_example": is_example,
            "entered_by_id": actor.user_id,
            "entered_at": now,
        },
    )
    if not is_new:
        raise Invalid(f"{sku} has just been given another price; look again.")
    price_waiting(now=now)
    _record(actor, row, now=now)
    return row


def _unit(sku: str) -> skus.Unit:
    try:
        return skus.unit_of(sku)
    except skus.UnknownSku as unknown:
        raise Invalid(str(unknown), fields={"sku": str(unknown)}) from None


def _check_quote(*, usd: Decimal, source: str, as_of: date, now: datetime) -> None:
    fields = {}
    if not usd.is_finite() or not 0 < usd <= MOST_USD:
        fields["usd"] = f"A price is more than 0 and at most {MOST_USD:,} USD; this is {usd}."
    elif usd != usd.quantize(Decimal("1e-12")):
        fields["usd"] = f"A price has at most 12 decimals; this is {usd}."
    if not source.strip():
        fields["source"] = "Say where the price comes from: a quote's number, a mail, a person."
    if as_of > now.astimezone(UTC).date():
        fields["as_of"] = f"{as_of} is in the future; a quote is as of a day that has been."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)


def _record(actor: Actor, row: PriceRow, *, now: datetime) -> None:
    example = ", an example" if row.is_example else ""
    audit.record(
        actor=actor,
        verb="enter-quote",
        subject=f"price:{row.sku}"[:200],
        sentence=f"{actor.name} entered {money.in_words(row.usd)} per {row.per:,} {row.unit} for "
        f"{skus.label_of(row.sku)} in {row.region}{example}.",
        detail={"price": row.pk, "usd": str(row.usd), "source": row.source},
        now=now,
    )


@transaction.atomic
def price_waiting(*, now: datetime) -> int:
    """Book the money of charges that waited for a price; return how many were priced.

    Each gets one correction in its own hour: quantity 0, and the USD it should have had.
    """
    hold_prices_alone()
    waiting = list(
        Charge.objects.select_for_update(of=("self",))
        .filter(price=None, correction=None)
        .order_by("pk")
    )
    first = _first_prices(sku=frozenset(charge.sku for charge in waiting))
    corrections = [
        _correction(charge, first[charge.sku], now=now) for charge in waiting if charge.sku in first
    ]
    Charge.objects.bulk_create(corrections)
    rollups.add(corrections)
    return len(corrections)


def _first_prices(*, sku: frozenset[str]) -> Mapping[str, PriceRow]:
    """Return the first price ever of each SKU: it holds from before its first waiting hour."""
    rows = PriceRow.objects.filter(region=settings.AWS_REGION, sku__in=sku)
    return {row.sku: row for row in rows.order_by("-effective_from", "-pk")}


def _correction(charge: Charge, row: PriceRow, *, now: datetime) -> Charge:
    return Charge(
        hour=charge.hour,
        feature_id=charge.feature_id,
        team_id=charge.team_id,
        deployment=charge.deployment,
        environment=charge.environment,
        tier=charge.tier,
        model=charge.model,
        sku=charge.sku,
        unit=charge.unit,
        quantity=money.ZERO,
        price=row,
        usd=rate(quantity=charge.quantity, price=as_price(row)),
        kind="correction",
        corrects=charge,
        booked_at=now,
    )
