"""The constructed day of support keeps its shares and never chooses by the stages' own outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import outcomes
from benchmarks.outcomes import Answered, Asked, Question
from benchmarks.support_mix import (
    EIGHTY,
    SEVENTY,
    STAGES,
    Level,
    level_of,
    level_of_text,
    support_mix,
)

recorded = pytest.mark.skipif(
    not outcomes.is_here(), reason="recorded outcomes are not on this machine"
)


def _question(*others: bool, stages: bool = True) -> Question:
    said = {f"other-{place}": Answered(is_right=is_right) for place, is_right in enumerate(others)}
    own = {stage: Answered(is_right=stages) for stage in STAGES}
    return Question("1", "gsm", "How many?", 0, {**said, **own})


def test_a_question_is_as_hard_as_it_is_to_the_models_that_are_no_stages() -> None:
    assert level_of(_question(True, True, True)) is Level.EASY
    assert level_of(_question(True, True, False)) is Level.MIDDLE
    assert level_of(_question(True, False)) is Level.HARD


def test_a_stage_that_fails_does_not_make_a_question_harder() -> None:
    easy = _question(True, True, stages=False)
    assert level_of(easy) is level_of(replace(easy, models=_question(True, True).models))
    assert level_of(easy) is Level.EASY


def test_a_text_is_as_hard_as_its_form() -> None:
    assert level_of_text(Asked("Where is my card?", "card", "banking77")) is Level.EASY
    assert level_of_text(Asked("word " * 13, "card", "banking77")) is Level.MIDDLE
    assert level_of_text(Asked("Cancel it.", "retail", "tau2")) is Level.HARD


@recorded
@pytest.mark.parametrize("shares", [SEVENTY, EIGHTY])
def test_the_mix_keeps_its_shares_and_uses_no_outcome_twice(
    shares: tuple[float, float, float],
) -> None:
    mix = support_mix(shares)
    levels = Counter(one.level for one in mix)
    assert len({one.origin for one in mix}) == len(mix) > 1_000
    for level, share in zip(Level, shares, strict=True):
        assert levels[level] / len(mix) == pytest.approx(share, abs=0.005)


@recorded
def test_no_text_is_on_both_sides_of_the_split() -> None:
    mix = support_mix()
    learnt = {one.trial.prompt for one in mix if one.trial.bucket in outcomes.TRAINING}
    asked = {one.trial.prompt for one in mix if one.trial.bucket in outcomes.TESTING}
    assert learnt
    assert asked
    assert not learnt & asked


@recorded
def test_the_same_seed_makes_the_same_day_and_another_another() -> None:
    assert support_mix() == support_mix()
    assert support_mix() != support_mix(seed=1)
