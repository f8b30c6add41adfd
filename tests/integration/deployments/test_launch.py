"""Who may launch what, with which money, and what happens when it is asked twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing.models import Reservation
from billing.usecases.reservations import OverBudget
from deployments.domain.lifecycle import State
from deployments.domain.options import Tier
from deployments.models import Deployment, Resource, TrafficRun
from deployments.usecases import launch, operate
from portal.access import SYSTEM, Actor
from portal.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from portal.models import AuditEvent
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_launch_writes_rows_holds_money_and_is_audited(
    drill: Drill, actor_of_lead: Actor
) -> None:
    deployment = drill.launch(option(Tier.LAMBDA_BEDROCK), actor=actor_of_lead)

    assert deployment.slug == "chatbot-production"
    assert deployment.state == State.PENDING
    assert Resource.objects.count() == 7
    due = Resource.objects.due(drill.clock.now)
    assert set(due.values_list("key", flat=True)) == {"profile", "logs"}
    held = Reservation.objects.get(released_at=None)
    assert (held.deployment, held.monthly_usd) == ("chatbot-production", Decimal(100))
    audited = AuditEvent.objects.get(verb="launch")
    assert audited.subject == "deployment:chatbot-production"
    assert audited.detail["tier"] == "lambda-bedrock"


def test_a_preview_shows_calls_permissions_and_money_and_touches_nothing(
    drill: Drill, actor_of_member: Actor
) -> None:
    chosen = option(Tier.LAMBDA_BEDROCK, broken=("latency",))
    plan = launch.preview(
        actor=actor_of_member,
        feature=drill.feature,
        recommendation=drill.recommendation(chosen),
        option_id=chosen.option_id,
        environment="staging",
        now=drill.clock.now,
    )

    assert plan.slug == "chatbot-staging"
    assert plan.calls[0].operation == "CreateInferenceProfile"
    assert plan.consent.fits
    assert [check.name for check in plan.acceptable] == ["latency"]
    assert plan.may_launch
    assert {each.sid for each in plan.permissions} >= {"CallTheProfile", "WriteItsLog"}
    assert not Deployment.objects.exists()
    assert not Reservation.objects.exists()


def test_a_launch_over_the_budget_is_refused_with_the_figures_and_leaves_nothing(
    drill: Drill,
) -> None:
    with pytest.raises(OverBudget, match=r"12,000\.00 USD"):
        drill.launch(option(Tier.BEDROCK_PROVISIONED, monthly_usd=Decimal(12_000)))

    assert not Deployment.objects.exists()
    assert not Resource.objects.exists()
    assert not Reservation.objects.exists()


def test_the_same_launch_again_is_the_same_deployment(drill: Drill) -> None:
    chosen = option(Tier.BEDROCK_ON_DEMAND)
    found = drill.recommendation(chosen)
    asked = {
        "actor": SYSTEM,
        "feature": drill.feature,
        "recommendation_id": found.pk,
        "option_id": chosen.option_id,
        "environment": "production",
        "now": drill.clock.now,
    }
    first = launch.launch(**asked, slug="chatbot-eu")

    assert launch.launch(**asked, slug="chatbot-eu") == first
    assert launch.launch(**asked) == first
    assert Deployment.objects.count() == 1
    assert AuditEvent.objects.filter(verb="launch").count() == 1


def test_one_environment_holds_one_deployment(drill: Drill) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    with pytest.raises(Conflict, match="already serves in production"):
        drill.launch(option(Tier.LAMBDA_BEDROCK))
    drill.launch(option(Tier.LAMBDA_BEDROCK), environment="staging")


def test_after_a_retirement_the_next_launch_has_a_name_of_its_own(drill: Drill) -> None:
    first = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    operate.retire(actor=SYSTEM, deployment=first, now=drill.clock.now)
    drill.run()

    second = drill.launch(option(Tier.BEDROCK_ON_DEMAND))

    assert second.slug == "chatbot-production-2"
    with pytest.raises(Conflict, match="used before"):
        drill.launch(option(Tier.BEDROCK_ON_DEMAND), environment="staging", slug=first.slug)


def test_a_hard_constraint_can_never_be_accepted(drill: Drill) -> None:
    chosen = option(Tier.BEDROCK_ON_DEMAND, broken=("quota", "latency"))
    with pytest.raises(launch.NotLaunchable, match="quota does not hold"):
        drill.launch(chosen, accept=("latency",))
    with pytest.raises(Invalid) as refused:
        drill.launch(chosen, accept=("latency", "quota"))
    assert "accept" in refused.value.fields


def test_a_soft_constraint_is_launched_only_when_it_is_named(drill: Drill) -> None:
    chosen = option(Tier.BEDROCK_ON_DEMAND, broken=("latency",))
    with pytest.raises(launch.NotLaunchable, match="accept: latency"):
        drill.launch(chosen)
    drill.launch(chosen, accept=("latency",))
    assert AuditEvent.objects.get(verb="launch").detail["accept"] == ["latency"]


@pytest.mark.parametrize("slug", ["Chatbot", "-chat", "chat--bot", "1chat", "c" * 41, "chat_bot"])
def test_a_short_name_that_aws_would_not_take_is_refused(drill: Drill, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        drill.launch(option(Tier.BEDROCK_ON_DEMAND), slug=slug)
    assert "slug" in refused.value.fields


def test_an_unknown_environment_option_or_recommendation_is_refused(drill: Drill) -> None:
    chosen = option(Tier.BEDROCK_ON_DEMAND)
    with pytest.raises(Invalid):
        drill.launch(chosen, environment="moon")
    asked = {
        "actor": SYSTEM,
        "feature": drill.feature,
        "environment": "production",
        "now": drill.clock.now,
    }
    found = drill.recommendation(chosen)
    with pytest.raises(NotFound):
        launch.launch(**asked, recommendation_id=found.pk, option_id="lambda-bedrock/none")
    with pytest.raises(NotFound):
        launch.launch(**asked, recommendation_id=found.pk + 99, option_id=chosen.option_id)


def test_strangers_see_nothing_and_members_may_only_look(
    drill: Drill, actor_of_stranger: Actor, actor_of_member: Actor
) -> None:
    with pytest.raises(NotFound):
        drill.launch(option(Tier.BEDROCK_ON_DEMAND), actor=actor_of_stranger)
    with pytest.raises(NotAllowed):
        drill.launch(option(Tier.BEDROCK_ON_DEMAND), actor=actor_of_member)
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    for act in (operate.retire, operate.retry):
        with pytest.raises(NotFound):
            act(actor=actor_of_stranger, deployment=deployment, now=drill.clock.now)
        with pytest.raises(NotAllowed):
            act(actor=actor_of_member, deployment=deployment, now=drill.clock.now)
    with pytest.raises(NotFound):
        operate.resize(actor=actor_of_stranger, deployment=deployment, size={}, now=drill.clock.now)


def test_a_resize_over_the_budget_changes_nothing(drill: Drill) -> None:
    chosen = option(Tier.SAGEMAKER_SERVERLESS, monthly_usd=Decimal(9_000))
    deployment = drill.launch(chosen)
    drill.run()
    with pytest.raises(OverBudget):
        operate.resize(
            actor=SYSTEM, deployment=deployment, size={"memory_mb": 6144}, now=drill.clock.now
        )
    assert deployment.generations.count() == 1
    assert Reservation.objects.get(released_at=None).monthly_usd == Decimal(9_000)


def test_a_resize_holds_the_new_cost_and_a_retirement_frees_it_when_all_is_gone(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_SERVERLESS))
    drill.run()
    operate.resize(
        actor=SYSTEM, deployment=deployment, size={"memory_mb": 2048}, now=drill.clock.now
    )
    drill.run()
    held = Reservation.objects.get(released_at=None)
    assert held.monthly_usd == Decimal(50)

    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    assert Reservation.objects.filter(released_at=None).exists()
    drill.run()
    assert not Reservation.objects.filter(released_at=None).exists()
    assert AuditEvent.objects.filter(verb="retire").count() == 1
    assert AuditEvent.objects.filter(verb="retired").count() == 1
    with pytest.raises(Conflict):
        operate.resize(
            actor=SYSTEM, deployment=deployment, size={"memory_mb": 1024}, now=drill.clock.now
        )


@pytest.mark.parametrize(
    ("tier", "smaller"),
    [(Tier.SAGEMAKER_REAL_TIME, {"instances": 1}), (Tier.BEDROCK_PROVISIONED, {"model_units": 1})],
)
def test_a_smaller_size_frees_money_only_when_nothing_larger_runs(
    drill: Drill, tier: Tier, smaller: dict[str, int]
) -> None:
    deployment = drill.launch(option(tier))
    drill.run()
    before = Reservation.objects.get(released_at=None).monthly_usd

    operate.resize(actor=SYSTEM, deployment=deployment, size=smaller, now=drill.clock.now)
    assert Reservation.objects.get(released_at=None).monthly_usd == before
    drill.run()

    after = Reservation.objects.get(released_at=None).monthly_usd
    assert after < before
    assert after == deployment.generations.last().monthly_usd


def test_a_larger_size_is_held_at_once_and_stays_held(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    operate.resize(
        actor=SYSTEM, deployment=deployment, size={"model_units": 3}, now=drill.clock.now
    )
    held = Reservation.objects.get(released_at=None).monthly_usd
    assert held == deployment.generations.last().monthly_usd
    drill.run()
    assert Reservation.objects.get(released_at=None).monthly_usd == held


def test_committed_units_are_held_beside_those_bought_in_their_place(drill: Drill) -> None:
    committed = replace(option(Tier.BEDROCK_PROVISIONED, term="one-month"), commitment_months=1)
    deployment = drill.launch(committed)
    drill.run()
    before = Reservation.objects.get(released_at=None).monthly_usd
    operate.resize(
        actor=SYSTEM, deployment=deployment, size={"model_units": 1}, now=drill.clock.now
    )
    held = Reservation.objects.get(released_at=None).monthly_usd
    assert held == before + deployment.generations.last().monthly_usd


def test_a_retirement_stops_the_traffic_that_is_being_played(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    run = TrafficRun.objects.create(
        deployment=deployment, load_seconds=60, speed=1, created_at=drill.clock.now
    )
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    run.refresh_from_db()
    assert run.stop_requested


def test_the_same_size_and_a_retry_of_nothing_are_conflicts(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    with pytest.raises(Conflict, match="already"):
        operate.resize(
            actor=SYSTEM, deployment=deployment, size={"model_units": 2}, now=drill.clock.now
        )
    with pytest.raises(Conflict, match="Nothing"):
        operate.retry(actor=SYSTEM, deployment=deployment, now=drill.clock.now)


def test_two_launches_at_once_make_one_deployment(drill: Drill) -> None:
    found = drill.recommendation(option(Tier.BEDROCK_ON_DEMAND), option(Tier.LAMBDA_BEDROCK))
    results = _at_once(
        *(
            lambda chosen=chosen: launch.launch(
                actor=SYSTEM,
                feature=drill.feature,
                recommendation_id=found.pk,
                option_id=chosen["option_id"],
                environment="production",
                now=drill.clock.now,
            )
            for chosen in found.options
        )
    )

    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Deployment"]
    assert Deployment.objects.count() == 1
    assert Reservation.objects.filter(released_at=None).count() == 1


def test_two_workers_racing_for_one_resource_make_it_once(drill: Drill) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    pk = drill.resource("throughput").pk
    results = _at_once(*[lambda: drill.step(pk)] * 6)

    assert sorted(results)[:5] == ["busy"] * 5
    assert drill.cloud.made.total() == 1


def test_many_workers_over_one_deployment_end_where_one_worker_ends(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))

    def work() -> None:
        for _ in range(40):
            drill.sweep()
            drill.cloud.settle()

    for _ in range(4):
        _at_once(work, work, work)
        drill.clock.now += timedelta(seconds=60)
    drill.run()

    assert Deployment.objects.get(pk=deployment.pk).state == State.READY
    assert set(drill.cloud.made.values()) == {1}


def _at_once(*calls):
    """Run calls in threads that begin together; return what each gave or which refusal it met."""
    together = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def run(place: int) -> None:
        together.wait()
        try:
            results[place] = calls[place]()
        except Refusal as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
