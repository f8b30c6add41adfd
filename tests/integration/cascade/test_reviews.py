"""What reviewers say moves the thresholds: from verdict to calibration to draft."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

import pytest

from cascade.domain.calibration.choosing import Target
from cascade.models import Calibration, Cascade, Trial
from cascade.usecases import calibrations, policies, rollouts, verdicts
from cascade.usecases.asking import Over
from portal.access import Actor
from tests.integration.cascade.logbook import logged

REQUESTS = 300
# Below, the small model is wrong; reviewers find that it is wrong up to the other one.
WRONG_BELOW, FOUND_WRONG_BELOW = 0.4, 0.7


@pytest.fixture
def reviewed(cascade: Cascade, actor_of_lead: Actor, noon: datetime) -> Cascade:
    """The cascade live with a small and a large stage, and a log the strong model was shown."""
    body = deepcopy(cascade.draft.body)
    del body["stages"][1], body["step_down"]
    policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
    for number in range(REQUESTS):
        score = number / REQUESTS
        row = logged(
            cascade, number + 1, at=noon - timedelta(minutes=number), score=score, shadow=True
        )
        agreement = float(score >= WRONG_BELOW)
        row.tried.append(
            {"shadow": "large", "of": "small", "agreement": agreement, "kind": "text", "answer": ""}
        )
        row.save()
    return cascade


def calibrated(cascade: Cascade, actor: Actor, now: datetime) -> Calibration:
    """Return what a calibration over the log finds."""
    asked = calibrations.request_calibration(
        actor=actor, cascade=cascade, target=Target(quality=0.95, confidence=0.9),
        over=Over(days=7), now=now,
    )  # fmt: skip
    done = calibrations.run_calibration(calibration_id=asked.pk, clock=lambda: now)
    assert done is not None
    assert done.state == "done", done.words
    return done


def test_what_reviewers_say_raises_the_threshold_of_the_next_draft(
    reviewed: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    first = calibrated(reviewed, actor_of_lead, noon)
    for row in Trial.objects.filter(cascade=reviewed):
        score = row.tried[0]["score"]
        if WRONG_BELOW <= score < FOUND_WRONG_BELOW:
            verdicts.record_verdict(actor=actor_of_lead, trial=row, quality=0, now=noon)
    second = calibrated(reviewed, actor_of_lead, noon)

    levels = [each.result["chosen"]["levels"][0] for each in (first, second)]
    assert levels[0] < FOUND_WRONG_BELOW <= levels[1] + 0.1
    assert levels[1] > levels[0] + 0.1
    for each, level in zip((first, second), levels, strict=True):
        draft = calibrations.apply_calibration(actor=actor_of_lead, calibration=each, now=noon)
        assert draft.body["stages"][0]["threshold"] == level
