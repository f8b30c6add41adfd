"""Set up the example's support team with a cascade that answers, ready for a key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.queries.budgets import budget_in_force
from billing.usecases import budgets
from cascade.adapters import examples
from cascade.models import Cascade, FeatureLimit
from cascade.queries.cascades import cascade_of, standing_of
from cascade.usecases import cascades, policies, rollouts
from portal.access import SYSTEM, Role
from portal.models import Feature, Membership, Team
from portal.usecases import features, teams


def install(*, key: str, now: datetime) -> Cascade | None:
    """Create what of the scenario's cascade is not there yet; run again, it changes nothing.

    None when the scenario has none. Prices and people must be there already.
    """
    found = examples.example_of(key)
    if found is None:
        return None
    team = _team(found, now)
    feature = Feature.objects.filter(slug=found["feature"]["slug"]).first()
    if feature is None:
        feature = features.register(actor=SYSTEM, team=team, **found["feature"], now=now)
    if budget_in_force(team=team) is None:
        usd = Decimal(found["team_monthly_usd"])
        budgets.set_budget(actor=SYSTEM, team=team, monthly_usd=usd, now=now)
    if not FeatureLimit.objects.filter(feature=feature).exists():
        usd = Decimal(found["feature_monthly_usd"])
        cascades.set_limits(actor=SYSTEM, feature=feature, monthly_usd=usd, now=now)
    return _cascade(feature, found["environment"], now)


def _team(found: Mapping[str, Any], now: datetime) -> Team:
    team = Team.objects.filter(slug=found["team"]["slug"]).first()
    if team is None:
        team = teams.create_team(actor=SYSTEM, **found["team"], now=now)
    for email, role in ((found["lead"], Role.LEAD), (found["member"], Role.MEMBER)):
        if not Membership.objects.filter(team=team, user__email=email).exists():
            teams.set_member(actor=SYSTEM, team=team, email=email, role=role.value, now=now)
    return team


def _cascade(feature: Feature, environment: str, now: datetime) -> Cascade:
    """Return the feature's cascade with its suggested policy live."""
    row = cascade_of(feature=feature, environment=environment)
    if row is None:
        row = cascades.create_cascade(
            actor=SYSTEM, feature=feature, environment=environment, now=now
        )
    if standing_of(cascade=row) is None:
        made = row.policies.order_by("-number").first() or policies.publish(
            actor=SYSTEM, cascade=row, now=now
        )
        rollouts.go_live(actor=SYSTEM, cascade=row, number=made.number, now=now)
    return row
