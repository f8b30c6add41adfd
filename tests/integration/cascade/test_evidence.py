"""What was logged becomes trials: labels, weights, and what was heard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from cascade.domain.calibration.paths import labelled
from cascade.domain.gate.agreement import Agreement, Kind
from cascade.models import Attempt, Cascade, Trial
from cascade.queries import evidence
from cascade.queries import trials as queries
from cascade.queries.tariffs import price_table
from cascade.usecases import asking, verdicts
from portal.access import Actor
from tests.integration.cascade.logbook import logged


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
