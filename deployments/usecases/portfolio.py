"""Plan a portfolio: one option for each feature under one budget, kept as it was that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.queries.budgets import budget_in_force
from billing.queries.prices import price_book
from deployments.domain.portfolio import reading
from deployments.domain.portfolio.planning import plan
from deployments.domain.records import to_json
from deployments.models import PortfolioPlan
from deployments.queries import portfolio as queries
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.models import Team
from portal.usecases import audit


class NothingToPlan(Conflict):
    """No feature was compared yet."""

    code = "nothing-to-plan"


def plan_portfolio(
    *, actor: Actor, team: Team | None, given: Mapping[str, Any], now: datetime
) -> PortfolioPlan:
    """Choose one option for each feature of a team, or (None) of everybody, and keep the answer.

    Takes the newest recommendation of each feature as it stands; what was never compared is named.
    Raises NotFound to strangers, NotAllowed, Invalid with a sentence for each input that cannot
    be, NothingToPlan when no feature was compared.
    """
    require(actor, Permission.PLAN_PORTFOLIO, team_id=team.pk if team else None)
    found = queries.material(team=team)
    if not found.features:
        raise NothingToPlan("No feature was compared yet: compare the options of one first.")
    budget = budget_in_force(team=team) or budget_in_force(team=None)
    try:
        wish = reading.read(
            given,
            features=[each.feature for each in found.features],
            budget=budget.monthly_usd if budget else None,
        )
    except reading.Unreadable as reason:
        raise Invalid(str(reason), fields=reason.fields) from reason
    answer = plan(features=found.features, wish=wish)
    today = price_book(region=settings.AWS_REGION, now=now).as_of
    row = PortfolioPlan(
        team=team,
        created_at=now,
        created_by=actor.name[:200],
        prices_as_of=min(as_of for _, as_of in found.prices_as_of),
        budget_usd=wish.budget_usd,
        objective=wish.objective.value,
        request=to_json(wish),
        body={
            **to_json(answer),
            "without_advice": list(found.without_advice),
            "older_than_prices": [name for name, as_of in found.prices_as_of if as_of < today],
        },
    )
    return _keep(actor=actor, row=row, fits=answer.fits, now=now)


@transaction.atomic(durable=True)
def _keep(*, actor: Actor, row: PortfolioPlan, fits: bool, now: datetime) -> PortfolioPlan:
    row.save(force_insert=True)
    whom = f"team {row.team.name}" if row.team else "everybody"
    how = f"{len(row.body['picks'])} features" if fits else "nothing fits"
    audit.record(
        actor=actor,
        verb="plan-portfolio",
        subject=f"team:{row.team.slug}" if row.team else "portfolio:organisation",
        sentence=f"{actor.name} planned the portfolio of {whom}: {how} within "
        f"{row.budget_usd:,.2f} USD a month.",
        team=row.team,
        detail={"portfolio_plan": row.pk},
        now=now,
    )
    return row
