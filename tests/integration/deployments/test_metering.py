"""What was used comes into the books once, from AWS's own counters and from what was seen."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from billing.models import Charge, UsageEvent, UsageRefusal, Watermark
from billing.usecases.prices import load_list
from deployments.adapters.targets import target_for
from deployments.domain.lifecycle import State
from deployments.domain.options import Tier
from deployments.models import Deployment, Span
from deployments.queries import operations
from deployments.reconciler import Busy, reconcile
from deployments.usecases import metering, operate
from portal import aws
from portal.access import SYSTEM
from portal.models import Feature
from tests.fixtures.options import NOVA, option
from tests.fixtures.servers import Sandbox
from tests.integration.deployments.drill import Clock, Drill

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def quantity(sku: str) -> Decimal:
    return UsageEvent.objects.filter(sku=sku).aggregate(total=Sum("quantity"))["total"] or Decimal(
        0
    )


def test_paid_time_is_booked_to_the_second_once_and_never_across_an_hour(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    for _ in range(150):
        drill.clock.forward(61)
        drill.sweep()
        metering.meter_time(now=drill.clock.now)
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run(rounds=2)
    metering.meter_time(now=drill.clock.now)
    assert metering.meter_time(now=drill.clock.now) == 0

    span = Span.objects.get()
    sku = f"bedrock-pt:{NOVA}:none:unit-second"
    seconds = Decimal(str((span.ended_at - span.started_at).total_seconds()))
    assert seconds > 3600
    assert quantity(sku) == 2 * seconds
    assert not UsageRefusal.objects.exists()
    for event in UsageEvent.objects.all():
        last = event.ended_at - timedelta(microseconds=1)
        assert event.started_at.replace(minute=0, second=0) == last.replace(
            minute=0, second=0, microsecond=0
        )


def test_a_new_size_is_booked_from_the_moment_it_was_seen(drill: Drill) -> None:
    deployment = drill.launch(option(Tier.SAGEMAKER_REAL_TIME))
    drill.run()
    operate.resize(actor=SYSTEM, deployment=deployment, size={"instances": 3}, now=drill.clock.now)
    drill.run()
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.run()
    metering.meter_time(now=drill.clock.now)

    expected = sum(
        span.capacity * Decimal(str((span.ended_at - span.started_at).total_seconds()))
        for span in Span.objects.all()
    )
    assert quantity("sagemaker:ml.g5.xlarge:second") == expected
    assert set(Span.objects.values_list("capacity", flat=True)) == {2, 3}


def test_a_silent_cloudwatch_moves_no_watermark(drill: Drill) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    drill.run()

    assert metering.meter_requests(now=drill.clock.now + HOUR) == 0

    assert not Watermark.objects.exists()
    assert not UsageEvent.objects.exists()


def build(feature: Feature, tier: Tier) -> tuple[Deployment, Drill]:
    """Launch in the sandbox and wait until it is ready."""
    drill = Drill(feature=feature, clock=Clock(datetime.now(UTC)))
    drill.budget(100_000)
    deployment = drill.launch(option(tier))
    until_state(deployment, State.READY)
    return deployment, drill


def until_state(deployment: Deployment, state: State) -> None:
    for _ in range(400):
        for pk in operations.due_resources(now=datetime.now(UTC)):
            try:
                reconcile(resource_id=pk, clock=lambda: datetime.now(UTC), find=target_for)
            except Busy:
                continue
        deployment.refresh_from_db()
        if deployment.state == state:
            return
        time.sleep(0.1)
    raise AssertionError(f"{deployment} is {deployment.state}, not {state}")


@pytest.fixture
def quick_sandbox(sandbox: Sandbox, settings) -> Sandbox:
    settings.POLL_SECONDS = 1
    sandbox.reset()
    sandbox.put("delays", {"function_s": 0.1, "endpoint_s": 0.5, "endpoint_delete_s": 0.1})
    return sandbox


def test_tokens_requests_and_gigabyte_seconds_of_a_function_equal_what_was_answered(
    feature: Feature, quick_sandbox: Sandbox
) -> None:
    load_list(now=datetime.now(UTC))
    deployment, _ = build(feature, Tier.LAMBDA_BEDROCK)
    name = deployment.current.resources.get(key="function").name
    used = {"input_tokens": 0, "output_tokens": 0}
    for _ in range(3):
        reply = aws.client("lambda").invoke(
            FunctionName=name,
            Qualifier="live",
            Payload=json.dumps({"prompt": "Say hello.", "max_tokens": 20}).encode(),
        )
        answer = json.loads(reply["Payload"].read())
        assert answer["statusCode"] == 200, answer
        for key in used:
            used[key] += json.loads(answer["body"])["usage"][key]
    assert used["output_tokens"] > 0

    later = datetime.now(UTC) + timedelta(seconds=70)
    assert metering.meter_requests(now=later) >= 4
    assert metering.meter_requests(now=later) == 0

    assert quantity(f"bedrock:{NOVA}:us:input") == used["input_tokens"]
    assert quantity(f"bedrock:{NOVA}:us:output") == used["output_tokens"]
    assert quantity("lambda:requests") == 3
    assert quantity("lambda:arm64:gb-second") > 0
    assert not UsageRefusal.objects.exists()
    assert Charge.objects.filter(deployment=deployment.slug, price=None).count() == 0
    assert Charge.objects.aggregate(total=Sum("usd"))["total"] > 0


def test_what_was_used_before_a_retirement_is_read_after_it_and_then_no_more(
    feature: Feature, quick_sandbox: Sandbox
) -> None:
    deployment, _ = build(feature, Tier.BEDROCK_ON_DEMAND)
    profile = deployment.current.resources.get(key="profile").outputs["arn"]
    reply = aws.client("bedrock-runtime").converse(
        modelId=profile,
        messages=[{"role": "user", "content": [{"text": "Say hello."}]}],
        inferenceConfig={"maxTokens": 10},
    )
    operate.retire(actor=SYSTEM, deployment=deployment, now=datetime.now(UTC))
    until_state(deployment, State.RETIRED)

    later = datetime.now(UTC) + timedelta(seconds=130)
    metering.meter_requests(now=later)
    mark = Watermark.objects.get()
    metering.meter_requests(now=later + HOUR)

    assert quantity(f"bedrock:{NOVA}:us:output") == reply["usage"]["outputTokens"]
    assert Watermark.objects.get().read_to == mark.read_to
