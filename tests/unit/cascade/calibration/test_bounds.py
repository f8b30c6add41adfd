"""Bounds hold as often as they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.calibration.bounds import (
    Evidence,
    clopper_pearson,
    labels_needed,
    lower_bound,
    student,
    weigh,
)
from cascade.domain.calibration.feasibility import feasibility


def test_an_exact_bound_on_a_share_is_that_of_the_tables() -> None:
    # R: binom.test(95, 100, alternative = "greater")$conf.int[1]; all of 50 at 95 % is 0.05^(1/50).
    assert clopper_pearson(95, 100, confidence=0.95) == pytest.approx(0.8977, abs=1e-4)
    assert clopper_pearson(50, 50, confidence=0.95) == pytest.approx(0.05 ** (1 / 50), abs=1e-9)
    assert clopper_pearson(0, 50, confidence=0.95) == 0


def test_students_quantiles_are_those_of_the_tables() -> None:
    assert student(0.95, 10) == pytest.approx(1.8125, abs=2e-3)
    assert student(0.9, 30) == pytest.approx(1.3104, abs=1e-3)
    assert student(0.9, 1e9) == pytest.approx(1.2816, abs=1e-4)


def test_too_little_evidence_bounds_nothing() -> None:
    assert lower_bound(Evidence(1.0, 0.0, 1.0), confidence=0.9) == -math.inf
    assert weigh(np.array([]), np.array([])).trials == 0


def test_a_promise_about_a_few_requests_lies_lower_than_one_about_all() -> None:
    evidence = Evidence(mean=0.02, spread=0.3, trials=1000)
    whole = lower_bound(evidence, confidence=0.9)
    assert lower_bound(evidence, confidence=0.9, ahead=1000) < whole < evidence.mean


def test_a_loss_not_yet_seen_is_counted_in() -> None:
    fine = np.ones(50)
    assert weigh(fine, fine).spread == 0
    assert weigh(fine, fine, worst=-1.0).mean == pytest.approx(49 / 51)


def test_weighted_labels_are_worth_fewer_equal_ones() -> None:
    values = np.array([1.0, 0.0, 1.0, 0.0])
    found = weigh(values, np.array([9.0, 1.0, 1.0, 1.0]))
    assert (found.mean, found.trials) == (10 / 12, pytest.approx(144 / 84))


def test_labels_are_asked_for_as_the_margin_shrinks() -> None:
    near, far = (labels_needed(Evidence(mean, 0.3, 100), confidence=0.9) for mean in (0.01, 0.03))
    # ((1.2816 + 0.8416) x 0.3 / 0.03)^2
    assert far == pytest.approx(451, abs=1)
    assert near == pytest.approx(9 * 451, abs=9)
    assert labels_needed(Evidence(0.0, 0.3, 100), confidence=0.9) is None


def test_a_bound_at_nine_in_ten_fails_about_one_time_in_ten() -> None:
    rng = np.random.default_rng(7)
    truth, fails = 0.05, 0
    for _ in range(400):
        seen = rng.choice([-1.0, 0.0, 1.0], size=300, p=[0.05, 0.85, 0.10])
        found = lower_bound(weigh(seen, np.ones(300)), confidence=0.9)
        fails += found > truth
    assert fails / 400 == pytest.approx(0.1, abs=0.05)


def test_what_must_escalate_follows_from_the_risk_and_what_is_allowed() -> None:
    found = feasibility(cheapest_quality=0.75, strongest_quality=1.0, target=0.9, cost_share=0.2)
    assert found.escalated == pytest.approx((0.25 - 0.1) / 0.9)
    assert found.most_saved == pytest.approx(1 - 0.2 - 0.15 / 0.9)
    assert "at least 16.7% of requests must escalate" in found.words


def test_a_cheap_model_that_is_good_enough_need_not_escalate() -> None:
    found = feasibility(cheapest_quality=0.9, strongest_quality=0.9, target=0.98, cost_share=0.2)
    assert (found.escalated, found.most_saved) == (0, 0.8)
    assert "nothing need escalate" in found.words


shares = st.floats(0.01, 1)


@settings(max_examples=50)
@given(shares, shares, st.floats(0, 1), st.floats(0, 1))
def test_shares_stay_shares(cheapest: float, strongest: float, target: float, cost: float) -> None:
    found = feasibility(
        cheapest_quality=cheapest, strongest_quality=strongest, target=target, cost_share=cost
    )
    assert 0 <= found.escalated <= 1
    assert 0 <= found.most_saved <= 1
