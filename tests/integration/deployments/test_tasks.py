"""Messages are hints: doubled, lost or without a broker, the rows say what is to be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from kombu.exceptions import OperationalError

from deployments import tasks
from deployments.domain.options import Tier
from deployments.models import Resource
from deployments.usecases import metering
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)


class NoBroker:
    """A task whose message reaches nobody."""

    def __init__(self) -> None:
        self.asked = 0

    def apply_async(self, **_: object) -> None:
        self.asked += 1
        raise OperationalError("Connection refused")


def test_without_a_broker_a_wish_is_still_a_wish(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = NoBroker()
    monkeypatch.setattr(tasks, "reconcile", broken)
    deployment = drill.launch(option(Tier.BEDROCK_ON_DEMAND))

    tasks.nudge(deployment)

    assert broken.asked == 1
    drill.run()
    assert drill.resource("profile").phase == "ready"


def test_a_message_for_what_is_not_due_does_nothing(drill: Drill, eager_tasks: None) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    drill.run()
    Resource.objects.update(wake_at=datetime.now(UTC) + timedelta(hours=1))
    before = Resource.objects.values().get()

    assert tasks.reconcile(resource_id=before["id"]) == "busy"
    assert tasks.reconcile(resource_id=987654321) == "busy"
    assert Resource.objects.values().get() == before


def test_an_unreachable_aws_is_waited_for(drill: Drill, eager_tasks: None) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))

    tasks.nudge(deployment)

    row = drill.resource("throughput")
    assert row.phase == "pending"
    assert row.attempts == 1
    assert row.code == "EndpointConnectionError"
    assert row.wake_at > drill.clock.now


def test_the_sweep_takes_up_what_no_message_was_sent_for(drill: Drill, eager_tasks: None) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    assert tasks.reconcile_due() == 1
    assert drill.resource("throughput").attempts == 1


def test_metering_an_installation_without_anything_books_nothing(drill: Drill) -> None:
    assert metering.meter(now=drill.clock.now) == 0
