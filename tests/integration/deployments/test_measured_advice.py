"""A fresh measurement of one's own stands in place of the published one, and says that it does."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.usecases import budgets, prices
from deployments.adapters.pretend_prober import PretendProber
from deployments.domain.options import Option
from deployments.models import Probe, Recommendation
from deployments.queries import advice as advice_queries
from deployments.queries import probes as queries
from deployments.usecases import advice, probe_schedules, probes, probing, workloads
from portal.access import SYSTEM, Actor
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import Feature
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
NOVA = "amazon.nova-micro-v1:0"
WORKLOAD = {
    "pattern": "interactive",
    "load": "2",
    "input_tokens_mean": 600,
    "output_tokens_mean": 250,
    "latency_ms": 60_000,
}
DAY = timedelta(days=1)


@pytest.fixture
def described(feature: Feature, noon: datetime) -> Feature:
    """The chatbot with a workload, prices and a budget."""
    prices.load_list(now=noon)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(100_000), now=noon)
    workload = workloads.read(given=WORKLOAD)
    workloads.describe(actor=SYSTEM, feature=feature, workload=workload, now=noon)
    return feature


def probe(feature: Feature, now: datetime, **twin: Any) -> Probe:
    """Probe Nova Micro by its US profile with forty requests."""
    row = probes.start(
        actor=SYSTEM, feature=feature, wish=probes.Wish(model=NOVA, route="us"), now=now
    )
    given = {"first_token_ms": [500.0 + 5 * each for each in range(40)], "tokens_per_s": 50.0}
    send = PretendProber(known=frozenset({f"us.{NOVA}"}), **given | twin)
    probing.run(probe_id=row.pk, clock=lambda: now, send=send, pause=lambda _: None)
    row.refresh_from_db()
    return row


def recommend(feature: Feature, now: datetime) -> Recommendation:
    return advice.recommend(actor=SYSTEM, feature=feature, now=now)


def option(found: Recommendation, route: str, tier: str = "bedrock-on-demand") -> Option:
    return advice_queries.option_of(found, f"{tier}/{NOVA}/{route}")


def test_an_own_measurement_replaces_the_published_one_for_its_route_only(
    described: Feature, noon: datetime
) -> None:
    before = recommend(described, noon)
    probe(described, noon)
    after = recommend(described, noon + timedelta(minutes=1))

    mine = option(after, "us").latency
    # The 20th of 40 first tokens, and 250 tokens at 50 a second.
    assert mine.p50_ms == 595 + 5_000
    assert mine.basis.startswith("Measured here on 2026-11-20, n = 40, in us-east-1")
    assert mine.as_of == "2026-11-20"
    assert mine.confidence.startswith("low: of 40 answers")
    assert option(after, "in-region").latency == option(before, "in-region").latency
    assert "Measured here" not in option(before, "us").latency.basis


def test_a_function_in_front_waits_as_long_as_was_measured(
    described: Feature, noon: datetime
) -> None:
    before = option(recommend(described, noon), "us", "lambda-bedrock")
    probe(described, noon, tokens_per_s=5.0)
    after = option(recommend(described, noon + timedelta(minutes=1)), "us", "lambda-bedrock")

    assert after.latency.p50_ms > 50_000 > before.latency.p50_ms
    assert after.cost.expected_usd > before.cost.expected_usd


def test_the_newest_measurement_counts_and_an_old_one_no_longer(
    described: Feature, noon: datetime
) -> None:
    probe(described, noon)
    newer = probe(described, noon + DAY, tokens_per_s=200.0)
    key = (NOVA, "us")

    assert queries.measured(region="us-east-1", now=noon)[key].output_tokens_per_s == 50
    later = queries.measured(region="us-east-1", now=noon + 2 * DAY)
    assert later[key].output_tokens_per_s == 200
    assert queries.measured(region="us-east-1", now=newer.ended_at + 30 * DAY)
    assert not queries.measured(region="us-east-1", now=newer.ended_at + 31 * DAY)


def test_what_was_measured_elsewhere_counts_nowhere_else(
    described: Feature, noon: datetime, settings: Any
) -> None:
    probe(described, noon)
    assert not queries.measured(region="eu-west-1", now=noon)
    settings.AWS_ENDPOINT_URL = None  # the sandbox measured it; this is AWS
    assert not queries.measured(region="us-east-1", now=noon)


def test_a_recommendation_older_than_a_probe_of_its_models_says_so(
    described: Feature, noon: datetime
) -> None:
    found = recommend(described, noon)
    assert advice_queries.outdated(found, now=noon) == ()

    probe(described, noon + timedelta(hours=1))

    (sentence,) = advice_queries.outdated(found, now=noon + DAY)
    assert sentence.startswith(f"{NOVA} was measured here on 2026-11-20 at 13:00 UTC")


def plan(feature: Feature, actor: Actor, now: datetime, **changes: Any) -> None:
    asked = {"every_days": 7, "most_usd": Decimal("0.01"), "requests": 12} | changes
    probe_schedules.schedule(
        actor=actor,
        feature=feature,
        every_days=asked.pop("every_days"),
        wish=probes.Wish(model="", route="", **asked),
        now=now,
    )


def launched(drill: Drill, feature: Feature, route: str = "us") -> None:
    """Let the feature run on Nova Micro."""
    found = option(recommend(feature, drill.clock.now), route)
    drill.launch(found)


def test_off_by_default_nothing_is_probed(described: Feature, drill: Drill, noon: datetime) -> None:
    launched(drill, described)
    assert probe_schedules.start_due(now=noon) == []


def test_a_schedule_probes_what_the_team_runs_on_once_in_its_days(
    described: Feature, drill: Drill, actor_of_lead: Actor, noon: datetime
) -> None:
    launched(drill, described)
    plan(described, actor_of_lead, noon)

    (started,) = probe_schedules.start_due(now=noon)
    assert (started.model, started.route, started.requests) == (NOVA, "us", 12)
    assert (started.feature, started.created_by) == (described, "slipway")
    assert probe_schedules.start_due(now=noon) == []  # while it runs
    send = PretendProber(known=frozenset({f"us.{NOVA}"}))
    probing.run(probe_id=started.pk, clock=lambda: noon, send=send)
    assert probe_schedules.start_due(now=noon + 6 * DAY) == []
    assert len(probe_schedules.start_due(now=noon + 7 * DAY)) == 1


def test_a_schedule_ends_when_it_is_taken_back(
    described: Feature, drill: Drill, actor_of_lead: Actor, noon: datetime
) -> None:
    launched(drill, described)
    plan(described, actor_of_lead, noon)
    probe_schedules.unschedule(actor=actor_of_lead, team=described.team, now=noon)
    assert probe_schedules.start_due(now=noon) == []


def test_a_team_without_a_budget_left_is_probed_when_it_has_one_again(
    described: Feature, drill: Drill, actor_of_lead: Actor, noon: datetime
) -> None:
    launched(drill, described)
    plan(described, actor_of_lead, noon)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(0), now=noon)
    assert probe_schedules.start_due(now=noon) == []
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(100_000), now=noon)
    assert len(probe_schedules.start_due(now=noon)) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"every_days": 0}, "every_days"),
        ({"requests": 0}, "requests"),
        ({"most_usd": None}, "most_usd"),
        ({"most_usd": Decimal(26)}, "most_usd"),
        ({"input_tokens": 10}, "input_tokens"),
        ({"output_tokens": 0}, "output_tokens"),
    ],
)
def test_a_schedule_out_of_range_gets_a_sentence(
    described: Feature, actor_of_lead: Actor, noon: datetime, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        plan(described, actor_of_lead, noon, **asked)
    assert refusal.value.fields.keys() == {field}


def test_only_who_may_launch_sets_a_schedule(
    described: Feature, actor_of_member: Actor, actor_of_stranger: Actor, noon: datetime
) -> None:
    with pytest.raises(NotAllowed):
        plan(described, actor_of_member, noon)
    with pytest.raises(NotFound):
        plan(described, actor_of_stranger, noon)
    with pytest.raises(NotFound):
        probe_schedules.unschedule(actor=actor_of_stranger, team=described.team, now=noon)
