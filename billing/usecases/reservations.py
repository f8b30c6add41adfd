"""Money is held for a deployment before anything is built, and let go when it is gone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import BudgetLock, Reservation
from billing.queries.budgets import consent
from portal.errors import Invalid, Refusal
from portal.models import Feature

LOCK = "organisation"


class OverBudget(Refusal):
    """A budget cannot carry it; the sentence has every figure and what would fit."""

    code = "over-budget"
    status = 409


@transaction.atomic
def reserve(
    *, feature: Feature, deployment: str, monthly_usd: Decimal, now: datetime
) -> Reservation:
    """Hold a deployment's expected USD a month, in place of what it held before.

    Joins the caller's transaction. Everybody who reserves waits for the one budget lock, so that
    two can never overspend together. Raises OverBudget, and Invalid for an amount below 0.
    """
    if not monthly_usd.is_finite() or monthly_usd < 0:
        raise Invalid(f"A monthly cost is 0 USD or more; this is {monthly_usd}.")
    lock()
    answer = consent(feature=feature, deployment=deployment, monthly_usd=monthly_usd, now=now)
    if not answer.fits:
        raise OverBudget(answer.sentence)
    release(deployment=deployment, now=now)
    return Reservation.objects.create(
        team_id=feature.team_id,
        feature=feature,
        deployment=deployment,
        monthly_usd=monthly_usd,
        held_at=now,
    )


@transaction.atomic
def lower(*, deployment: str, monthly_usd: Decimal, now: datetime) -> bool:
    """Hold no more than this for a deployment from now on; say whether it held more."""
    held = Reservation.objects.select_for_update().filter(deployment=deployment, released_at=None)
    row = held.filter(monthly_usd__gt=monthly_usd).first()
    if row is None:
        return False
    Reservation.objects.filter(pk=row.pk).update(released_at=now)
    Reservation.objects.create(
        team_id=row.team_id,
        feature_id=row.feature_id,
        deployment=deployment,
        monthly_usd=monthly_usd,
        held_at=now,
    )
    return True


def held_usd(*, deployment: str) -> Decimal:
    """Return the USD a month that a deployment holds; 0 when it holds nothing."""
    held = Reservation.objects.filter(deployment=deployment, released_at=None)
    return held.values_list("monthly_usd", flat=True).first() or Decimal(0)


def release(*, deployment: str, now: datetime) -> bool:
    """Let go of what a deployment holds; say whether it held anything."""
    held = Reservation.objects.filter(deployment=deployment, released_at=None)
    return bool(held.update(released_at=now))


def lock() -> None:
    """Wait for whoever holds money or sets a budget; the caller's transaction keeps the lock."""
    BudgetLock.objects.bulk_create([BudgetLock(name=LOCK)], ignore_conflicts=True)
    BudgetLock.objects.select_for_update().get(name=LOCK)
