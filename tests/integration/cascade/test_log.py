"""What was logged: decisions explained, requests found, verdicts that label."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from cascade.models import Cascade, Trial, Verdict
from cascade.queries import evidence
from cascade.queries import trials as queries
from cascade.usecases import verdicts
from portal.access import SYSTEM, Actor
from portal.errors import Invalid, NotAllowed, NotFound
from tests.integration.cascade.logbook import logged


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
