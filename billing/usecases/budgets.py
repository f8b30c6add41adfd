"""Budgets are set by finance; a change is a new row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.domain.money import CENT, in_words
from billing.models import Budget
from billing.queries.budgets import budget_in_force
from billing.usecases import reservations
from portal.access import Actor, Permission, require
from portal.errors import Invalid
from portal.models import Team
from portal.usecases import audit

MOST_USD = Decimal(10) ** 12


@transaction.atomic
def set_budget(*, actor: Actor, team: Team | None, monthly_usd: Decimal, now: datetime) -> Budget:
    """Set what a team, or (None) the organisation, may spend a month; the newest row holds.

    Refuses an actor who may not, and an amount below 0, finer than a cent, or absurd. A budget
    below what is used already is taken: it stops the next launch.
    """
    require(actor, Permission.SET_BUDGET)
    _check(monthly_usd)
    reservations.lock()
    before = budget_in_force(team=team)
    row = Budget.objects.create(
        team=team, monthly_usd=monthly_usd, set_at=now, set_by=actor.name[:200]
    )
    whom = f"team {team.name}" if team else "the organisation"
    change = f" ({in_words(before.monthly_usd)} before)" if before else ""
    amount = f"{in_words(monthly_usd)} a month{change}"
    audit.record(
        actor=actor,
        verb="set-budget",
        subject=f"budget:{team.slug}" if team else "budget:organisation",
        sentence=f"{actor.name} set the budget of {whom} to {amount}.",
        team=team,
        detail={"budget": row.pk, "monthly_usd": str(monthly_usd)},
        now=now,
    )
    return row


def _check(monthly_usd: Decimal) -> None:
    sentence = ""
    if not monthly_usd.is_finite() or not 0 <= monthly_usd < MOST_USD:
        sentence = f"A budget is from 0 to below {MOST_USD:,} USD a month; this is {monthly_usd}."
    elif monthly_usd != monthly_usd.quantize(CENT):
        sentence = f"A budget is in whole cents; this is {monthly_usd}."
    if sentence:
        raise Invalid(sentence, fields={"monthly_usd": sentence})
