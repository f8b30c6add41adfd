"""Several gates, each with its own threshold, from the safest to the boldest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.calibration.frontier import NEVER, Outlook, outlook_of, thresholds
from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.replay.senses import Senses
from tests.unit.cascade.cascade_policies import policy, price_table, trial


def drawn(count: int, *, ratios: tuple[int, int, int], seed: int = 1) -> Outlook:
    """Scores of two gates, and a last stage that is rarer right where the first is."""
    rng = np.random.default_rng(seed)
    first, second = rng.beta(3, 1.5, count), rng.beta(4, 2, count)
    chances = np.column_stack((first, second, 0.45 + 0.5 * first))
    return Outlook(chances, np.tile(np.array(ratios, float), (count, 1)), np.ones(count))


def made(outlook: Outlook, levels: tuple[float, ...]) -> tuple[float, float]:
    """Return the expected share of right answers and the cost of a request."""
    first, second = (outlook.chances[:, gate] >= levels[gate] for gate in range(2))
    small, middle, large = outlook.chances.T
    right = np.where(first, small, np.where(second, middle, large))
    paid = outlook.costs * np.column_stack((np.ones(len(first)), ~first, ~first & ~second))
    return float(right.mean()), float(paid.sum(axis=1).mean())


def test_the_first_step_lets_nothing_pass_and_each_is_bolder() -> None:
    found = thresholds(drawn(300, ratios=(1, 12, 60)), steps=20)
    assert found[0] == (NEVER, NEVER)
    assert len(found) <= 21
    for safer, bolder in pairwise(found):
        assert all(low <= high for low, high in zip(bolder, safer, strict=True))
        assert bolder != safer


def test_thresholds_of_their_own_save_more_than_one_for_all() -> None:
    outlook = drawn(600, ratios=(1, 12, 60))
    shared = [made(outlook, (level, level)) for level in np.linspace(0, 1, 201)]
    own = [made(outlook, levels) for levels in thresholds(outlook, steps=40)]
    best = max(right for right, _ in shared)
    for quality in (best - 0.02, best - 0.04):
        cheapest = min(cost for right, cost in own if right >= quality)
        assert cheapest < 0.9 * min(cost for right, cost in shared if right >= quality)


def test_the_last_gate_is_easier_than_the_first_where_the_last_stage_is_dear_and_errs() -> None:
    middle = thresholds(drawn(600, ratios=(1, 12, 60)), steps=40)[10]
    assert middle[1] < middle[0] - 0.05


@given(
    st.lists(
        st.tuples(*(st.floats(0, 1) for _ in range(4)), st.sampled_from([1.0, 50.0])),
        max_size=30,
    ),
    st.integers(1, 12),
)
def test_whatever_the_scores_steps_fall_and_stay_within_bounds(rows, steps) -> None:
    told = np.array(rows, float).reshape(-1, 5)
    outlook = Outlook(told[:, :4], np.tile([1.0, 3.0, 5.0, 9.0], (len(rows), 1)), told[:, 4])
    found = thresholds(outlook, steps=steps)
    assert found[0] == (NEVER,) * 3
    assert len(found) <= steps + 1
    assert all(0 <= level <= 1 for levels in found for level in levels)
    assert list(found) == sorted(found, reverse=True)


def test_the_ground_is_what_the_gates_score_beside_earlier_answers_and_what_is_foreseen() -> None:
    alike = {"small": Agreement(Kind.NUMBER, 1.0)}
    whole = trial("one", (1, 0.5), (1, 0.7), (1, 0.9), weight=50.0)
    middle = replace(whole.outcomes["middle"], like=alike)
    large = replace(whole.outcomes["large"], score=None)
    row = replace(whole, outcomes={**whole.outcomes, "middle": middle, "large": large})
    hears = policy(hears_earlier=True)
    found = outlook_of(hears, [row], prices=price_table(1, 3, 5), senses=Senses())
    assert found.chances.tolist() == [[0.5, pytest.approx(0.9274, abs=1e-3), 1.0]]
    assert found.costs.tolist() == [[1.5e9, 4.5e9, 7.5e9]]
    assert found.weight.tolist() == [50.0]
    told = Senses(foresee=lambda each: (0.1, 0.2, 0.8))
    foreseen = outlook_of(policy(), [row], prices=price_table(1, 3, 5), senses=told)
    assert foreseen.chances.tolist() == [[0.5, 0.7, 0.8]]
