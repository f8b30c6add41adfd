"""Every night the best is looked for again; what should change is proposed once, and answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.models import SpendHour
from billing.usecases import budgets, prices
from deployments import tasks
from deployments.adapters import catalog, served
from deployments.adapters.prober import prober
from deployments.domain.catalog import Catalog
from deployments.domain.probing import Ask, Outcome
from deployments.domain.target import Transient
from deployments.models import Deployment, Move, Recommendation
from deployments.queries import advice as advice_queries
from deployments.queries import moves as queries
from deployments.usecases import advice, launch, moves, operate, workloads
from portal.access import SYSTEM, Actor
from portal.errors import Conflict, NotAllowed, NotFound
from portal.models import AuditEvent, Feature
from tests.fixtures.servers import Sandbox
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
PRO = "bedrock-on-demand/amazon.nova-pro-v1:0/us"
WORKLOAD = {
    "pattern": "interactive",
    "load": "2",
    "peak_rps": "4",
    "input_tokens_mean": 600,
    "output_tokens_mean": 250,
    "latency_ms": 60_000,
}
DAY = timedelta(days=1)


@pytest.fixture
def described(feature: Feature, noon: datetime) -> Feature:
    """The chatbot with a workload, prices and a budget."""
    prices.load_list(now=noon)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(1_000_000), now=noon)
    describe(feature, noon)
    return feature


def describe(feature: Feature, now: datetime, **changes: Any) -> None:
    workload = workloads.read(given=WORKLOAD | changes)
    workloads.describe(actor=SYSTEM, feature=feature, workload=workload, now=now)


@pytest.fixture
def on_pro(described: Feature, drill: Drill) -> Deployment:
    """The chatbot runs on Nova Pro, dearer than it must be."""
    found = advice.recommend(actor=SYSTEM, feature=described, now=drill.clock.now)
    made = launch.launch(
        actor=SYSTEM,
        feature=described,
        recommendation_id=found.pk,
        option_id=PRO,
        environment="production",
        now=drill.clock.now,
    )
    drill.run()
    made.refresh_from_db()
    assert made.state == "ready"
    return made


def hours(count: int, requests: int) -> Callable[..., Mapping[datetime, Decimal]]:
    """Return what CloudWatch tells: so many requests in each of the last hours."""

    def tell(
        *, resources: Sequence[Any], start: datetime, end: datetime
    ) -> Mapping[datetime, Decimal]:
        moments = [end - timedelta(hours=back) for back in range(1, count + 1)]
        return {each: Decimal(requests) for each in moments if each >= start}

    return tell


def silent(**_: Any) -> None:
    """What counts nothing."""


def look(feature: Feature, now: datetime, tell: Callable[..., Any] = silent) -> Move | None:
    return moves.look(feature_id=feature.pk, now=now, served=tell)


@contextmanager
def catalog_with(monkeypatch: pytest.MonkeyPatch, changed: Catalog) -> Iterator[None]:
    """Let the product's data files say something else."""
    with monkeypatch.context() as patch:
        patch.setattr(catalog, "load", lambda: changed)
        yield


def test_what_runs_too_dear_is_to_move_and_says_what_it_saves(
    on_pro: Deployment, drill: Drill
) -> None:
    move = look(on_pro.feature, drill.clock.now + DAY)

    held = advice_queries.option_of(move.recommendation, PRO)
    target = advice_queries.option_of(move.recommendation, move.body["to"]["option"])
    assert move.saving_usd == held.cost.expected_usd - target.cost.expected_usd > 50
    assert move.deployment == "chatbot-production"
    assert move.body["from"]["option"] == PRO
    assert move.recommendation.launch_pick == target.option_id
    assert move.body["load"]["is_metered"] is False
    assert 1 <= move.risk <= 5
    assert any("another model" in each for each in move.body["risks"])
    assert AuditEvent.objects.filter(verb="propose-move", subject="feature:chatbot").exists()


def test_a_second_look_of_the_night_proposes_nothing(on_pro: Deployment, drill: Drill) -> None:
    night = drill.clock.now + DAY
    assert look(on_pro.feature, night) is not None
    assert look(on_pro.feature, night + timedelta(hours=1)) is None
    assert Move.objects.count() == 1
    # The next night says the same: what waits still stands, with its recommendation.
    assert look(on_pro.feature, night + DAY) is None
    assert Move.objects.count() == 1
    assert Recommendation.objects.filter(move__isnull=False).count() == 1


def test_two_looks_at_once_keep_one(on_pro: Deployment, drill: Drill) -> None:
    night = drill.clock.now + DAY
    both = threading.Barrier(2)
    made: list[Move | None] = []

    def tell(**_: Any) -> None:
        both.wait(timeout=30)

    def one() -> None:
        try:
            made.append(look(on_pro.feature, night, tell))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)
    assert len(made) == 2
    assert sum(each is not None for each in made) == 1
    assert Move.objects.count() == 1


def test_a_newer_proposal_overtakes_the_one_that_waits(on_pro: Deployment, drill: Drill) -> None:
    first = look(on_pro.feature, drill.clock.now + DAY)
    describe(on_pro.feature, drill.clock.now + DAY, load="20", peak_rps="40")
    second = look(on_pro.feature, drill.clock.now + 2 * DAY)

    first.refresh_from_db()
    assert (first.answer, first.answered_by) == ("overtaken", "slipway")
    assert second.saving_usd > 5 * first.saving_usd
    assert list(queries.open_moves(actor=SYSTEM)) == [second]


def test_what_no_longer_holds_is_taken_back(on_pro: Deployment, drill: Drill) -> None:
    first = look(on_pro.feature, drill.clock.now + DAY)
    describe(on_pro.feature, drill.clock.now + DAY, models=["amazon.nova-pro-v1:0"])
    assert look(on_pro.feature, drill.clock.now + 2 * DAY) is None
    first.refresh_from_db()
    assert first.answer == "overtaken"


def test_the_metered_load_stands_in_place_of_the_stated_one(
    on_pro: Deployment, drill: Drill
) -> None:
    now = drill.clock.now + 3 * DAY
    move = look(on_pro.feature, now, hours(72, 36_000))

    assert move.body["load"]["is_metered"] is True
    sentence = move.body["load"]["sentences"][0]
    assert "10 requests/s on average in place of the stated 2" in sentence
    stated = look(on_pro.feature, now + DAY)
    assert move.saving_usd > 4 * stated.saving_usd
    assert move.recommendation.explanation[0].startswith("Looked at by night. Metered from")


def test_metered_tokens_stand_in_place_of_the_stated_ones(on_pro: Deployment, drill: Drill) -> None:
    now = drill.clock.now + 2 * DAY
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for direction, quantity in (("input", 25 * 7_200 * 100), ("output", 25 * 7_200 * 10)):
        SpendHour.objects.create(
            hour=hour,
            team=on_pro.feature.team,
            feature=on_pro.feature,
            deployment=on_pro.slug,
            environment="production",
            tier="bedrock-on-demand",
            model="amazon.nova-pro-v1:0",
            sku=f"bedrock:amazon.nova-pro-v1:0:us:{direction}",
            quantity=quantity,
            usd=1,
        )
    move = look(on_pro.feature, now, hours(25, 7_200))
    said = "Metered too: 100 input and 10 output tokens a request."
    assert move.body["load"]["sentences"][1] == said
    # A sixth and a twenty-fifth of the stated lengths.
    stated = look(on_pro.feature, now + DAY)
    assert move.saving_usd < stated.saving_usd / 6


def test_a_day_without_requests_and_a_mute_cloudwatch_leave_what_was_stated(
    on_pro: Deployment, drill: Drill
) -> None:
    def broken(**_: Any) -> None:
        raise Transient("CloudWatch gave only a part.", code="PartialData")

    now = drill.clock.now + 2 * DAY
    quiet = look(on_pro.feature, now, hours(0, 0))
    assert "no request was metered in" in quiet.body["load"]["sentences"][0]
    Move.objects.all().delete()
    mute = look(on_pro.feature, now, broken)
    assert mute.body["load"]["is_metered"] is False
    assert mute.saving_usd == quiet.saving_usd


def test_an_end_of_life_moves_a_feature_whatever_it_costs(
    described: Feature, drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = advice.recommend(actor=SYSTEM, feature=described, now=drill.clock.now)
    launched = launch.launch(
        actor=SYSTEM,
        feature=described,
        recommendation_id=found.pk,
        option_id=found.launch_pick,
        environment="production",
        now=drill.clock.now,
    )
    drill.run()
    night = drill.clock.now + DAY
    assert look(described, night) is None

    facts = catalog.load()
    ends = (night + timedelta(days=60)).date()
    ending = tuple(
        replace(each, eol_on=ends) if each.model_id == launched.current.model else each
        for each in facts.models
    )
    with catalog_with(monkeypatch, replace(facts, models=ending)):
        move = look(described, night)
        newest = advice_queries.outdated(found, now=night)

    assert move.body["must"] == "end of life"
    assert move.saving_usd < 50
    assert f"reaches its end of life on {ends}, in 60 days." in move.body["reasons"][0]
    assert any("reaches its end of life" in each for each in newest)


def test_a_feature_that_runs_nowhere_is_compared_with_what_was_picked_for_it(
    described: Feature, noon: datetime
) -> None:
    advice.recommend(actor=SYSTEM, feature=described, now=noon)
    asked = Recommendation.objects.get()
    Recommendation.objects.update(launch_pick=PRO)
    move = look(described, noon + DAY)

    assert (move.deployment, move.body["from"]["option"]) == ("", PRO)
    # Its own recommendation is not what it is compared with the next night.
    assert look(described, noon + 2 * DAY) is None
    move.refresh_from_db()
    assert move.answered_at is None
    assert asked.pk != move.recommendation_id


def test_what_was_never_described_or_compared_is_left_alone(
    feature: Feature, noon: datetime
) -> None:
    assert queries.features_to_look_at() == []
    assert look(feature, noon) is None
    describe(feature, noon)
    assert look(feature, noon) is None
    assert queries.features_to_look_at() == []


def test_a_dismissed_move_stays_away_for_a_month(
    on_pro: Deployment, drill: Drill, actor_of_lead: Actor
) -> None:
    night = drill.clock.now + DAY
    move = look(on_pro.feature, night)
    moves.dismiss(actor=actor_of_lead, move=move, now=night + timedelta(hours=8))

    move.refresh_from_db()
    assert (move.answer, move.answered_by) == ("dismissed", actor_of_lead.name)
    assert look(on_pro.feature, night + DAY) is None
    assert look(on_pro.feature, night + 30 * DAY) is None
    assert look(on_pro.feature, night + 32 * DAY) is not None


def test_a_dismissed_move_comes_back_when_it_saves_a_lot_more(
    on_pro: Deployment, drill: Drill, actor_of_lead: Actor
) -> None:
    night = drill.clock.now + DAY
    moves.dismiss(actor=actor_of_lead, move=look(on_pro.feature, night), now=night)
    describe(on_pro.feature, night, load="4", peak_rps="8")
    assert look(on_pro.feature, night + DAY) is not None


def test_a_move_is_answered_once(on_pro: Deployment, drill: Drill, actor_of_lead: Actor) -> None:
    move = look(on_pro.feature, drill.clock.now + DAY)
    moves.dismiss(actor=actor_of_lead, move=move, now=drill.clock.now)
    with pytest.raises(Conflict, match="answered already: dismissed by"):
        moves.dismiss(actor=actor_of_lead, move=move, now=drill.clock.now)


def test_only_who_may_launch_dismisses_and_a_stranger_sees_nothing(
    on_pro: Deployment, drill: Drill, actor_of_member: Actor, actor_of_stranger: Actor
) -> None:
    move = look(on_pro.feature, drill.clock.now + DAY)
    with pytest.raises(NotAllowed):
        moves.dismiss(actor=actor_of_member, move=move, now=drill.clock.now)
    with pytest.raises(NotFound):
        moves.dismiss(actor=actor_of_stranger, move=move, now=drill.clock.now)
    with pytest.raises(NotFound):
        queries.move_for(actor=actor_of_stranger, pk=move.pk)
    assert not queries.open_moves(actor=actor_of_stranger).exists()
    assert queries.open_moves(actor=actor_of_member).count() == 1


def test_what_was_launched_as_proposed_is_noted_as_taken(on_pro: Deployment, drill: Drill) -> None:
    drill.clock.now += DAY
    move = look(on_pro.feature, drill.clock.now)
    assert queries.rows([move])[0].environment == "staging"
    drill.clock.forward(60)
    launch.launch(
        actor=SYSTEM,
        feature=on_pro.feature,
        recommendation_id=move.recommendation_id,
        option_id=move.body["to"]["option"],
        environment="staging",
        now=drill.clock.now,
    )
    assert moves.note_taken(now=drill.clock.now) == 0  # not ready yet
    drill.run()
    assert moves.note_taken(now=drill.clock.now) == 1
    move.refresh_from_db()
    assert move.answer == "taken"
    operate.retire(actor=SYSTEM, deployment=on_pro, now=drill.clock.now)
    assert queries.rows([move])[0].environment == "experiment"


def test_the_night_asks_for_each_feature(
    on_pro: Deployment, drill: Drill, eager_tasks: None
) -> None:
    assert tasks.look_at_all() == 1
    assert Move.objects.filter(feature=on_pro.feature).count() == 1
    assert tasks.note_moves() == 0


def test_requests_are_counted_as_cloudwatch_counts_them(sandbox: Sandbox) -> None:
    model = "us.amazon.nova-micro-v1:0"
    sandbox.reset()
    for number in range(3):
        assert prober(Ask(model, 100, 10, number)).outcome is Outcome.ANSWERED
    profile = ("bedrock.inference-profile", {"id": model}, "p", {})
    role = ("iam.role", {"arn": "arn"}, "r", {})
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    found = served.requests_by_hour(
        resources=[role, profile], start=end - timedelta(hours=2), end=end
    )

    assert sum(found.values()) == 3
    assert served.requests_by_hour(resources=[role], start=end - DAY, end=end) is None
