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
    _lock()
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


def release(*, deployment: str, now: datetime) -> bool:
    """Let go of what a deployment holds; say whether it held anything."""
    held = Reservation.objects.filter(deployment=deployment, released_at=None)
    return bool(held.update(released_at=now))


def _lock() -> None:
    BudgetLock.objects.bulk_create([BudgetLock(name=LOCK)], ignore_conflicts=True)
    BudgetLock.objects.select_for_update().get(name=LOCK)
