"""Budgets in force, what is against them, and whether one more deployment fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from billing.domain import budgets
from billing.domain.money import ZERO, month_of
from billing.models import Budget, Reservation, SpendDay
from billing.queries.filters import visible
from portal.access import Actor
from portal.models import Feature, Team
from portal.queries import teams

# For each deployment the larger of what it holds and what it has spent in the month; summed up
# for each team, and (team null) for the organisation.
POSITIONS = """
    SELECT team_id, coalesce(sum(held.usd), 0), coalesce(sum(spent.usd), 0),
           coalesce(sum(greatest(coalesce(held.usd, 0), coalesce(spent.usd, 0))), 0)
    FROM (SELECT team_id, deployment, sum(monthly_usd) AS usd FROM billing_reservation
          WHERE released_at IS NULL AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
          GROUP BY team_id, deployment) AS held
    FULL JOIN
         (SELECT team_id, deployment, sum(usd) AS usd FROM billing_spendday
          WHERE day BETWEEN %(first)s AND %(last)s
            AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
          GROUP BY team_id, deployment) AS spent USING (team_id, deployment)
    WHERE deployment <> %(without)s
    GROUP BY GROUPING SETS ((), (team_id))
"""
# What holds money, and what each used lately.
RUNNING = """
    SELECT held.team_id, held.deployment, held.monthly_usd, coalesce(lately.usd, 0), held.held_at
    FROM billing_reservation AS held
    LEFT JOIN (SELECT deployment, sum(usd) AS usd FROM billing_spendhour
               WHERE hour > %(since)s AND hour <= %(now)s
                 AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
               GROUP BY deployment) AS lately USING (deployment)
    WHERE held.released_at IS NULL AND (%(team)s::bigint IS NULL OR held.team_id = %(team)s)
"""


def budget_in_force(*, team: Team | None) -> Budget | None:
    """Return the newest budget of a team, or (None) of the organisation; None when none is set."""
    return Budget.objects.filter(team=team).order_by("-set_at", "-pk").first()


def position(*, team: Team | None, now: datetime, without: str = "") -> budgets.Position:
    """Return what is against the budget of a team, or of the organisation, this month.

    `without` leaves one deployment out.
    """
    budget = budget_in_force(team=team)
    sums = _sums(team=team, now=now, without=without)
    return _position(budget, sums.get(team.pk if team else None, (ZERO, ZERO, ZERO)))


def used_by_team(*, now: datetime) -> dict[int | None, Decimal]:
    """Return the USD against each team's budget this month; None is the organisation's.

    For each deployment the larger of what it holds and what it has spent.
    """
    return {team_id: used for team_id, (_, _, used) in _sums(team=None, now=now).items()}


Sums = tuple[Decimal, Decimal, Decimal]


def _sums(*, team: Team | None, now: datetime, without: str = "") -> dict[int | None, Sums]:
    """Return held, spent and used USD by team id; None is the sum of all of them."""
    month = month_of(now)
    with connection.cursor() as cursor:
        cursor.execute(
            POSITIONS,
            {
                "team": team.pk if team else None,
                "first": month.first,
                "last": month.last,
                "without": without,
            },
        )
        return {team_id: tuple(sums) for team_id, *sums in cursor.fetchall()}


def _position(budget: Budget | None, sums: Sums) -> budgets.Position:
    held, spent, used = sums
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


def _running(*, team: Team | None, now: datetime) -> dict[int, list[budgets.Running]]:
    """Return by team id what holds money, with what it used in the last 24 h."""
    with connection.cursor() as cursor:
        cursor.execute(
            RUNNING,
            {"team": team.pk if team else None, "since": now - budgets.A_DAY, "now": now},
        )
        rows = cursor.fetchall()
    found: dict[int, list[budgets.Running]] = {}
    for team_id, *running in rows:
        found.setdefault(team_id, []).append(budgets.Running(*running))
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """A team's, or (team None) the organisation's month against its budget, and where it ends."""

    team: Team | None
    position: budgets.Position
    forecast: budgets.Forecast

    @property
    def whom(self) -> str:
        """Return whose it is, in words."""
        return f"team {self.team.name}" if self.team else "the organisation"

    @property
    def slug(self) -> str:
        """Return whose it is, as a name in addresses."""
        return self.team.slug if self.team else "organisation"


def standing(*, team: Team | None, now: datetime) -> Standing:
    """Return this month of a team, or (None) of the organisation."""
    held = position(team=team, now=now)
    running = [one for some in _running(team=team, now=now).values() for one in some]
    return Standing(
        team, held, budgets.forecast(spent_usd=held.spent_usd, running=running, now=now)
    )


def standings(*, actor: Actor, now: datetime) -> tuple[Standing, ...]:
    """Return the organisation, then the actor's teams that have a budget, hold or spend."""
    sums, running = _sums(team=None, now=now), _running(team=None, now=now)
    newest = Budget.objects.order_by("team", "-set_at", "-pk").distinct("team")
    budget = {row.team_id: row for row in newest}
    everything = [one for some in running.values() for one in some]
    found = []
    for team in (None, *teams(actor=actor)):
        key = team.pk if team else None
        held = _position(budget.get(key), sums.get(key, (ZERO, ZERO, ZERO)))
        if team and held.budget_usd is None and not held.used_usd:
            continue
        its = everything if team is None else running.get(team.pk, [])
        outlook = budgets.forecast(spent_usd=held.spent_usd, running=its, now=now)
        found.append(Standing(team, held, outlook))
    return tuple(found)


def budgets_seen(*, actor: Actor, team: str = "", in_force: bool = True) -> QuerySet[Budget]:
    """Return the organisation's budgets and those of the actor's teams, newest first."""
    rows = Budget.objects.select_related("team")
    if not actor.sees_everything:
        rows = rows.filter(Q(team=None) | Q(team_id__in=list(actor.team_roles)))
    if team:
        rows = rows.filter(team__slug=team)
    if in_force:
        newest = Budget.objects.order_by("team", "-set_at", "-pk").distinct("team")
        rows = rows.filter(pk__in=newest.values("pk"))
    return rows.order_by("-pk")


def reservations(
    *,
    actor: Actor,
    team: str = "",
    feature: str = "",
    deployment: str = "",
    held: bool | None = None,
) -> QuerySet[Reservation]:
    """Return what is or was held for the actor's teams, newest first."""
    rows = visible(Reservation.objects.select_related("team", "feature"), actor=actor)
    asked = {"team__slug": team, "feature__slug": feature, "deployment": deployment}
    rows = rows.filter(**{name: value for name, value in asked.items() if value})
    if held is not None:
        rows = rows.filter(released_at__isnull=held)
    return rows.order_by("-pk")
