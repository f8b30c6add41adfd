"""A router learns from labelled trials what can be learnt, says what that is worth, and no more."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks import outcomes
from benchmarks.router_metrics import routed
from cascade.domain.calibrating import FOLDS, Held, chances, platts
from cascade.domain.fitting import Fit, _calibrated, _measured
from cascade.domain.hashing import Hashed
from cascade.domain.logistic import fit_logistic, rows_of, sigmoid
from cascade.domain.request import Tokens
from cascade.domain.router import gain, p_right
from cascade.domain.training import Example, auc, examples_of, train
from cascade.domain.trial import Outcome, Trial

THINGS = ("card", "refund", "order", "invoice", "parcel", "password", "account", "voucher")
STAGES = ("haiku", "opus")


def _examples(count: int, *, seed: int = 0) -> list[Example]:
    """Return prompts of which the weak stage fails most that ask to `reconcile`, the strong few."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        is_hard = bool(random.random() < 0.4)
        task = "reconcile" if is_hard else "find"
        things = " ".join(random.choice(THINGS, 4).tolist())
        weak = float(random.random() < (0.2 if is_hard else 0.95))
        strong = float(random.random() < (0.85 if is_hard else 0.97))
        found.append(Example(f"please {task} {things} {number}", (weak, strong)))
    return found


def _noise(count: int) -> list[Example]:
    random = np.random.default_rng(5)
    return [
        Example(
            " ".join(random.choice(THINGS, 6).tolist()) + f" {number}",
            (float(random.random() < 0.7), float(random.random() < 0.8)),
        )
        for number in range(count)
    ]


def test_what_the_weak_stage_fails_is_foreseen_on_prompts_never_seen() -> None:
    router = train(_examples(600), stages=STAGES, version="1").router
    hard_prompt, easy_prompt = (
        f"please {it} card refund order parcel 9999" for it in ("reconcile", "find")
    )
    hard, easy = p_right(router, text=hard_prompt), p_right(router, text=easy_prompt)
    assert hard[0] < 0.4 < 0.8 < easy[0]
    assert hard[1] > 0.7
    assert gain(router, text=hard_prompt) > gain(router, text=easy_prompt) + 0.3


def test_the_fit_is_told_on_labels_it_has_not_seen_beside_the_base_rate() -> None:
    fit = train(_examples(600), stages=STAGES, version="1").fits[0]
    assert (fit.labels, fit.needed, fit.is_used) == (600, 0, True)
    assert fit.auc is not None
    assert 0.8 < fit.auc < 0.95  # the labels' own noise does not allow more
    assert fit.brier is not None
    assert fit.base_brier is not None
    assert fit.brier < fit.base_brier - 0.05
    assert fit.told == f"haiku: AUC {fit.auc:.3f} on 600 labels"


def test_its_chances_are_calibrated() -> None:
    router = train(_examples(600), stages=STAGES, version="1").router
    fresh = _examples(600, seed=9)
    said = np.array([p_right(router, text=one.text)[0] for one in fresh])
    right = np.array([one.right[0] for one in fresh], float)
    for group in (said < 0.5, said >= 0.5):
        assert said[group].mean() == pytest.approx(right[group].mean(), abs=0.08)


def test_the_same_examples_and_seed_give_the_same_bytes() -> None:
    first = train(_examples(250), stages=STAGES, version="1", seed=3)
    again = train(_examples(250), stages=STAGES, version="1", seed=3)
    assert first.router.to_bytes() == again.router.to_bytes()
    assert first.fits == again.fits


def test_too_few_labels_are_counted_and_the_base_rate_stands_in() -> None:
    trained = train(_examples(50), stages=STAGES, version="1")
    assert trained.fits[0].needed >= 150
    assert trained.fits[0].told.startswith(f"haiku needs {trained.fits[0].needed} more labels")
    rates = tuple(fit.base_rate for fit in trained.fits)
    assert p_right(trained.router, text="please reconcile card") == pytest.approx(rates)


def test_a_stage_that_is_hardly_ever_wrong_needs_more_labels_than_the_least() -> None:
    examples = [Example(f"find card {n}", (1.0, float(n % 100 > 0))) for n in range(300)]
    weak, strong = train(examples, stages=STAGES, version="1").fits
    assert weak.needed > 5_000  # nothing wrong yet in 300
    assert 1_000 < strong.needed < weak.needed
    assert weak.base_rate < 1


def test_prompts_that_tell_nothing_leave_the_base_rate() -> None:
    trained = train(_noise(300), stages=STAGES, version="1")
    for place, fit in enumerate(trained.fits):
        assert not fit.is_used
        assert fit.needed == 0
        assert "its base rate is used" in fit.told
        assert p_right(trained.router, text="card order")[place] == pytest.approx(fit.base_rate)


def test_a_trial_that_judged_one_stage_teaches_that_stage_only() -> None:
    whole = _examples(400)
    partly = [
        Example(one.text, (one.right[0], one.right[1] if place % 8 == 0 else None))
        for place, one in enumerate(whole)
    ]
    weak, strong = train(partly, stages=STAGES, version="1").fits
    assert (weak.labels, strong.labels) == (400, 50)
    assert weak.is_used
    assert strong.needed > 0


def test_stages_with_about_as_many_labels_are_calibrated_by_one_slope() -> None:
    weak, strong = train(_examples(600), stages=STAGES, version="1").router.calibration
    assert weak.slope == strong.slope
    assert weak.offset != strong.offset


def test_a_stage_with_far_fewer_labels_keeps_a_slope_of_its_own() -> None:
    examples = [
        Example(one.text, (one.right[0], one.right[0] if place % 3 == 0 else None))
        for place, one in enumerate(_examples(900))
    ]
    trained = train(examples, stages=STAGES, version="1")
    first, second = trained.router.calibration
    assert [fit.is_used for fit in trained.fits] == [True, True]
    # The same labels, a third of them: the fit is drawn further in, so its slope is steeper.
    assert second.slope > first.slope + 0.1


def test_a_slope_is_not_shared_with_a_stage_whose_fit_it_would_spoil() -> None:
    random = np.random.default_rng(8)
    scores, folds = random.normal(size=4000), np.arange(4000) % FOLDS
    held = [
        Held(scores, (random.random(4000) < sigmoid(slope * scores)) * 1.0, np.ones(4000), folds)
        for slope in (2.0, 0.15)
    ]
    assert len({platt.slope for platt in platts(held)}) == 1
    alone = [_fit_of(one) for one in held]
    found, _ = _calibrated(held, alone)
    assert [platt.slope for platt in found] == pytest.approx([2.0, 0.15], abs=0.2)


def _fit_of(one: Held) -> Fit:
    empty = Fit("", one.labels.size, 0.5, is_used=True)
    return _measured(empty, one, chances([one])[0])


def test_nothing_to_learn_from_says_a_half_and_asks_for_labels() -> None:
    trained = train([], stages=STAGES, version="0")
    assert p_right(trained.router, text="anything") == pytest.approx((0.5, 0.5))
    assert all(fit.needed >= 200 for fit in trained.fits)


@pytest.mark.parametrize("right", [(1.0,), (1.0, 1.5), (-0.1, 1.0), (1.0, float("nan"))])
def test_labels_that_do_not_fit_the_stages_are_refused(right: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="label from 0 to 1"):
        train([Example("a", right)], stages=STAGES, version="1")


def test_trials_are_taken_where_somebody_judged_and_no_call_failed() -> None:
    at, tokens = datetime(2026, 11, 1, tzinfo=UTC), Tokens(10, 10)
    given = {
        "one": {"h": Outcome(1.0, tokens), "o": Outcome(0.5, tokens)},
        "unjudged": {"h": Outcome(None, tokens)},
        "failed": {"h": Outcome(0.0, tokens, failed="throttled"), "o": Outcome(1.0, tokens)},
    }
    trials = [Trial(name, name, outcomes, weight=50.0, at=at) for name, outcomes in given.items()]
    assert examples_of(trials, models=("h", "o")) == (
        Example("one", (1.0, 0.5), 50.0),
        Example("failed", (None, 1.0), 50.0),
    )


def test_a_trial_of_a_small_sample_weighs_as_many_as_it_stands_for() -> None:
    rows = rows_of([Hashed(np.array([0], np.int32), np.ones(1, np.float32))] * 4, columns=1)
    fitted = fit_logistic(rows, [1, 0, 0, 0], importance=[9, 1, 1, 1], counts=0)
    assert sigmoid(fitted.log_odds(rows))[0] == pytest.approx(0.75, abs=0.02)


def test_the_fit_stands_where_its_loss_is_flat() -> None:
    random = np.random.default_rng(2)
    table = random.normal(size=(200, 3)).astype(np.float32)
    labels = (table @ [2.0, -1.0, 0.0] + random.logistic(size=200) > 0).astype(float)
    rows = rows_of([Hashed(np.arange(3, dtype=np.int32), row) for row in table], columns=3)
    fitted = fit_logistic(rows, labels, penalty=1e-6, counts=3, count_scale=1.0)
    residuals = sigmoid(fitted.log_odds(rows)) - labels
    assert np.abs(rows.back(residuals)).max() < 0.05
    assert abs(residuals.sum()) < 0.05


def test_rows_without_labels_are_refused() -> None:
    rows = rows_of([Hashed(np.array([0], np.int32), np.ones(1, np.float32))] * 2, columns=1)
    with pytest.raises(ValueError, match="each row needs one label"):
        fit_logistic(rows, [1.0])
    with pytest.raises(ValueError, match="0 rows"):
        fit_logistic(rows_of([]), [])


def test_auc_counts_pairs_in_the_right_order_and_ties_half() -> None:
    assert auc(np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 1, 1])) == 1.0
    assert auc(np.array([1.0, 2, 3, 4]), np.array([1.0, 0, 1, 0])) == 0.25
    assert auc(np.array([1.0, 1, 1]), np.array([0.0, 1, 1])) == 0.5
    assert auc(np.array([1.0, 2]), np.array([1.0, 1])) == 0.5


@pytest.mark.skipif(not outcomes.is_here(), reason="recorded outcomes are not on this machine")
def test_real_outcomes_route_better_than_by_chance() -> None:
    pairs = outcomes.routellm_mmlu()
    learnt = [pair for pair in pairs if pair.bucket in outcomes.TRAINING][::10]
    asked = [pair for pair in pairs if pair.bucket in outcomes.TESTING]
    examples = [Example(pair.prompt, (float(pair.weak), float(pair.strong))) for pair in learnt]
    router = train(examples, stages=("weak", "strong"), version="1").router
    scores = np.array([gain(router, text=pair.prompt) for pair in asked])
    weak = np.array([pair.weak for pair in asked], float)
    strong = np.array([pair.strong for pair in asked], float)
    assert routed(scores, weak, strong).apgr > 0.57
