"""Capacity plans as rows: who may, what is kept, and what a measured endpoint changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.usecases import prices as price_usecases
from deployments.domain.records import option_to_json
from deployments.models import CapacityPlan, Deployment, Generation, LoadPoint, TrafficRun
from deployments.queries import capacity as queries
from deployments.usecases import capacity, workloads
from portal.access import Actor, Scope
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Feature, Team, User
from tests.fixtures.people import actor_of
from tests.unit.deployments.advice_facts import PLAIN, ask, of_scenario

pytestmark = pytest.mark.django_db(transaction=True)

ASKED: dict[str, Any] = {
    "model": "Llama-3-8B",
    "mean_rps": "2",
    "peak_rps": "6",
    "input_tokens_mean": "500",
    "output_tokens_mean": "100",
    "latency_ms": "6000",
    "precisions": ["fp8"],
    "instance_types": ["ml.p5.4xlarge"],
}


@pytest.fixture
def asker(member: User) -> Actor:
    return actor_of(member)


@pytest.fixture
def made(asker: Actor, feature: Feature, noon: datetime) -> CapacityPlan:
    price_usecases.load_list(now=noon - timedelta(days=1))
    return plan(asker, feature, noon)


def plan(actor: Actor, feature: Feature, now: datetime, **changes: Any) -> CapacityPlan:
    request = capacity.read_request(given=ASKED | changes, now=now)
    return capacity.plan_capacity(
        actor=actor, team=feature.team, feature=feature, request=request, now=now
    )


def endpoint(feature: Feature, made: CapacityPlan, now: datetime, **changes: Any) -> Deployment:
    """An endpoint that runs the plan's pick, with a traffic run of a minute through it."""
    pick = queries.plan_of(made).pick
    assert pick is not None
    option = next(
        each
        for each in ask(of_scenario("tuned-model")).options
        if each.tier.value == "sagemaker-real-time"
    )
    runs = replace(
        option,
        size=replace(option.size, instance_type=pick.instance_type, instances=2),
        extra={
            "precision": str(changes.get("precision", pick.precision)),
            "tensor_parallel": str(pick.tensor_parallel),
        },
    )
    found = Deployment.objects.create(
        feature=feature, slug="chatbot-staging", environment="staging", created_at=now
    )
    found.current = Generation.objects.create(
        deployment=found,
        number=1,
        option=option_to_json(runs),
        tier="sagemaker-real-time",
        model="custom",
        monthly_usd=Decimal(1),
        created_at=now,
        created_by="test",
    )
    found.save(update_fields=["current"])
    TrafficRun.objects.create(
        deployment=found,
        load_seconds=60,
        speed=Decimal(1),
        answered=changes.get("answered", 240),
        latency_ms={"p50": 3000, "p95": 3300, "p99": 3600},
        created_at=now,
        created_by="test",
        started_at=now - timedelta(seconds=60),
        ended_at=now,
    )
    return found


def test_a_plan_is_kept_as_it_was_with_its_prices_and_a_word_in_the_audit(
    made: CapacityPlan, feature: Feature
) -> None:
    kept = CapacityPlan.objects.get()

    assert queries.plan_of(kept) == queries.plan_of(made)
    assert queries.request_of(kept).architecture.name == "Llama-3-8B"
    assert kept.prices_as_of == made.prices_as_of
    said = AuditEvent.objects.get(verb="plan-capacity")
    assert said.subject == "feature:chatbot"
    assert "ml.p5.4xlarge at fp8" in said.sentence


def test_nobody_plans_or_measures_for_a_team_that_is_not_theirs(
    asker: Actor, made: CapacityPlan, feature: Feature, stranger: User, controller: User,
    noon: datetime,
) -> None:  # fmt: skip
    key = Actor(name="key", team_roles=asker.team_roles, scopes=frozenset({Scope.READ}))
    point = capacity.read_point(
        given={
            "architecture": "Llama-3-8B", "accelerator": "H100-80", "precision": "fp8",
            "engine": "vllm", "input_tokens": 500, "output_tokens": 100, "concurrency": 4,
            "tpot_ms": 9,
        },
        now=noon,
    )  # fmt: skip

    for actor, refusal in (
        (actor_of(stranger), NotFound),
        (actor_of(controller), NotAllowed),
        (key, NotAllowed),
        (Actor(name="nobody"), NotFound),
    ):
        with pytest.raises(refusal):
            plan(actor, feature, noon)
        with pytest.raises(refusal):
            capacity.enter_load_point(actor=actor, team=feature.team, point=point, now=noon)
        with pytest.raises(refusal):
            capacity.plan_again(actor=actor, row=made, now=noon)
        with pytest.raises(refusal):
            capacity.measure_endpoint(
                actor=actor, row=made, configuration="x", deployment="y", now=noon
            )
    assert CapacityPlan.objects.count() == 1
    assert not LoadPoint.objects.exists()


def test_traffic_through_a_running_endpoint_recalibrates_its_plan(
    asker: Actor, made: CapacityPlan, feature: Feature, noon: datetime
) -> None:
    workloads.describe(actor=asker, feature=feature, workload=workloads.read(given=PLAIN), now=noon)
    running = endpoint(feature, made, noon)
    pick = queries.plan_of(made).pick
    assert pick is not None

    point, plans = capacity.measure_endpoint(
        actor=asker, row=made, configuration=pick.key, deployment=running.slug, now=noon
    )

    body = queries.point_of(point)
    assert point.origin == "endpoint"
    assert body.request_rate == pytest.approx(240 / 60 / (2 * pick.replicas_per_instance))
    assert (body.input_tokens, body.e2e_mean_ms, body.e2e_p99_ms) == (500.0, 3000.0, 3600.0)
    assert "through chatbot-staging, its median taken as the mean" in body.source
    (again,) = plans
    after = queries.configurations(queries.plan_of(again))[0]
    assert after.prediction.e2e_p50.value > pick.prediction.e2e_p50.value * 1.5
    assert "Measured here" in after.prediction.e2e_p99.basis
    assert queries.plan_of(CapacityPlan.objects.get(pk=made.pk)) == queries.plan_of(made)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"precision": "bf16"}, "The endpoint runs ml.p5.4xlarge at bf16"),
        ({"answered": 12}, "12 answers were measured; at least 100"),
    ],
)
def test_an_endpoint_that_says_nothing_about_the_plan_is_refused(
    asker: Actor, made: CapacityPlan, feature: Feature, noon: datetime,
    changes: dict[str, Any], words: str,
) -> None:  # fmt: skip
    workloads.describe(actor=asker, feature=feature, workload=workloads.read(given=PLAIN), now=noon)
    running = endpoint(feature, made, noon, **changes)
    key = queries.plan_of(made).finalists[0].key

    with pytest.raises(Invalid) as refused:
        capacity.measure_endpoint(
            actor=asker, row=made, configuration=key, deployment=running.slug, now=noon
        )

    assert words in refused.value.fields["deployment"]
    assert not LoadPoint.objects.exists()


def test_an_endpoint_of_another_team_is_not_found(
    made: CapacityPlan, platform_engineer: User, moderation_team: Team, feature: Feature,
    noon: datetime,
) -> None:  # fmt: skip
    other = Feature.objects.create(
        team=moderation_team, slug="moderation", name="Moderation", created_at=noon
    )
    running = endpoint(other, made, noon)

    with pytest.raises(NotFound):
        capacity.measure_endpoint(
            actor=actor_of(platform_engineer), row=made, configuration="x",
            deployment=running.slug, now=noon,
        )  # fmt: skip


def test_only_the_newest_of_the_same_plans_is_made_anew(
    asker: Actor, made: CapacityPlan, feature: Feature, noon: datetime
) -> None:
    newer = plan(asker, feature, noon + timedelta(hours=1))
    faster = plan(asker, feature, noon + timedelta(hours=2), latency_ms="5000")
    pick = queries.plan_of(made).pick
    assert pick is not None
    point = capacity.read_point(
        given={
            "architecture": "Llama-3-8B", "accelerator": pick.gpu, "precision": pick.precision,
            "engine": "vllm", "input_tokens": 500, "output_tokens": 100, "concurrency": 4,
            "tpot_ms": pick.prediction.tpot.value,
        },
        now=noon,
    )  # fmt: skip

    stale = queries.recalibrated_by(team=feature.team, point=point)

    assert [row.pk for row in stale] == [faster.pk, newer.pk]
    assert not queries.recalibrated_by(team=feature.team, point=replace(point, precision="bf16"))
    assert not queries.recalibrated_by(team=feature.team, point=replace(point, engine="sglang"))
