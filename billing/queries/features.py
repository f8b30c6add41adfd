"""What one feature cost in a month, deployment by deployment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.domain.money import HOURS_A_MONTH, ZERO, hours_between
from billing.domain.unit_costs import Line, UnitCost, unit_costs
from billing.models import Reservation
from billing.queries.filters import Filters
from billing.queries.spend import lines_of_deployments
from portal.access import Actor, Permission, require
from portal.models import Feature


@dataclass(frozen=True, slots=True)
class Cost:
    """One deployment in a month: USD booked, its lines and unit costs, and what is held for it.

    `expected_usd` is what it would have cost in the month by now at what it holds; None when it
    holds nothing.
    """

    deployment: str
    usd: Decimal
    lines: tuple[Line, ...]
    units: tuple[UnitCost, ...]
    held_usd: Decimal | None
    expected_usd: Decimal | None


def costs_of(
    *, actor: Actor, feature: Feature, filters: Filters, now: datetime
) -> tuple[Cost, ...]:
    """Return what each deployment of a feature cost in a month, the dearest first.

    Raises NotFound for an actor who may not see the feature.
    """
    require(actor, Permission.SEE, team_id=feature.team_id)
    lines = lines_of_deployments(feature=feature, filters=filters)
    held = {
        row.deployment: row for row in Reservation.objects.filter(feature=feature, released_at=None)
    }
    costs = [
        _cost(name, lines.get(name, ()), held.get(name), filters=filters, now=now)
        for name in lines.keys() | held.keys()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.usd, cost.deployment)))


def _cost(
    deployment: str,
    lines: tuple[Line, ...],
    held: Reservation | None,
    *,
    filters: Filters,
    now: datetime,
) -> Cost:
    return Cost(
        deployment=deployment,
        usd=sum((line.usd for line in lines), ZERO),
        lines=lines,
        units=unit_costs(lines),
        held_usd=held.monthly_usd if held else None,
        expected_usd=_expected(held, filters=filters, now=now) if held else None,
    )


def _expected(held: Reservation, *, filters: Filters, now: datetime) -> Decimal:
    start = max(filters.month.starts_at, held.held_at)
    end = min(filters.month.ends_at, now)
    hours = hours_between(start, end) if end > start else ZERO
    return held.monthly_usd * hours / HOURS_A_MONTH
