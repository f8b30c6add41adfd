"""The roll-ups grow by exactly what the ledger grows by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import Charge

ADD_HOURS = """
    INSERT INTO billing_spendhour AS held
        (hour, deployment, sku, tier, model, environment, feature_id, team_id, quantity, usd)
    SELECT * FROM unnest(
        %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[])
    ON CONFLICT (hour, deployment, sku, tier, model, environment, feature_id, team_id)
    DO UPDATE SET quantity = held.quantity + excluded.quantity, usd = held.usd + excluded.usd
"""
ADD_DAYS = """
    INSERT INTO billing_spendday AS held
        (day, deployment, tier, model, environment, feature_id, team_id, usd)
    SELECT * FROM unnest(
        %s::date[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
        %s::numeric[])
    ON CONFLICT (day, deployment, tier, model, environment, feature_id, team_id)
    DO UPDATE SET usd = held.usd + excluded.usd
"""


def add(charges: Iterable[Charge]) -> None:
    """Add new charges to the hours and days they belong to; call it in their transaction."""
    hours: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    days: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)])
    for charge in charges:
        who = (charge.tier, charge.model, charge.environment, charge.feature_id, charge.team_id)
        hour = hours[(charge.hour, charge.deployment, charge.sku, *who)]
        hour[0] += charge.quantity
        hour[1] += charge.usd
        days[(charge.hour.astimezone(UTC).date(), charge.deployment, *who)][0] += charge.usd
    # Always in the same order, so that two batches at once never wait for each other in a ring.
    _run(ADD_HOURS, [(*key, *sums) for key, sums in sorted(hours.items())])
    _run(ADD_DAYS, [(*key, *sums) for key, sums in sorted(days.items())])


def _run(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
