"""Usage comes in: counted once, charged at the price of its moment, rolled up, all or nothing."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from billing.domain.money import ZERO
from billing.domain.prices import rate
from billing.domain.usage import Recorded, RefusedUsage, Usage, as_texts, fault, fingerprint
from billing.models import Charge, PriceRow, UsageEvent, UsageRefusal
from billing.queries.prices import as_price, hold_prices
from billing.usecases import rollups
from portal.models import Feature

INSERT_EVENTS = """
    INSERT INTO billing_usageevent
        (uid, fingerprint, feature_id, deployment, environment, tier, model, resource, sku,
         quantity, unit, started_at, ended_at, recorded_at)
    SELECT *, %s::timestamptz FROM unnest(
        %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::text[], %s::text[], %s::numeric[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (uid) DO NOTHING
    RETURNING uid
"""
MOVE_WATERMARKS = """
    INSERT INTO billing_watermark AS held (source, read_to, read_at)
    SELECT source, read_to, %s::timestamptz
    FROM unnest(%s::text[], %s::timestamptz[]) AS told (source, read_to)
    ON CONFLICT (source) DO UPDATE
    SET read_to = greatest(held.read_to, excluded.read_to), read_at = excluded.read_at
"""
CLASH = "clash"
UNBOOKABLE = "unbookable"


@transaction.atomic
def record_usage(
    *, usage: Sequence[Usage], read_to: Mapping[str, datetime], now: datetime
) -> Recorded:
    """Book a batch: events, charges, roll-ups and watermarks in one transaction.

    An event whose uid is known counts no second time; with another payload under the same uid, or
    when it cannot be booked at all, it is refused: kept where finance sees it, while the rest of
    the batch is booked. `read_to` moves each source's watermark, forward only.
    """
    teams = dict(
        Feature.objects.filter(pk__in={each.feature_id for each in usage}).values_list(
            "pk", "team_id"
        )
    )
    hold_prices()
    fit, refused = _sift(usage, teams=teams, now=now)
    new, clashing = _insert(fit, now=now)
    repeated = len(usage) - len(refused) - len(new) - len(clashing)
    refused = (*refused, *clashing)
    _charge(new, teams=teams, now=now)
    _keep(refused, known=teams, now=now)
    _move_watermarks(read_to, now=now)
    return Recorded(new=len(new), repeated=repeated, refused=refused)


def _sift(
    usage: Iterable[Usage], *, teams: Mapping[int, int], now: datetime
) -> tuple[Mapping[str, Usage], tuple[RefusedUsage, ...]]:
    """Return what fits by uid, and what does not with the reason."""
    fit: dict[str, Usage] = {}
    refused: list[RefusedUsage] = []
    for each in usage:
        sentence = fault(each, now=now)
        if not sentence and each.feature_id not in teams:
            sentence = f"There is no feature with the id {each.feature_id}."
        if sentence:
            refused.append(RefusedUsage(each, UNBOOKABLE, sentence))
        elif fingerprint(fit.setdefault(each.uid, each)) != fingerprint(each):
            refused.append(_clash(each))
    return fit, tuple(refused)


def _clash(usage: Usage) -> RefusedUsage:
    return RefusedUsage(
        usage,
        CLASH,
        f"{usage.uid} is booked already with another payload; what is booked stays. A correction "
        f"needs a uid of its own.",
    )


def _insert(
    fit: Mapping[str, Usage], *, now: datetime
) -> tuple[list[Usage], tuple[RefusedUsage, ...]]:
    """Insert what is not there; return what was new, and what clashes with what was there."""
    if not fit:
        return [], ()
    # In the order of their ids, so that two batches at once never wait for each other in a ring.
    rows = [_event(fit[uid]) for uid in sorted(fit)]
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(INSERT_EVENTS, [now, *columns])
        inserted = {uid for (uid,) in cursor.fetchall()}
    known = UsageEvent.objects.filter(uid__in=fit.keys() - inserted)
    clashing = tuple(
        _clash(fit[uid])
        for uid, held in known.values_list("uid", "fingerprint")
        if held != fingerprint(fit[uid])
    )
    return [fit[uid] for uid in sorted(inserted)], clashing


def _event(usage: Usage) -> tuple[object, ...]:
    return (
        usage.uid,
        fingerprint(usage),
        usage.feature_id,
        usage.deployment,
        usage.environment,
        usage.tier,
        usage.model,
        usage.resource,
        usage.sku,
        usage.kept_quantity,
        usage.unit,
        usage.started_at,
        usage.ended_at,
    )


def _charge(new: Sequence[Usage], *, teams: Mapping[int, int], now: datetime) -> None:
    """Book one charge for each hour, deployment, SKU and price of the batch."""
    prices = _prices(frozenset(each.sku for each in new))
    sums: dict[tuple[Usage, PriceRow | None], Decimal] = defaultdict(Decimal)
    for each in new:
        row = _price_at(prices.get(each.sku, ()), moment=each.started_at)
        sums[(_line(each), row)] += each.kept_quantity
    charges = Charge.objects.bulk_create(
        Charge(
            hour=line.hour,
            feature_id=line.feature_id,
            team_id=teams[line.feature_id],
            deployment=line.deployment,
            environment=line.environment,
            tier=line.tier,
            model=line.model,
            sku=line.sku,
            unit=line.unit,
            quantity=quantity,
            price=row,
            usd=ZERO if row is None else rate(quantity=quantity, price=as_price(row)),
            booked_at=now,
        )
        for (line, row), quantity in sums.items()
    )
    rollups.add(charges)


def _line(usage: Usage) -> Usage:
    """Return the usage without what a charge does not tell apart."""
    hour = usage.hour
    return replace(usage, uid="", resource="", quantity=ZERO, started_at=hour, ended_at=hour)


def _prices(skus: frozenset[str]) -> Mapping[str, Sequence[PriceRow]]:
    """Return the prices of each SKU here, oldest first."""
    rows = PriceRow.objects.filter(region=settings.AWS_REGION, sku__in=skus)
    found: dict[str, list[PriceRow]] = defaultdict(list)
    for row in rows.order_by("effective_from", "pk"):
        found[row.sku].append(row)
    return found


def _price_at(rows: Sequence[PriceRow], *, moment: datetime) -> PriceRow | None:
    """Return the newest price at a moment; None when the SKU had none yet."""
    place = bisect_right(rows, moment, key=lambda row: row.effective_from)
    return rows[place - 1] if place else None


def _keep(refused: Iterable[RefusedUsage], *, known: Mapping[int, int], now: datetime) -> None:
    """Keep what was refused, once for each payload, and count how often it came."""
    for each in refused:
        usage = each.usage
        body = json.loads(json.dumps({"uid": usage.uid, **as_texts(usage)}).replace("\\u0000", "?"))
        row, is_new = UsageRefusal.objects.get_or_create(
            uid=usage.uid[:250].replace("\x00", "?"),
            fingerprint=fingerprint(usage),
            defaults={
                "code": each.code,
                "sentence": each.sentence,
                "body": body,
                "feature_id": usage.feature_id if usage.feature_id in known else None,
                "first_seen_at": now,
                "last_seen_at": now,
            },
        )
        if not is_new:
            UsageRefusal.objects.filter(pk=row.pk).update(times=F("times") + 1, last_seen_at=now)


def _move_watermarks(read_to: Mapping[str, datetime], *, now: datetime) -> None:
    if read_to:
        sources = sorted(read_to)
        moments = [read_to[source] for source in sources]
        with connection.cursor() as cursor:
            cursor.execute(MOVE_WATERMARKS, [now, sources, moments])
