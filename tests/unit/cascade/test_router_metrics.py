"""APGR and CPT against curves worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.router_metrics import apgr, cpt, curve, resampled, routed

# One of ten is gained by the strong model, eight are right by both, one by neither.
WEAK = np.array([0.0, 0.0, *[1.0] * 8])
STRONG = np.array([1.0, 0.0, *[1.0] * 8])


def test_a_router_that_sends_the_one_gain_first_recovers_all_at_a_tenth() -> None:
    scores = np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0])
    found = routed(scores, WEAK, STRONG)
    assert found.cpt50 == pytest.approx(0.05)
    assert found.cpt80 == pytest.approx(0.08)
    assert found.apgr == pytest.approx(0.95)


def test_a_router_that_sends_the_one_gain_last_recovers_nothing_before_the_end() -> None:
    scores = np.array([0.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    found = routed(scores, WEAK, STRONG)
    assert found.cpt50 == pytest.approx(0.95)
    assert found.apgr == pytest.approx(0.05)


def test_random_scores_recover_half_on_average() -> None:
    random = np.random.default_rng(7)
    weak = (random.random(20_000) < 0.6).astype(float)
    strong = (random.random(20_000) < 0.8).astype(float)
    found = routed(random.random(20_000), weak, strong)
    assert found.apgr == pytest.approx(0.5, abs=0.05)
    assert found.cpt50 == pytest.approx(0.5, abs=0.1)


def test_a_curve_may_pass_the_strong_model_where_only_the_weak_one_is_right() -> None:
    weak = np.array([0.0, 0.0, 1.0, 1.0])
    strong = np.array([1.0, 1.0, 0.0, 1.0])
    found = curve(np.array([4.0, 3.0, 1.0, 2.0]), weak, strong, bins=4)
    assert found.recovered.max() == pytest.approx(2.0)
    assert apgr(found) > 1.0


def test_equal_scores_send_all_or_none_and_stand_at_random() -> None:
    found = curve(np.zeros(10), WEAK, STRONG)
    assert set(found.strong_share.tolist()) == {0.0, 1.0}
    assert apgr(found) == pytest.approx(0.5)
    assert cpt(found, 0.8) == pytest.approx(0.8)


def test_models_that_are_equally_good_leave_no_gap() -> None:
    with pytest.raises(ValueError, match="no gap"):
        curve(np.zeros(10), WEAK, WEAK)


def test_resampling_stays_around_the_figure_and_repeats_itself() -> None:
    random = np.random.default_rng(3)
    weak = (random.random(2_000) < 0.6).astype(float)
    strong = (random.random(2_000) < 0.9).astype(float)
    scores = random.random(2_000) + (strong - weak)
    drawn = resampled(scores, weak, strong, seed=1, times=50)
    again = resampled(scores, weak, strong, seed=1, times=50)
    assert np.array_equal(drawn, again)
    low, high = np.quantile(drawn[:, 0], [0.05, 0.95])
    assert low < routed(scores, weak, strong).apgr < high
    assert low < high
