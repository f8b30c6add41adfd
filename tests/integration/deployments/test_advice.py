"""Workloads and recommendations as rows: who may, what is kept, and when it is out of date."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.usecases import prices as price_usecases
from deployments.models import Recommendation, WorkloadRow
from deployments.queries import advice as queries
from deployments.usecases import advice, workloads
from portal.access import Actor, Scope
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Feature, User
from tests.fixtures.people import actor_of
from tests.unit.deployments.advice_facts import PLAIN, QUOTE_SKU

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asker(member: User) -> Actor:
    return actor_of(member)


@pytest.fixture
def priced(noon: datetime) -> None:
    price_usecases.load_list(now=noon - timedelta(days=1))


def describe(actor: Actor, feature: Feature, now: datetime, **changes: Any) -> WorkloadRow:
    workload = workloads.read(given=PLAIN | changes)
    return workloads.describe(actor=actor, feature=feature, workload=workload, now=now)


def test_a_change_is_a_new_version_and_the_same_again_is_not(
    asker: Actor, feature: Feature, noon: datetime
) -> None:
    first = describe(asker, feature, noon)
    again = describe(asker, feature, noon)
    second = describe(asker, feature, noon, load="6")

    assert again.pk == first.pk
    assert (first.version, second.version) == (1, 2)
    newest = queries.newest_workload(feature=feature)
    assert newest is not None
    assert queries.workload_of(newest).mean_rps == Decimal(6)
    assert AuditEvent.objects.filter(verb="describe", subject="feature:chatbot").count() == 2


def test_what_cannot_be_read_is_refused_field_by_field() -> None:
    with pytest.raises(Invalid) as refused:
        workloads.read(given=PLAIN | {"load": "-1", "latency_ms": "0"})

    assert set(refused.value.fields) == {"load", "latency_ms"}


def test_strangers_see_nothing_and_finance_may_only_look(
    feature: Feature, stranger: User, controller: User, noon: datetime, asker: Actor
) -> None:
    with pytest.raises(NotFound):
        describe(actor_of(stranger), feature, noon)
    with pytest.raises(NotAllowed):
        describe(actor_of(controller), feature, noon)
    describe(asker, feature, noon)
    with pytest.raises(NotFound):
        advice.recommend(actor=actor_of(stranger), feature=feature, now=noon)

    assert WorkloadRow.objects.count() == 1
    assert not queries.workloads(actor=actor_of(stranger)).exists()
    assert queries.workloads(actor=actor_of(controller)).count() == 1


def test_a_key_without_the_scope_may_not_ask_for_advice(
    feature: Feature, member: User, noon: datetime
) -> None:
    person = actor_of(member)
    key = Actor(
        name="key", team_roles=person.team_roles, scopes=frozenset({Scope.READ}), api_key_id=None
    )

    with pytest.raises(NotAllowed):
        describe(key, feature, noon)


def test_nothing_described_is_nothing_to_compare(
    asker: Actor, feature: Feature, noon: datetime
) -> None:
    with pytest.raises(advice.NoWorkload, match="Describe the workload"):
        advice.recommend(actor=asker, feature=feature, now=noon)


def test_a_recommendation_keeps_the_options_as_they_were(
    asker: Actor, feature: Feature, noon: datetime, priced: None
) -> None:
    describe(asker, feature, noon)

    made = advice.recommend(actor=asker, feature=feature, now=noon)

    kept = Recommendation.objects.get(pk=made.pk)
    options = queries.options_of(kept)
    assert kept.pick == options[0].option_id
    pick = queries.pick_of(kept)
    assert pick is not None
    assert pick.cost.expected_usd is not None
    assert pick.cost.lines[0].as_of is not None
    assert pick.summary in kept.explanation[0]
    assert queries.outdated(kept, now=noon) == ()


def test_without_prices_every_option_needs_a_quote_and_none_is_picked(
    asker: Actor, feature: Feature, noon: datetime
) -> None:
    describe(asker, feature, noon)

    made = advice.recommend(actor=asker, feature=feature, now=noon)

    assert made.pick == ""
    assert all(body["cost"]["expected_usd"] is None for body in made.options)


def test_a_recommendation_older_than_its_prices_or_its_workload_says_so(
    asker: Actor,
    feature: Feature,
    noon: datetime,
    priced: None,
    platform_engineer: User,
) -> None:
    describe(asker, feature, noon)
    made = advice.recommend(actor=asker, feature=feature, now=noon)
    price_usecases.enter_quote(
        actor=actor_of(platform_engineer),
        region="us-east-1",
        sku=QUOTE_SKU,
        usd=Decimal(20),
        source="Example quote",
        as_of=noon.date(),
        is_example=True,
        now=noon + timedelta(hours=1),
    )
    describe(asker, feature, noon + timedelta(hours=2), load="7")

    said = queries.outdated(made, now=noon + timedelta(hours=3))

    assert "for version 1, the newest is 2" in said[0]
    assert QUOTE_SKU in said[1]
    newer = advice.recommend(actor=asker, feature=feature, now=noon + timedelta(hours=3))
    assert queries.outdated(newer, now=noon + timedelta(hours=3)) == ()
    assert queries.newest_recommendation(feature=feature) == newer


def test_an_entered_quote_prices_provisioned_throughput(
    asker: Actor, feature: Feature, noon: datetime, priced: None, platform_engineer: User
) -> None:
    describe(asker, feature, noon)
    option_id = "bedrock-provisioned/amazon.nova-micro-v1:0/none"
    before = queries.option_of(advice.recommend(actor=asker, feature=feature, now=noon), option_id)
    price_usecases.enter_quote(
        actor=actor_of(platform_engineer),
        region="us-east-1",
        sku=QUOTE_SKU,
        usd=Decimal(10),
        source="Example quote",
        as_of=noon.date(),
        is_example=True,
        now=noon,
    )

    after = queries.option_of(advice.recommend(actor=asker, feature=feature, now=noon), option_id)

    assert before.verdict.value == "needs-quote"
    assert after.verdict.value == "feasible"
    assert after.cost.expected_usd == after.size.model_units * Decimal(10) * 730
    assert after.cost.lines[0].is_example
