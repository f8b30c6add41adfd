"""Budgets in force, what is against them, and whether one more deployment fits."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Sum

from billing.domain import budgets
from billing.domain.money import ZERO, month_of
from billing.models import Budget, Reservation, SpendDay, SpendHour
from portal.models import Feature, Team

# For each deployment the larger of what it holds and what it has spent in the month.
POSITION = """
    SELECT coalesce(sum(held.usd), 0), coalesce(sum(spent.usd), 0),
           coalesce(sum(greatest(coalesce(held.usd, 0), coalesce(spent.usd, 0))), 0)
    FROM (SELECT deployment, sum(monthly_usd) AS usd FROM billing_reservation
          WHERE released_at IS NULL AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
          GROUP BY deployment) AS held
    FULL JOIN
         (SELECT deployment, sum(usd) AS usd FROM billing_spendday
          WHERE day BETWEEN %(first)s AND %(last)s
            AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
          GROUP BY deployment) AS spent USING (deployment)
    WHERE deployment <> %(without)s
"""


def budget_in_force(*, team: Team | None) -> Budget | None:
    """Return the newest budget of a team, or (None) of the organisation; None when none is set."""
    return Budget.objects.filter(team=team).order_by("-set_at", "-pk").first()


def position(*, team: Team | None, now: datetime, without: str = "") -> budgets.Position:
    """Return what is against the budget of a team, or of the organisation, this month.

    `without` leaves one deployment out.
    """
    month = month_of(now)
    budget = budget_in_force(team=team)
    with connection.cursor() as cursor:
        cursor.execute(
            POSITION,
            {
                "team": team.pk if team else None,
                "first": month.first,
                "last": month.last,
                "without": without,
            },
        )
        held, spent, used = cursor.fetchone()
    return budgets.Position(
        budget_usd=budget.monthly_usd if budget else None,
        held_usd=held,
        spent_usd=spent,
        used_usd=used,
    )


def consent(
    *, feature: Feature, deployment: str, monthly_usd: Decimal, now: datetime
) -> budgets.Consent:
    """Say whether a deployment of a feature fits the budgets, with all figures."""
    held = Reservation.objects.filter(deployment=deployment, released_at=None).first()
    month = month_of(now)
    spent = SpendDay.objects.filter(deployment=deployment, day__range=(month.first, month.last))
    return budgets.decide(
        request=budgets.Request(
            deployment=deployment,
            monthly_usd=monthly_usd,
            spent_usd=spent.aggregate(usd=Sum("usd"))["usd"] or ZERO,
            held_usd=held.monthly_usd if held else None,
        ),
        organisation=position(team=None, now=now, without=deployment),
        team=position(team=feature.team, now=now, without=deployment),
        team_name=feature.team.name,
    )


def forecast(*, team: Team | None, spent_usd: Decimal, now: datetime) -> budgets.Forecast:
    """Return where this month will end for a team, or (None) for the organisation."""
    held = Reservation.objects.filter(released_at=None)
    lately = SpendHour.objects.filter(hour__gt=now - budgets.A_DAY, hour__lte=now)
    if team is not None:
        held, lately = held.filter(team=team), lately.filter(team=team)
    by_deployment = dict(
        lately.values("deployment").annotate(total=Sum("usd")).values_list("deployment", "total")
    )
    running = [
        budgets.Running(
            deployment=row.deployment,
            monthly_usd=row.monthly_usd,
            last_day_usd=by_deployment.get(row.deployment, ZERO),
            held_at=row.held_at,
        )
        for row in held
    ]
    return budgets.forecast(spent_usd=spent_usd, running=running, now=now)
