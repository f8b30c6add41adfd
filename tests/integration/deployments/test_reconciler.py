"""Wishes become AWS objects, once, however often and badly they are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from billing.models import Reservation
from deployments import reconciler
from deployments.domain.lifecycle import Observed, Phase, State
from deployments.domain.options import LAUNCHABLE, Tier
from deployments.domain.target import Wish
from deployments.models import Span
from deployments.reconciler.claims import claim, give_back
from deployments.usecases import operate
from portal.access import SYSTEM
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill, state

pytestmark = pytest.mark.django_db(transaction=True)


TIERS = sorted(LAUNCHABLE)


@pytest.mark.parametrize("tier", TIERS)
def test_a_launch_becomes_ready_and_a_retirement_leaves_nothing(drill: Drill, tier: Tier) -> None:
    deployment = drill.launch(option(tier))
    drill.run()
    assert state(deployment) == State.READY
    assert set(drill.cloud.made.values()) == {1}

    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    assert state(deployment) == State.RETIRING
    drill.run()

    assert state(deployment) == State.RETIRED
    assert drill.cloud.things == {}
    assert not Reservation.objects.filter(released_at=None).exists()
    assert not Span.objects.filter(ended_at=None).exists()


def test_dependencies_come_first_and_go_last(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.LAMBDA_BEDROCK))
    drill.run()
    created = [name for verb, name in drill.cloud.calls if verb == "create"]
    assert [name.rpartition("-")[2] for name in created] == [
        "profile", "function", "role", "function", "version", "alias", "url",
    ]  # fmt: skip

    drill.cloud.calls.clear()
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run()
    ended = [name.rpartition("-")[2] for verb, name in drill.cloud.calls if verb == "delete"]
    assert ended[:4] == ["url", "alias", "version", "function"]
    assert ended.index("role") < ended.index("profile")


def test_what_waits_for_a_resource_is_due_when_it_is_ready(drill: Drill) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    for key in ("profile", "logs"):
        while drill.resource(key).phase != Phase.READY:
            drill.step(drill.resource(key).pk)

    assert drill.resource("role").wake_at <= drill.clock.now


def test_a_doubled_message_builds_nothing_twice(drill: Drill) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    pk = drill.resource("throughput").pk

    assert [drill.step(pk), drill.step(pk), drill.step(pk)] == ["create", "busy", "busy"]

    assert drill.cloud.made.total() == 1


def test_a_crash_after_create_builds_nothing_twice(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    resource = drill.resource("throughput")
    # A worker leases the row, makes the object, and dies before it can write anything down.
    claim(resource_id=resource.pk, now=drill.clock.now)
    target = drill.cloud.target_for(resource.kind)
    target.create(Wish(resource.name, resource.spec))

    assert drill.step(resource.pk) == "busy"
    drill.clock.forward(settings.LEASE_SECONDS + 1)
    drill.run(rounds=3)

    assert drill.cloud.made.total() == 1
    assert state(deployment) == State.READY


@pytest.mark.parametrize("tier", TIERS)
def test_lost_answers_build_nothing_twice_and_leave_nothing(drill: Drill, tier: Tier) -> None:
    deployment = drill.launch(option(tier))
    with drill.cloud.losing_answers():
        drill.run(rounds=30)
        assert state(deployment) == State.READY
        operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
        drill.run(rounds=30)

    assert set(drill.cloud.made.values()) == {1}
    assert drill.cloud.things == {}
    assert state(deployment) == State.RETIRED


def test_a_wish_made_during_the_work_is_not_lost(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    resource = drill.resource("throughput")

    class RetiredMeanwhile:
        """A cloud that is slow enough for a person to change their mind."""

        def __init__(self) -> None:
            self.target = drill.cloud.target_for(resource.kind)

        def observe(self, wish: Wish) -> Observed | None:
            return self.target.observe(wish)

        def create(self, wish: Wish) -> None:
            self.target.create(wish)
            drill.clock.forward(1)
            operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)

    reconciler.reconcile(
        resource_id=resource.pk, clock=drill.clock, find=lambda kind: RetiredMeanwhile()
    )

    resource.refresh_from_db()
    assert not resource.is_wanted
    assert resource.wake_at is not None
    assert resource.wake_at <= drill.clock.now
    drill.run()
    assert drill.cloud.things == {}
    assert state(deployment) == State.RETIRED


def test_a_wish_made_while_the_last_step_is_settled_is_not_lost(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    resource = drill.resource("profile")
    held = claim(resource_id=resource.pk, now=drill.clock.now)
    drill.clock.forward(1)
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)

    later = drill.clock.now + timedelta(hours=1)
    assert give_back(held=held, now=drill.clock.now, wake_at=later, phase=Phase.READY)

    resource.refresh_from_db()
    assert resource.wake_at == drill.clock.now
