"""What runs is changed, replaced, and made again when somebody took it away."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from deployments import reconciler
from deployments.domain.lifecycle import Observed, Phase, State
from deployments.domain.options import Tier
from deployments.domain.target import Permanent, Wish
from deployments.models import Resource, Span
from deployments.reconciler.claims import Busy, claim, give_back
from deployments.usecases import operate
from portal.access import SYSTEM
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill, state

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_deleted_behind_our_back_is_made_again(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    drill.run()
    drill.cloud.things.clear()
    drill.run(rounds=20)

    assert state(deployment) == State.READY
    assert len(drill.cloud.things) == 1


def test_a_lost_lease_writes_nothing(drill: Drill) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    row = drill.resource("profile")
    slow = claim(resource_id=row.pk, now=drill.clock.now)
    drill.clock.forward(settings.LEASE_SECONDS + 1)
    quick = claim(resource_id=row.pk, now=drill.clock.now)

    assert not give_back(held=slow, now=drill.clock.now, wake_at=None, phase=Phase.FAILED)
    assert give_back(held=quick, now=drill.clock.now, wake_at=None, phase=Phase.READY)

    row.refresh_from_db()
    assert row.phase == Phase.READY
    with pytest.raises(Busy):
        claim(resource_id=row.pk, now=drill.clock.now)


def test_a_bigger_endpoint_is_the_same_endpoint(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    drill.run()
    operate.resize(
        actor=SYSTEM,
        deployment=deployment,
        size={"instances": 3, "max_instances": 5},
        now=drill.clock.now,
    )
    drill.run()

    deployment.refresh_from_db()
    assert deployment.state == State.READY
    assert deployment.current.number == 2
    assert deployment.current.option["size"]["instances"] == 3
    assert drill.resource("endpoint").name.endswith("-g1-endpoint")
    assert Counter(drill.cloud.made.values()) == {1: 7}
    spans = list(Span.objects.order_by("pk"))
    assert [span.capacity for span in spans] == [2, 3]
    assert spans[0].ended_at == spans[1].started_at


def test_other_model_units_are_a_new_generation_and_the_old_one_serves_until_then(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    operate.resize(
        actor=SYSTEM, deployment=deployment, size={"model_units": 3}, now=drill.clock.now
    )
    drill.sweep()
    deployment.refresh_from_db()
    assert deployment.state == State.UPDATING
    assert deployment.current.number == 1
    assert len(drill.cloud.things) == 2

    drill.run()
    deployment.refresh_from_db()
    assert deployment.state == State.READY
    assert deployment.current.number == 2
    assert [name for _, name in drill.cloud.things] == ["slipway-chatbot-production-g2-throughput"]


def test_the_old_generation_stays_when_the_new_one_fails(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    drill.cloud.refuse(
        "bedrock.provisioned-throughput",
        "create",
        Permanent("quota", code="ServiceQuotaExceededException"),
    )
    operate.resize(
        actor=SYSTEM, deployment=deployment, size={"model_units": 3}, now=drill.clock.now
    )
    drill.run()

    deployment.refresh_from_db()
    assert deployment.state == State.FAILED
    assert deployment.current.number == 1
    assert drill.resource("throughput", generation=1).phase == Phase.READY


def test_paid_time_is_followed_from_first_sight_to_the_end(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    span = Span.objects.get()
    assert span.capacity == Decimal(2)
    assert span.sku == "bedrock-pt:amazon.nova-lite-v1:0:none:unit-second"
    assert span.seen_until > span.started_at

    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.sweep()
    span.refresh_from_db()
    assert span.ended_at == drill.clock.now


def test_every_row_that_is_not_at_its_end_wakes_again(drill: Drill) -> None:
    drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    for _ in range(5):
        drill.sweep()
        asleep = Resource.objects.filter(wake_at=None)
        assert all(each.phase in (Phase.GONE, Phase.FAILED) for each in asleep)
        drill.cloud.settle()
        drill.clock.forward(30)


def test_the_clock_of_a_lease_is_renewed_before_the_effect(
    drill: Drill,
) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    row = drill.resource("throughput")
    seen = {}

    class Watched:
        def __init__(self) -> None:
            self.target = drill.cloud.target_for(row.kind)

        def observe(self, wish: Wish) -> Observed | None:
            drill.clock.forward(50)
            return self.target.observe(wish)

        def create(self, wish: Wish) -> None:
            seen["row"] = Resource.objects.get(pk=row.pk)
            self.target.create(wish)

    reconciler.reconcile(resource_id=row.pk, clock=drill.clock, find=lambda kind: Watched())

    assert seen["row"].phase == Phase.CREATING  # the intent is on record before the effect
    assert seen["row"].leased_until > row.created_at + timedelta(seconds=100)


def test_a_size_that_aws_refuses_in_place_leaves_what_serves_and_is_retried_in_place(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    drill.run()
    drill.cloud.refuse(
        "sagemaker.endpoint",
        "update",
        Permanent("The account-level service limit is 2.", code="ResourceLimitExceeded"),
    )
    operate.resize(actor=SYSTEM, deployment=deployment, size={"instances": 3}, now=drill.clock.now)
    drill.sweep()
    assert state(deployment) == State.FAILED
    assert Span.objects.get().ended_at is None  # it is still paid for, so it is still looked at

    operate.retry(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run()

    deployment.refresh_from_db()
    assert deployment.state == State.READY
    assert deployment.generations.count() == 2
    assert drill.resource("endpoint").name.endswith("-g1-endpoint")
    assert list(Span.objects.order_by("pk").values_list("capacity", flat=True)) == [2, 3]
