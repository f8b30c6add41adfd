"""Wishes become AWS objects, whatever goes wrong on the way."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from billing.models import Reservation
from deployments import reconciler
from deployments.domain.lifecycle import Observed, Phase, State
from deployments.domain.options import LAUNCHABLE, Tier
from deployments.domain.target import Permanent, Transient, Wish
from deployments.models import Deployment, Event, Resource, Span
from deployments.reconciler.claims import Busy, claim, give_back
from deployments.usecases import operate
from portal.access import SYSTEM
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
TIERS = sorted(LAUNCHABLE)


def state(deployment: Deployment) -> str:
    return Deployment.objects.get(pk=deployment.pk).state


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


def test_could_not_see_is_never_gone(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.cloud.refuse(
        "bedrock.provisioned-throughput",
        "observe",
        *[Transient("Connection timed out", code="ReadTimeoutError")] * 5,
    )
    drill.sweep()
    for _ in range(4):
        drill.clock.forward(600)
        drill.sweep()

    assert drill.resource("throughput").phase != Phase.GONE
    assert state(deployment) == State.RETIRING
    drill.run()
    assert drill.cloud.things == {}
    assert drill.resource("throughput").phase == Phase.GONE


def test_not_allowed_to_see_is_never_gone_either(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.cloud.refuse(
        "bedrock.provisioned-throughput", "observe", Permanent("No.", code="AccessDenied")
    )
    drill.sweep()

    row = drill.resource("throughput")
    assert row.phase == Phase.DELETING
    assert row.wake_at is not None
    assert Span.objects.filter(ended_at=None).exists()
    drill.run(rounds=20)
    assert drill.cloud.things == {}


def test_an_absence_of_what_was_just_made_is_believed_at_the_second_look(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    row = drill.resource("throughput")
    drill.cloud.hidden.add((row.kind, row.name))  # AWS does not show it yet
    drill.step(row.pk)
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.sweep()
    assert drill.resource("throughput").phase == Phase.CREATING

    drill.cloud.hidden.clear()
    drill.run()

    assert drill.cloud.things == {}
    assert state(deployment) == State.RETIRED


def test_throttling_waits_longer_each_time_and_then_goes_on(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    refusal = Transient("Rate exceeded", code="ThrottlingException")
    drill.cloud.refuse("bedrock.inference-profile", "observe", *[refusal] * 4)
    pauses = []
    for _ in range(4):
        row = drill.resource("profile")
        drill.clock.now = max(drill.clock.now, row.wake_at)
        drill.sweep()
        pauses.append(drill.resource("profile").wake_at - drill.clock.now)

    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]
    assert Event.objects.filter(kind="refused").count() == 1
    event = Event.objects.get(kind="refused")
    assert (event.words, bool(event.meaning), bool(event.advice)) == ("Rate exceeded", True, True)
    drill.run()
    assert state(deployment) == State.READY
    assert drill.resource("profile").code == ""


def test_a_refused_wish_shows_aws_words_meaning_and_advice_and_can_be_retried(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    words = "The account-level quota of 0 model units is exceeded."
    drill.cloud.refuse(
        "bedrock.provisioned-throughput",
        "create",
        Permanent(words, code="ServiceQuotaExceededException"),
    )
    drill.run()
    assert state(deployment) == State.FAILED
    event = Event.objects.get(kind="refused")
    assert event.words == words
    assert "quota" in event.meaning
    assert "Service Quotas" in event.advice

    operate.retry(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run()

    assert state(deployment) == State.READY


def test_what_failed_in_aws_is_retried_beside_and_the_failed_one_is_taken_down(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    drill.sweep()
    drill.cloud.fail("sagemaker.endpoint", "Unable to provision: InsufficientInstanceCapacity")
    drill.clock.forward(60)
    drill.sweep()
    assert state(deployment) == State.FAILED
    assert "no free instance" in Event.objects.filter(kind="failed").get().meaning
    assert drill.cloud.things  # what exists stays visible

    operate.retry(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run(rounds=20)

    assert state(deployment) == State.READY
    assert all("-g2-" in name for _, name in drill.cloud.things)


def test_a_failed_launch_is_cleaned_up_by_retiring_it(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    drill.sweep()
    drill.cloud.fail("sagemaker.endpoint", "did not pass the ping health check")
    drill.clock.forward(60)
    drill.sweep()

    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run(rounds=20)

    assert drill.cloud.things == {}
    assert state(deployment) == State.RETIRED


def test_what_another_made_under_our_name_is_neither_taken_over_nor_deleted(
    drill: Drill,
) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    row = drill.resource("profile")
    theirs = {**row.spec, "tags": {"owner": "somebody else"}}
    drill.cloud.target_for(row.kind).create(Wish(row.name, theirs))
    drill.run()
    assert state(deployment) == State.FAILED
    assert "did not make" in Event.objects.filter(kind="failed").get().meaning

    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run()

    assert state(deployment) == State.RETIRED
    assert len(drill.cloud.things) == 1


def test_taking_down_never_gives_up(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    words = "A Provisioned Throughput with a commitment cannot be deleted before its term ends."
    drill.cloud.refuse(
        "bedrock.provisioned-throughput",
        "delete",
        *[Permanent(words, code="ValidationException")] * 3,
    )
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.sweep()
    assert drill.resource("throughput").code == "ValidationException"
    assert "paid" in Event.objects.filter(kind="refused").get().meaning

    drill.run(rounds=60)

    assert drill.cloud.things == {}
    assert state(deployment) == State.RETIRED


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
