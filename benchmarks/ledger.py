"""Millions of metered events with their charges and roll-ups, made inside the database.

Every deployment meters each priced line of its option once per INTERVAL; charges are per hour, as
the meter books them. Quantities are whole numbers, so that no charge needs rounding: usage times
price, charges, hours and days add up to the same USD to the last digit, and `fill` checks it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from benchmarks.figures import Figure
from billing.domain.money import ZERO
from billing.models import PriceRow
from deployments.models import Generation

INTERVAL = timedelta(minutes=15)
INTERVALS_A_MONTH = 730 * 4
TABLES = ("usageevent", "charge", "spendhour", "spendday")

MAKE_LINES = """
    CREATE UNLOGGED TABLE bench_line (
        id integer PRIMARY KEY, feature_id bigint, team_id bigint, deployment text,
        environment text, tier text, model text, sku text, unit text, quantity numeric,
        price_id bigint, usd numeric, per numeric)
"""
ADD_LINE = "INSERT INTO bench_line VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
METER = """
    INSERT INTO billing_usageevent
        (uid, fingerprint, feature_id, deployment, environment, tier, model, resource, sku,
         quantity, unit, started_at, ended_at, recorded_at)
    SELECT deployment || ':' || sku || ':' || n,
           encode(sha256((deployment || sku || n)::bytea), 'hex'),
           feature_id, deployment, environment, tier, model, 'slipway-' || deployment, sku,
           CASE WHEN unit = 'second' THEN quantity
                ELSE greatest(1, trunc(quantity * (50 + (n * 7 + id) %% 100) / 100)) END,
           unit, moment, moment + %(interval)s, moment + %(interval)s
    FROM generate_series(0, %(intervals)s - 1) AS n,
         LATERAL (SELECT %(start)s::timestamptz + n * %(interval)s AS moment) AS moments,
         bench_line
    LIMIT %(events)s
"""
CHARGE = """
    INSERT INTO billing_charge
        (hour, feature_id, team_id, deployment, environment, tier, model, sku, unit, quantity,
         price_id, usd, kind, booked_at)
    SELECT hour, line.feature_id, line.team_id, line.deployment, line.environment, line.tier,
           line.model, line.sku, line.unit, metered.quantity, line.price_id,
           round(metered.quantity * line.usd / line.per, 12), 'usage', hour + interval '1 hour'
    FROM (SELECT date_trunc('hour', started_at) AS hour, deployment, sku, sum(quantity) AS quantity
          FROM billing_usageevent GROUP BY 1, 2, 3) AS metered
    JOIN bench_line AS line USING (deployment, sku)
    ORDER BY hour
"""
ROLL_UP_HOURS = """
    INSERT INTO billing_spendhour
        (hour, team_id, feature_id, deployment, environment, tier, model, sku, quantity, usd)
    SELECT hour, team_id, feature_id, deployment, environment, tier, model, sku,
           sum(quantity), sum(usd)
    FROM billing_charge GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1
"""
ROLL_UP_DAYS = """
    INSERT INTO billing_spendday
        (day, team_id, feature_id, deployment, environment, tier, model, usd)
    SELECT (hour AT TIME ZONE 'UTC')::date, team_id, feature_id, deployment, environment, tier,
           model, sum(usd)
    FROM billing_spendhour GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1
"""
READ_TO = """
    INSERT INTO billing_watermark (source, read_to, read_at)
    SELECT DISTINCT 'bench:' || deployment, %(now)s::timestamptz, %(now)s::timestamptz
    FROM bench_line
"""
SUMS = """
    SELECT (SELECT sum(event.quantity * line.usd / line.per) FROM billing_usageevent AS event
            JOIN bench_line AS line USING (deployment, sku)),
           (SELECT sum(usd) FROM billing_charge), (SELECT sum(usd) FROM billing_spendhour),
           (SELECT sum(usd) FROM billing_spendday)
"""
# Rows come faster without them; they are made again before anything is measured.
FIND_INDEXES = """
    SELECT 'DROP INDEX ' || indexname, indexdef FROM pg_indexes
    WHERE tablename = ANY(%(tables)s)
      AND indexname NOT IN (SELECT conname FROM pg_constraint)
    UNION ALL
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                  pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype = 'u' AND conrelid::regclass::text = ANY(%(tables)s)
"""
FASTER = """
    SET work_mem = '512MB'; SET maintenance_work_mem = '1GB';
    SET session_replication_role = replica
"""
AS_BEFORE = "RESET work_mem; RESET maintenance_work_mem; RESET session_replication_role"


class DoesNotAddUp(Exception):
    """The books that were made do not agree with each other."""


def fill(*, events: int, now: datetime) -> Sequence[Figure]:
    """Make that many events up to now, with what follows from them.

    Raises DoesNotAddUp when usage, charges and roll-ups differ by a single digit.
    """
    began = time.perf_counter()
    lines = list(_lines())
    intervals = math.ceil(events / len(lines))
    start = now.replace(minute=0, second=0, microsecond=0) - intervals * INTERVAL
    with connection.cursor() as cursor:
        cursor.execute(FASTER)
        cursor.execute(MAKE_LINES)
        cursor.executemany(ADD_LINE, lines)
        cursor.execute(FIND_INDEXES, {"tables": [f"billing_{name}" for name in TABLES]})
        dropped = cursor.fetchall()
        for drop, _ in dropped:
            cursor.execute(drop)
        cursor.execute(
            METER,
            {"start": start, "interval": INTERVAL, "intervals": intervals, "events": events},
        )
        for sql in (CHARGE, ROLL_UP_HOURS, ROLL_UP_DAYS):
            cursor.execute(sql)
        cursor.execute(READ_TO, {"now": now})
        for _, create in dropped:
            cursor.execute(create)
        _check(cursor)
        cursor.execute("DROP TABLE bench_line")
        cursor.execute(AS_BEFORE)
        cursor.execute("VACUUM ANALYZE")
        return (*_counts(cursor), Figure("filling the books", time.perf_counter() - began, "s"))


def _lines() -> Iterator[tuple[Any, ...]]:
    """Yield what each deployment meters: the priced lines of its option."""
    prices = {row.sku: row for row in PriceRow.objects.order_by("effective_from")}
    held = Generation.objects.select_related("deployment__feature").order_by("pk")
    number = 0
    for generation in held.iterator():
        feature, seen = generation.deployment.feature, set()
        for line in generation.option["cost"]["lines"]:
            price = prices.get(line["sku"])
            if price is None or line["sku"] in seen or not Decimal(line["quantity"]):
                continue
            seen.add(line["sku"])
            number += 1
            yield (
                number,
                feature.pk,
                feature.team_id,
                generation.deployment.slug,
                generation.deployment.environment,
                generation.tier,
                generation.model,
                price.sku,
                price.unit,
                _quantity(Decimal(line["quantity"]), unit=price.unit),
                price.pk,
                price.usd,
                price.per,
            )


def _quantity(monthly: Decimal, *, unit: str) -> Decimal:
    """Return a whole quantity of one interval; whole hours' quarters of what is paid by time."""
    if unit == "second":
        return Decimal(int(INTERVAL.total_seconds()))
    return max(Decimal(1), (monthly / INTERVALS_A_MONTH).to_integral_value())


def _check(cursor: Any) -> None:
    cursor.execute(SUMS)
    sums = cursor.fetchone()
    if len(set(sums)) != 1 or sums[0] == ZERO:
        raise DoesNotAddUp(f"usage, charges, hours and days add up to {sums}")


def _counts(cursor: Any) -> Iterator[Figure]:
    for name in TABLES:
        cursor.execute(f"SELECT count(*) FROM billing_{name}")  # noqa: S608 - names of TABLES
        yield Figure(f"rows of {name}", cursor.fetchone()[0], "")
