"""What AWS refuses, hides or fails to make is waited for, explained, and never leaked."""

from __future__ import annotations

import pytest

from deployments.domain.lifecycle import Phase, State
from deployments.domain.options import Tier
from deployments.domain.target import Permanent, Transient, Wish
from deployments.models import Event, Span
from deployments.usecases import operate
from portal.access import SYSTEM
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill, state

pytestmark = pytest.mark.django_db(transaction=True)


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
