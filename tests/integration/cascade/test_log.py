"""What was logged: figures that add up, decisions explained, verdicts that label."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from cascade.domain.calibration.paths import labelled
from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.prices import as_usd, cost_pico
from cascade.domain.request import Tokens
from cascade.domain.tariffs import hourly_key
from cascade.models import Attempt, Cascade, Trial, Verdict
from cascade.queries import evidence, live
from cascade.queries import trials as queries
from cascade.queries.cascades import standing_of
from cascade.queries.rivals import beside
from cascade.queries.tariffs import price_table
from cascade.usecases import asking, policies, rollouts, verdicts
from cascade.usecases.streams import stream_at, turn
from portal.access import SYSTEM, Actor
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import Feature
from tests.integration.cascade.money_drill import gateway, tell


@pytest.fixture
def answering(cascade: Cascade, actor_of_lead: Actor, noon: datetime) -> Cascade:
    """The cascade with its first policy live."""
    policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
    return cascade


def logged(
    cascade: Cascade,
    number: int,
    *,
    at: datetime,
    stage: str = "small",
    score: float = 0.9,
    shadow: bool = False,
    prompt: str = "Where is my parcel?",
) -> Trial:
    """Log a request as the worker does: the small stage was asked, and what it led to."""
    models = {
        each["name"]: each["target"]["model"]
        for each in cascade.policies.get(number=1).body["stages"]
    }
    whose: dict[str, Any] = {
        "cascade": cascade, "feature": cascade.feature, "team": cascade.feature.team,
        "key": "k", "policy": 1, "at": at,
    }  # fmt: skip
    tried = [{"stage": "small", "score": score, "findings": ["complete"], "failed": ""}]
    calls = [("stage", "small")]
    if stage != "small":
        tried.append({"stage": stage, "score": 0.99, "findings": [], "failed": ""})
        calls.append(("stage", stage))
    if shadow:
        calls.append(("shadow", "large"))
    trial = UUID(int=number)
    for place, (role, name) in enumerate(calls, 1):
        Attempt.objects.create(
            **whose, uuid=UUID(int=number * 100 + place), trial_uuid=trial, number=place,
            role=role, stage=name, model=models[name], outcome="answered", input_tokens=100,
            output_tokens=20, usd=Decimal("0.001"), micro=1000, latency_ms=400,
            price_version="p",
        )  # fmt: skip
    return Trial.objects.create(
        **whose, uuid=trial, status="answered", http=200, stage=stage, tried=tried,
        plan={"order": ["small", "medium", "large"], "reason": "every stage in turn",
              "p_right": [0.8, 0.9, 0.95], "highest": "large"},
        prompt=prompt, answer="On its way.", escalations=len(tried) - 1,
        usd=Decimal("0.001") * len(tried), shadow_usd=Decimal("0.001") * shadow,
        baseline_usd=Decimal("0.004"), baseline_model=models["large"],
    )  # fmt: skip


def test_a_decision_is_told_whole(
    answering: Cascade, noon: datetime, django_assert_num_queries: Callable[..., Any]
) -> None:
    trial = logged(answering, 1, at=noon, stage="medium", score=0.3, shadow=True)
    with django_assert_num_queries(3):
        told = queries.decision(trial=trial)
    assert [(look.stage, look.score, look.threshold, look.is_answer) for look in told.looks] == [
        ("small", 0.3, 0.85, False),
        ("medium", 0.99, 0.9, True),
    ]
    assert [each.role for each in told.others] == ["shadow"]
    assert told.p_right == {"small": 0.8, "medium": 0.9, "large": 0.95}
    assert told.saved_usd == Decimal("0.002")


def test_requests_are_found_by_what_became_of_them(
    answering: Cascade, noon: datetime, actor_of_lead: Actor
) -> None:
    plain, up = logged(answering, 1, at=noon), logged(answering, 2, at=noon, stage="large")
    verdicts.record_verdict(actor=actor_of_lead, trial=plain, quality=1, now=noon)

    def found(**asked: Any) -> list[Trial]:
        return list(queries.trials(cascade=answering, asked=queries.Asked(**asked)))

    assert found() == [up, plain]
    assert found(stage="large") == found(escalated=True) == found(labelled=False) == [up]
    assert found(labelled=True) == found(escalated=False) == [plain]
    assert found(short=True) == found(intent="other") == found(policy=2) == []


def test_a_person_has_one_word_and_may_correct_it(
    answering: Cascade, noon: datetime, actor_of_lead: Actor, actor_of_member: Actor
) -> None:
    trial = logged(answering, 1, at=noon)
    verdicts.record_verdict(actor=actor_of_lead, trial=trial, quality=1, now=noon)
    verdicts.record_verdict(actor=actor_of_lead, trial=trial, quality=0, now=noon, note="Wrong.")
    verdicts.record_verdict(actor=actor_of_lead, trial=trial, quality=0.5, now=noon)
    verdicts.record_verdict(actor=actor_of_member, trial=trial, quality=1, now=noon)
    assert Verdict.objects.count() == 4
    standing = Verdict.objects.filter(trial=trial, replaced_by=None)
    assert sorted(each.quality for each in standing) == [0.5, 1]
    assert evidence.quality_of(standing, "small") == 0.75
    told = queries.decision(trial=trial)
    assert len(told.looks[0].verdicts) == 2
    assert len(told.corrections) == 2


def test_two_first_words_at_once_are_one(answering: Cascade, noon: datetime) -> None:
    trial = logged(answering, 1, at=noon)
    row = {"trial": trial, "stage": "small", "source": "judge", "by": "m", "at": noon}
    Verdict.objects.create(**row, quality=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.create(**row, quality=0)


@pytest.mark.parametrize(
    "stage, quality", [("medium", 1.0), ("small", 1.5), ("small", float("nan"))]
)
def test_a_verdict_is_about_an_answer_and_a_share(
    answering: Cascade, noon: datetime, actor_of_lead: Actor, stage: str, quality: float
) -> None:
    trial = logged(answering, 1, at=noon)
    with pytest.raises(Invalid):
        verdicts.record_verdict(
            actor=actor_of_lead, trial=trial, stage=stage, quality=quality, now=noon
        )


def test_strangers_and_machines_judge_nothing(
    answering: Cascade, noon: datetime, actor_of_stranger: Actor
) -> None:
    trial = logged(answering, 1, at=noon)
    with pytest.raises(NotFound):
        verdicts.record_verdict(actor=actor_of_stranger, trial=trial, quality=1, now=noon)
    with pytest.raises(NotAllowed):
        verdicts.record_verdict(actor=SYSTEM, trial=trial, quality=1, now=noon)
    with pytest.raises(NotFound):
        queries.trial_for(actor=actor_of_stranger, uuid=trial.uuid)


def test_the_queue_asks_about_narrow_passes_and_random_ones(
    answering: Cascade, noon: datetime, actor_of_lead: Actor
) -> None:
    for number in range(1, 11):
        logged(answering, number, at=noon, score=0.85 + number / 100)
    logged(answering, 11, at=noon, stage="large", score=0.1)
    logged(answering, 12, at=noon, prompt="")
    done = logged(answering, 13, at=noon, score=0.851)
    verdicts.record_verdict(actor=actor_of_lead, trial=done, quality=1, now=noon)
    asked = queries.to_review(cascade=answering, now=noon, most=4)
    # Two with the lowest ids (drawn), two narrow passes of the rest.
    assert {row.uuid.int for row in asked} == {1, 2, 3, 4}
    every = queries.to_review(cascade=answering, now=noon, most=50)
    assert {row.uuid.int for row in every} == set(range(1, 11))
    shown = Trial.objects.get(uuid=UUID(int=9))
    shown.tried.append({"shadow": "large", "of": "small", "agreement": 0.9, "kind": "text"})
    shown.save()
    asked = queries.to_review(cascade=answering, now=noon, most=4)
    # The one that every stage answered is drawn before any other.
    assert {row.uuid.int for row in asked} == {9, 1, 2, 3}


def test_a_shadowed_request_stands_for_those_that_were_not(
    answering: Cascade,
    noon: datetime,
    actor_of_lead: Actor,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    row = logged(answering, 1, at=noon, shadow=True)
    logged(answering, 2, at=noon - timedelta(minutes=1), stage="large")
    logged(answering, 3, at=noon - timedelta(days=8))
    verdicts.record_verdict(actor=actor_of_lead, trial=row, quality=1, now=noon)
    with django_assert_num_queries(4):
        found = list(evidence.logged(cascade=answering, now=noon, days=7))
    shadowed, up = found
    # The suggested policy shadows one request of a hundred.
    assert (shadowed.weight, up.weight) == (100, 1)
    models = [each["target"]["model"] for each in answering.policies.get(number=1).body["stages"]]
    assert set(shadowed.outcomes) == {models[0], models[2]}
    small = shadowed.outcomes[models[0]]
    assert (small.quality, small.score, small.text) == (1, 0.9, "On its way.")
    assert evidence.logged_count(cascade=answering, now=noon, days=7) == 2


def test_shadow_and_sampled_judge_label_what_nobody_judged(
    answering: Cascade, noon: datetime, actor_of_lead: Actor
) -> None:
    row = logged(answering, 1, at=noon, shadow=True)
    other = logged(answering, 2, at=noon - timedelta(minutes=1))
    row.tried.append(
        {"shadow": "large", "of": "small", "agreement": 0.8, "kind": "text", "answer": "It left."}
    )
    other.tried.append({"judged": "small", "score": 0.7})
    Trial.objects.bulk_update([row, other], ["tried"])
    models = [each["target"]["model"] for each in answering.policies.get(number=1).body["stages"]]
    shadowed, judged = evidence.logged(cascade=answering, now=noon, days=7)
    assert shadowed.outcomes[models[0]].quality == 0.8
    large = shadowed.outcomes[models[2]]
    assert (large.quality, large.text) == (1, "It left.")
    assert judged.outcomes[models[0]].quality == 0.7
    assert queries.decision(trial=row).asides == (row.tried[1],)
    assert len(queries.to_review(cascade=answering, now=noon)) == 2
    verdicts.record_verdict(actor=actor_of_lead, trial=row, stage="large", quality=0, now=noon)
    verdicts.record_verdict(actor=actor_of_lead, trial=row, quality=1, now=noon)
    shadowed, _ = evidence.logged(cascade=answering, now=noon, days=7)
    assert [shadowed.outcomes[each].quality for each in (models[0], models[2])] == [1, 0]


def test_a_drawn_request_tells_what_every_stage_makes_of_it(
    answering: Cascade, noon: datetime
) -> None:
    row = logged(answering, 1, at=noon, shadow=True)
    models = [each["target"]["model"] for each in answering.policies.get(number=1).body["stages"]]
    Attempt.objects.create(
        uuid=UUID(int=77), trial_uuid=row.uuid, cascade=answering, feature=answering.feature,
        team=answering.feature.team, key="k", policy=1, number=3, role="shadow", stage="medium",
        model=models[1], outcome="answered", input_tokens=100, output_tokens=30,
        usd=Decimal("0.002"), micro=2000, latency_ms=600, price_version="p", at=noon,
    )  # fmt: skip
    beside = {"shadow": "large", "kind": "text"}
    row.tried += [
        {**beside, "of": "small", "agreement": 0.4, "answer": "It left."},
        {**beside, "of": "medium", "agreement": 0.9, "score": 0.7, "said": "It left on Monday."},
    ]
    row.save()
    (drawn,) = evidence.logged(cascade=answering, now=noon, days=7)
    small, medium, large = (drawn.outcomes[model] for model in models)
    assert drawn.weight == 100
    assert [each.quality for each in (small, medium, large)] == [0.4, 0.9, 1]
    assert [each.score for each in (small, medium, large)] == [0.9, 0.7, None]
    assert [each.text for each in (medium, large)] == ["It left on Monday.", "It left."]
    policy = asking.policy_of(answering.policies.get(number=1).body)
    known = labelled(policy, [drawn], prices=price_table(now=noon))
    assert len(known.trials) == 1


def test_what_was_heard_is_known_of_a_logged_request(answering: Cascade, noon: datetime) -> None:
    row = logged(answering, 1, at=noon, stage="medium", score=0.5)
    models = [each["target"]["model"] for each in answering.policies.get(number=1).body["stages"]]
    row.tried[1] |= {"alone": 0.7, "like": {"small": [1.0, "number"]}}
    row.save()
    (found,) = evidence.logged(cascade=answering, now=noon, days=7)
    medium = found.outcomes[models[1]]
    assert (medium.score, medium.alone, medium.heard) == (0.99, 0.7, (models[0],))
    assert medium.like == {models[0]: Agreement(Kind.NUMBER, 1.0)}
    assert found.outcomes[models[0]].heard == ()
    decision = queries.decision(trial=row)
    assert [each.alone for each in decision.looks] == [None, 0.7]


def test_live_figures_equal_the_log_to_the_last_digit(
    priced: None,
    feature: Feature,
    cascade_url: str,
    noon: datetime,
    actor_of_lead: Actor,
    actor_of_stranger: Actor,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    pretend = gateway(feature, now=noon)
    for _ in range(40):
        made, told = pretend.request()
        tell(cascade_url, [*made, told])
    with stream_at(cascade_url) as stream:
        turn(stream=stream, now=noon)
    with django_assert_num_queries(7):
        found = live.live(cascade=pretend.cascade, now=noon)
    rows = Trial.objects.filter(cascade=pretend.cascade)
    assert found.whole.requests == 40 == sum(bar.figures.requests for bar in found.hours)
    assert found.whole.usd == found.month.usd == sum(row.usd for row in rows)
    assert found.whole.shadow_usd == sum(row.shadow_usd for row in rows)
    attempts = Attempt.objects.filter(cascade=pretend.cascade)
    assert sum(found.by_role.values()) == sum(each.usd for each in attempts)
    assert found.whole.total_usd == sum(each.usd for each in attempts)
    given = found.whole.answered + found.whole.short
    assert sum(stage.answered for stage in found.stages) == given
    (line,) = live.overview(actor=actor_of_lead, now=noon)
    assert line.day == found.whole
    assert live.overview(actor=actor_of_stranger, now=noon) == ()


def test_the_overview_takes_the_same_queries_for_many_cascades(
    answering: Cascade,
    feature: Feature,
    noon: datetime,
    actor_of_lead: Actor,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    Cascade.objects.create(feature=feature, environment="staging", slug="other", created_at=noon)
    with django_assert_num_queries(5):
        assert len(live.overview(actor=actor_of_lead, now=noon)) == 2


def test_each_stage_alone_stands_beside_what_was_booked_for_the_same_requests(
    answering: Cascade, noon: datetime, django_assert_num_queries: Callable[..., Any]
) -> None:
    logged(answering, 1, at=noon)
    logged(answering, 2, at=noon, stage="large", shadow=False)
    logged(answering, 3, at=noon, shadow=True)
    standing = standing_of(cascade=answering)
    price_table(now=noon)
    with django_assert_num_queries(3):
        found = beside(cascade=answering, standing=standing, now=noon)
    assert found is not None
    rows = Trial.objects.filter(cascade=answering)
    assert (found.requests, found.usd) == (3, sum(row.usd + row.shadow_usd for row in rows))
    assert [each.stage for each in found.rivals] == ["large", "medium", "small"]
    table = price_table(now=noon)
    for each in found.rivals:
        tariff = table.find(each.model)
        assert tariff is not None
        assert each.usd == 3 * as_usd(cost_pico(tariff, Tokens(100, 20)))
        assert each.saved_usd == each.usd - found.usd


def test_answers_paid_by_the_hour_stand_beside_nothing(answering: Cascade, noon: datetime) -> None:
    logged(answering, 1, at=noon)
    logged(answering, 2, at=noon)
    Attempt.objects.filter(trial_uuid=UUID(int=2)).update(model=hourly_key("own-llama"))
    found = beside(cascade=answering, standing=standing_of(cascade=answering), now=noon)
    assert found is not None
    assert (found.requests, found.by_the_hour) == (1, 1)
    assert found.usd == Trial.objects.get(uuid=UUID(int=1)).usd


def test_nothing_stands_beside_a_cascade_that_answered_nothing(
    answering: Cascade, noon: datetime
) -> None:
    assert beside(cascade=answering, standing=standing_of(cascade=answering), now=noon) is None
    assert beside(cascade=answering, standing=None, now=noon) is None
