"""Money is held once, by one at a time, and never beyond a budget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.db.models import Sum

from billing import queries
from billing.domain.budgets import NO_BUDGET
from billing.domain.usage import Usage
from billing.models import Budget, Reservation
from billing.queries.budgets import standing
from billing.usecases.budgets import set_budget
from billing.usecases.metering import record_usage
from billing.usecases.reservations import OverBudget, release, reserve
from portal.access import SYSTEM, Actor
from portal.errors import Invalid, NotAllowed
from portal.models import AuditEvent, Feature, Team


def allow(usd: str, *, now: datetime, team: Team | None = None) -> Budget:
    return set_budget(actor=SYSTEM, team=team, monthly_usd=Decimal(usd), now=now)


def hold(feature: Feature, usd: str, *, now: datetime, name: str = "chatbot-production") -> None:
    reserve(feature=feature, deployment=name, monthly_usd=Decimal(usd), now=now)


def test_without_a_budget_nothing_is_held(feature: Feature, noon: datetime) -> None:
    with pytest.raises(OverBudget, match=NO_BUDGET):
        hold(feature, "0", now=noon)


def test_the_last_cent_is_given_and_the_next_is_not(feature: Feature, noon: datetime) -> None:
    allow("100", now=noon)
    hold(feature, "60", now=noon)
    hold(feature, "40", now=noon, name="chatbot-staging")
    with pytest.raises(OverBudget) as refusal:
        hold(feature, "0.01", now=noon, name="chatbot-experiment")
    assert refusal.value.code == "over-budget"
    assert "has 0.00 USD left: 100.00 USD a month, 100.00 USD held" in str(refusal.value)


def test_a_deployment_holds_once_and_a_new_size_takes_the_place_of_the_old(
    feature: Feature, noon: datetime
) -> None:
    allow("100", now=noon)
    hold(feature, "60", now=noon)
    hold(feature, "90", now=noon)
    assert list(Reservation.objects.filter(released_at=None).values_list("monthly_usd")) == [(90,)]
    with pytest.raises(OverBudget):
        hold(feature, "100.01", now=noon)
    assert Reservation.objects.get(released_at=None).monthly_usd == 90


def test_what_is_let_go_can_be_held_again(feature: Feature, noon: datetime) -> None:
    allow("100", now=noon)
    hold(feature, "100", now=noon)
    assert release(deployment="chatbot-production", now=noon)
    assert not release(deployment="chatbot-production", now=noon)
    hold(feature, "100", now=noon, name="chatbot-staging")


def test_a_team_over_its_own_budget_is_refused_by_name(feature: Feature, noon: datetime) -> None:
    allow("1000", now=noon)
    allow("10", now=noon, team=feature.team)
    with pytest.raises(OverBudget, match=r"team Chat has 10\.00 USD left"):
        hold(feature, "11", now=noon)


def test_the_newest_budget_holds_and_those_before_stay(feature: Feature, noon: datetime) -> None:
    allow("1", now=noon)
    allow("50", now=noon)
    hold(feature, "50", now=noon)
    assert Budget.objects.count() == 2
    assert "(1.00 USD before)" in AuditEvent.objects.order_by("-pk")[0].sentence


@pytest.mark.usefixtures("price_list")
def test_used_counts_the_larger_of_held_and_spent_and_what_nothing_holds_any_more(
    feature: Feature, noon: datetime, used: Callable[..., Usage]
) -> None:
    allow("100", now=noon)
    hold(feature, "5", now=noon)
    hold(feature, "20", now=noon, name="chatbot-staging")
    spent = [
        used("over", quantity=Decimal(200_000_000)),  # 12 USD, more than the 5 it holds
        used("under", deployment="chatbot-staging", quantity=Decimal(50_000_000)),  # 3 of 20 USD
        used("gone", deployment="chatbot-old", quantity=Decimal(100_000_000)),  # 6 USD
    ]
    record_usage(usage=spent, read_to={}, now=noon)
    position = standing(team=None, now=noon).position
    assert (position.held_usd, position.spent_usd, position.used_usd) == (25, 21, 12 + 20 + 6)
    answer = queries.consent(
        feature=feature, deployment="chatbot-new", monthly_usd=Decimal(62), now=noon
    )
    assert answer.fits
    assert answer.left_usd == 62
    hold(feature, "62", now=noon, name="chatbot-new")
    next_month = noon + timedelta(days=30)
    assert standing(team=None, now=next_month).position.used_usd == 5 + 20 + 62


@pytest.mark.usefixtures("price_list")
def test_money_of_one_team_is_not_counted_against_another(
    feature: Feature, noon: datetime, moderation_team: Team
) -> None:
    allow("100", now=noon)
    allow("10", now=noon, team=moderation_team)
    hold(feature, "90", now=noon)
    other = Feature.objects.create(
        team=moderation_team, slug="moderation", name="Moderation", created_at=noon
    )
    hold(other, "10", now=noon, name="moderation-production")


@pytest.mark.django_db(transaction=True)
def test_many_who_reserve_at_once_never_exceed_the_budget(feature: Feature, noon: datetime) -> None:
    allow("100", now=noon)

    def one(number: int) -> bool:
        try:
            hold(feature, "7", now=noon, name=f"chatbot-{number}")
        except OverBudget:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(max_workers=6) as pool:
        held = sum(pool.map(one, range(30)))
    total = Reservation.objects.filter(released_at=None).aggregate(usd_=Sum("monthly_usd"))["usd_"]
    assert held == 14
    assert total == 98


@pytest.mark.parametrize("usd", ["-1", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_not_held(feature: Feature, noon: datetime, usd: str) -> None:
    allow("100", now=noon)
    with pytest.raises(Invalid):
        hold(feature, usd, now=noon)


@pytest.mark.django_db
@pytest.mark.parametrize("usd", ["-0.01", "NaN", "1e12", "0.001"])
def test_a_budget_that_makes_no_sense_is_refused(noon: datetime, usd: str) -> None:
    with pytest.raises(Invalid) as refusal:
        allow(usd, now=noon)
    assert "monthly_usd" in refusal.value.fields


def test_only_finance_sets_budgets(
    noon: datetime, actor_of_lead: Actor, actor_of_platform_engineer: Actor
) -> None:
    for actor in (actor_of_lead, actor_of_platform_engineer):
        with pytest.raises(NotAllowed):
            set_budget(actor=actor, team=None, monthly_usd=Decimal(1), now=noon)
