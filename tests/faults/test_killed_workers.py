"""kill -9 in the middle of launches: nothing lost, nothing built twice, nothing leaked."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments.domain.lifecycle import State
from deployments.domain.options import LAUNCHABLE, Size, Tier
from deployments.models import Deployment, Resource, Span
from deployments.usecases import operate
from portal.access import SYSTEM
from portal.models import Feature
from tests import environment
from tests.faults.workers import Workers, broker, until
from tests.fixtures.options import option
from tests.fixtures.servers import Sandbox
from tests.integration.deployments.drill import Clock, Drill

pytestmark = pytest.mark.django_db(transaction=True)
SEED = 20261121
DELAYS = {
    "provisioned_throughput_s": 1.5,
    "endpoint_s": 2,
    "endpoint_update_s": 1,
    "endpoint_delete_s": 0.5,
    "function_s": 0.5,
}
CALM = {"throttle": 0, "lost_answer": 0, "seed": 7}


@pytest.fixture
def workers(sandbox: Sandbox, db: None) -> Iterator[Workers]:
    sandbox.reset()
    sandbox.put("delays", DELAYS)
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=environment.HOME))
    with broker(folder) as url:
        made = Workers(folder=folder, broker_url=url, dice=random.Random(SEED))
        try:
            yield made
        finally:
            made.stop()
            sandbox.put("faults", CALM)
            sandbox.reset()


def launch(team_features: list[Feature], tiers: list[Tier]) -> list[Deployment]:
    """Launch one tier for each feature."""
    launched = []
    for feature, tier in zip(team_features, tiers, strict=True):
        drill = Drill(feature=feature, clock=Clock(datetime.now(UTC)))
        if not launched:
            drill.budget(1_000_000)
        size = None
        if tier is Tier.BEDROCK_PROVISIONED:
            size = Size(model_units=1)
        elif tier is Tier.SAGEMAKER_REAL_TIME:
            size = Size(instance_type="ml.g5.xlarge", instances=1, max_instances=2)
        elif tier is Tier.LAMBDA_BEDROCK:
            size = Size(memory_mb=256, max_concurrency=5)
        launched.append(drill.launch(option(tier, size=size)))
    return launched


def features(feature: Feature, count: int) -> list[Feature]:
    """Return as many features of the chat team."""
    return [
        Feature.objects.create(
            team=feature.team,
            slug=f"feature-{number}",
            name=f"Feature {number}",
            created_at=feature.created_at,
        )
        for number in range(count)
    ]


def everything(sandbox: Sandbox) -> Counter[tuple[str, str]]:
    """Return what exists in AWS, by kind and name, and how often."""
    return Counter(
        (item["kind"], item["name"])
        for item in sandbox.get("inventory")
        if "feature-" in item["name"]
    )


def states(launched: list[Deployment]) -> list[str]:
    found = Deployment.objects.filter(pk__in=[each.pk for each in launched])
    return list(found.values_list("state", flat=True))


def stuck() -> str:
    """Say what has not come to its end, and why."""
    rows = Resource.objects.exclude(phase__in=["ready", "gone"])
    return "\n".join(
        f"{row.name} {row.phase} {row.code} {row.detail} attempts {row.attempts} "
        f"wakes {row.wake_at} leased {row.leased_until}"
        for row in rows
    )


def kill_now_and_then(workers: Workers, times: int, *, between: tuple[float, float]) -> None:
    """Kill at random moments; end with a whole one, as whoever watches over them would."""
    for _ in range(times):
        time.sleep(workers.dice.uniform(*between))
        workers.kill()
    workers.stop()
    workers.start()


def campaign(
    *,
    feature: Feature,
    sandbox: Sandbox,
    workers: Workers,
    tiers: list[Tier],
    kills: int,
    seconds: float,
) -> None:
    """Launch all, kill on the way up and on the way down, and count what is there."""
    launched = launch(features(feature, len(tiers)), tiers)
    workers.start()
    kill_now_and_then(workers, kills, between=(0.2, 1.5))
    ready = [State.READY.value] * len(tiers)
    until(lambda: states(launched) == ready, what=stuck, seconds=seconds)

    wanted = Resource.objects.filter(is_wanted=True)
    found = everything(sandbox)
    assert set(found.values()) == {1}
    assert len(found) == wanted.count()
    assert Span.objects.filter(ended_at=None).count() == sum(
        1 for tier in tiers if tier in (Tier.BEDROCK_PROVISIONED, Tier.SAGEMAKER_REAL_TIME)
    )

    for each in launched:
        operate.retire(actor=SYSTEM, deployment=each, now=datetime.now(UTC))
    kill_now_and_then(workers, kills, between=(0.2, 1.0))
    gone = [State.RETIRED.value] * len(tiers)
    until(lambda: states(launched) == gone, what=stuck, seconds=seconds)
    assert everything(sandbox) == Counter()
    assert not Span.objects.filter(ended_at=None).exists()


def test_a_worker_killed_in_the_middle_of_launches_loses_nothing_and_builds_nothing_twice(
    feature: Feature, sandbox: Sandbox, workers: Workers
) -> None:
    tiers = [Tier.LAMBDA_BEDROCK, Tier.BEDROCK_PROVISIONED, Tier.SAGEMAKER_REAL_TIME]
    campaign(feature=feature, sandbox=sandbox, workers=workers, tiers=tiers, kills=3, seconds=120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_kills_throttles_and_lost_answers_together_leave_the_fleet_as_wished(
    feature: Feature, sandbox: Sandbox, workers: Workers, seed: int
) -> None:
    workers.dice.seed(seed)
    sandbox.put("faults", {"seed": seed, "throttle": 0.1, "lost_answer": 0.08})
    campaign(
        feature=feature,
        sandbox=sandbox,
        workers=workers,
        tiers=sorted(LAUNCHABLE),
        kills=8,
        seconds=200,
    )
