"""A replay hears earlier answers as live traffic does: by what was logged, or by the texts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.calibration.choosing import calibrate
from cascade.domain.calibration.paths import labelled
from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.gate.assessing import REFUSED
from cascade.domain.policy import Policy
from cascade.domain.replay.following import Followed, follow
from cascade.domain.replay.ground import Ground
from cascade.domain.replay.replaying import replay
from cascade.domain.replay.senses import Senses, beside, compared, likeness, logged_score
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial
from cascade.domain.walk import opinions
from tests.unit.cascade.cascade_policies import policy, price_table, stage, trial

PRICES = price_table(1, 3, 5)
HEARS = policy(shadow_share=0.0, hears_earlier=True)
DEAF = policy(shadow_share=0.0)
SAME, OTHER = Agreement(Kind.NUMBER, 1.0), Agreement(Kind.NUMBER, 0.0)
DOUBTED = trial("one", (1, 0.5), (1, 0.7), (1, 0.9))


def said(whole: Trial, model: str, **changed: object) -> Trial:
    return replace(
        whole,
        outcomes={**whole.outcomes, model: replace(whole.outcomes[model], **changed)},
    )


def asked(of: Trial, by=HEARS, **more) -> list[tuple[int, float | None]]:
    found = follow(Ground(by, PRICES, **more), of)
    return [(each.stage, each.score) for each in found.tried]


def test_alike_is_believed_and_unlike_goes_on() -> None:
    alike, unlike = (said(DOUBTED, "middle", like={"small": each}) for each in (SAME, OTHER))
    assert asked(DOUBTED, DEAF) == [(0, 0.5), (1, 0.7), (2, 0.9)]
    (_, small), (_, middle) = asked(alike)
    assert (small, middle) == (0.5, pytest.approx(0.9274, abs=1e-3))
    assert [place for place, _ in asked(unlike)] == [0, 1, 2]
    assert asked(unlike)[1][1] == pytest.approx(0.1747, abs=1e-3)


def test_a_stage_that_is_skipped_says_nothing() -> None:
    alike = said(DOUBTED, "middle", like={"small": SAME})
    straight = Senses(foresee=lambda each: (0.01, 0.85, 0.8))
    assert asked(alike, senses=straight)[0] == (1, 0.7)


def test_the_score_as_logged_stands_when_the_same_answers_were_heard() -> None:
    judged = said(DOUBTED, "middle", score=0.83, alone=0.6, heard=("small",), like={"small": SAME})
    assert logged_score(judged, "middle", ("small",)) == 0.83
    assert logged_score(judged, "middle", ()) == 0.6
    assert logged_score(DOUBTED, "middle", ()) == 0.7


def test_texts_tell_what_nobody_logged() -> None:
    told = said(said(DOUBTED, "small", text="The answer is 42."), "middle", text="So: answer is 42")
    assert likeness(told, "middle", "small") == SAME
    assert likeness(DOUBTED, "middle", "small") is None
    back = said(DOUBTED, "small", like={"middle": OTHER})
    assert likeness(back, "middle", "small") == OTHER


def test_a_refusal_is_no_better_for_being_said_twice() -> None:
    alike = said(DOUBTED, "middle", like={"small": SAME})
    assert beside(alike, "middle", ("small",), 0.02) == 0.02


def test_unknown_likeness_is_told_and_in_a_log_never_to_the_advantage() -> None:
    sure = trial("one", (1, 0.5), (1, 0.85), (1, 0.9))
    uploaded = follow(Ground(HEARS, PRICES), sure)
    assert (uploaded.stage, uploaded.is_unheard, uploaded.is_supposed) == (1, True, False)
    found = follow(Ground(HEARS, PRICES, supposes=True), sure)
    assert (found.stage, found.is_unheard, found.is_supposed) == (2, True, True)
    assert replay(HEARS, [sure], prices=PRICES).unheard == 1
    assert replay(DEAF, [sure], prices=PRICES).unheard == 0


def test_thresholds_are_found_without_hearing_where_nothing_is_known_to_hear() -> None:
    sure = trial("one", (1, 0.9), (1, 0.9), (1, 0.9))
    few = [replace(sure, trial_id=str(each)) for each in range(400)]
    heard = [said(each, "middle", like={"small": SAME}) for each in few]
    deaf, hearing = (calibrate(HEARS, rows, prices=PRICES, steps=4) for rows in (few, heard))
    assert (deaf.labels, hearing.labels) == (400, 400)
    assert "of too few labelled trials it is known whether two stages said the same" in deaf.words
    assert "Earlier answers" not in hearing.words
    assert deaf.policy is not None
    assert not deaf.policy.hears_earlier
    assert hearing.policy is not None
    assert hearing.policy.hears_earlier


def test_a_few_labels_that_tell_do_not_throw_the_others_away() -> None:
    sure = trial("one", (1, 0.9), (1, 0.9), (1, 0.9))
    every = [replace(sure, trial_id=str(each)) for each in range(400)]
    some = [said(each, "middle", like={"small": SAME}) for each in every[:60]]
    found = calibrate(HEARS, [*some, *every[60:]], prices=PRICES, steps=4)
    assert found.labels == 400
    most = [said(each, "middle", like={"small": SAME}) for each in every[:300]]
    assert calibrate(HEARS, [*most, *every[300:]], prices=PRICES, steps=4).labels == 300


def test_labels_whose_first_answer_says_nothing_stay_labels() -> None:
    """Else a promise would be made without the requests that the first stage breaks on."""
    broken = trial("broken", (0, 0.0), (0, 0.9), (1, 0.9))
    refused = trial("refused", (0, 0.02), (0, 0.9), (1, 0.9))
    empty = said(said(broken, "small", score=None), "middle", score=None, text="It left today.")
    rows = [broken, refused, replace(empty, trial_id="empty")]
    assert len(labelled(HEARS, rows, prices=PRICES).trials) == 3
    found = follow(Ground(HEARS, PRICES, supposes=True), broken)
    assert (found.stage, found.is_unheard, found.is_supposed) == (1, False, False)


def test_a_refusal_is_one_also_where_nobody_laid_it_beside_another() -> None:
    refuses = trial("one", (1, 0.5), (0, 0.02), (1, 0.9))
    found = follow(Ground(HEARS, PRICES, supposes=True), refuses)
    assert [each.score for each in found.tried] == [0.5, 0.02, 0.9]
    assert (found.is_unheard, found.is_supposed) == (False, False)


def test_a_stage_nobody_asked_then_may_have_spoken_against_the_next() -> None:
    skipped = replace(DOUBTED, outcomes={"middle": replace(DOUBTED.outcomes["middle"], score=0.9)})
    foresees = Senses(foresee=lambda each: (0.5, 0.9, 0.95))
    ladder = replace(HEARS, may_skip=False)
    for senses in (Senses(), foresees):
        found = follow(Ground(ladder, PRICES, senses, supposes=True), skipped)
        assert (found.stage, found.is_unheard, found.is_supposed) == (2, True, True)
        deaf = replace(ladder, hears_earlier=False)
        assert follow(Ground(deaf, PRICES, senses, supposes=True), skipped).stage == 1


SCORES = st.sampled_from((0.0, 0.02, 0.2, 0.4, 0.6, 0.8, 0.92, 0.97))
ALIKE = st.sampled_from((0.0, 1.0))
FOUR = ("small", "middle", "large", "huge")
DEAR = price_table(1, 2, 3, 5, models=FOUR)
POLICIES = st.builds(
    lambda levels, hears, most: policy(
        *(stage(*pair) for pair in zip(FOUR, levels, strict=True)),
        shadow_share=0.0,
        hears_earlier=hears,
        most_escalations=most,
    ),
    st.tuples(*[st.sampled_from((0.1, 0.3, 0.5, 0.7, 0.9, 0.95))] * 4),
    st.booleans(),
    st.integers(1, 3),
)


@st.composite
def answered(draw: st.DrawFn) -> Trial:
    """Draw a request that every one of four stages answers."""
    outcomes = {}
    for place, model in enumerate(FOUR):
        like = {other: Agreement(Kind.NUMBER, draw(ALIKE)) for other in FOUR[:place]}
        outcomes[model] = Outcome(1.0, Tokens(1_000, 100), 1.0, score=draw(SCORES), like=like)
    return Trial("one", "?", outcomes)


def logged(whole: Trial, by: Policy) -> tuple[Trial, Followed]:
    """Return what the gateway would have logged of a request, and how it went."""
    went = follow(Ground(by, DEAR), whole)
    kept = {}
    for at, tried in enumerate(went.tried):
        outcome = whole.outcomes[FOUR[tried.stage]]
        spoke = opinions(by, went.tried[:at], place=tried.stage)
        said = [FOUR[each] for each in spoke] if (outcome.score or 0) > REFUSED else []
        heard = said if by.hears_earlier else []
        kept[FOUR[tried.stage]] = replace(
            outcome,
            quality=None,
            score=tried.score,
            alone=outcome.score if heard else None,
            heard=tuple(heard),
            like={each: outcome.like[each] for each in said},
        )
    return replace(whole, outcomes=kept), went


@given(answered(), POLICIES, POLICIES)
def test_a_log_tells_what_its_own_policy_did_and_flatters_no_other(
    whole: Trial, then: Policy, now: Policy
) -> None:
    kept, went = logged(whole, then)
    own = follow(Ground(then, DEAR, supposes=True), kept)
    assert (own.pico, own.stage, own.is_supposed) == (went.pico, went.stage, False)
    assert [each.score for each in own.tried] == [each.score for each in went.tried]
    true = follow(Ground(now, DEAR), whole)
    found = follow(Ground(now, DEAR, supposes=True), kept)
    assert found.pico >= true.pico
    assert found.is_supposed or (found.pico, found.stage) == (true.pico, true.stage)


def test_only_what_can_be_compared_is_a_label_of_who_hears() -> None:
    known = said(DOUBTED, "middle", like={"small": SAME})
    trials = [DOUBTED, replace(known, trial_id="two")]
    assert [each.trial_id for each in labelled(HEARS, trials, prices=PRICES).trials] == ["two"]
    assert len(labelled(DEAF, trials, prices=PRICES).trials) == 2
    assert compared(DOUBTED, ["small", "middle"]) is None
