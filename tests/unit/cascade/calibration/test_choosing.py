"""Thresholds keep the quality that was promised, and say what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cascade.domain.calibration.choosing import Target, calibrate, choose, judged, tempted
from cascade.domain.calibration.paths import Columns, Labelled, at_levels, narrowed, path, without
from cascade.domain.replay.senses import Senses
from cascade.domain.trial import Trial
from tests.unit.cascade.cascade_policies import policy, price_table, stage, trial

PRICES = price_table(1, 3, 5)
TWO = policy(stage("small"), stage("large"), shadow_share=0.0)
THREE = policy(shadow_share=0.0)


def traffic(count: int, *, seed: int = 1, sharp: float = 6.0) -> tuple[Trial, ...]:
    """Trials of a small model that is right by chance of its score, and a large one at 0.95."""
    rng = np.random.default_rng(seed)
    made = []
    for place in range(count):
        chance = 1 / (1 + np.exp(-sharp * (rng.random() - 0.25)))
        small, large = rng.random() < chance, rng.random() < 0.95
        score = float(chance)
        made.append(
            trial(str(place), (float(small), score), (float(large), score), (float(large), 0.9))
        )
    return tuple(made)


def test_the_chosen_thresholds_save_and_their_bound_holds_the_target() -> None:
    found = calibrate(TWO, traffic(900), prices=PRICES, steps=12)
    assert found.chosen is not None
    assert found.chosen.bound >= 0
    assert found.chosen.saved.value > 0
    assert found.policy is not None
    assert (found.policy.stages[0].threshold,) == found.chosen.levels
    assert found.policy.stages[1] == TWO.stages[1]
    assert "keeps 98% of the strongest model's quality with 90% confidence" in found.words


def test_what_tempts_saves_more_than_what_is_safe() -> None:
    found = calibrate(TWO, traffic(600), prices=PRICES, steps=12)
    assert found.tempting is not None
    assert found.chosen is not None
    assert found.tempting.saved.value >= found.chosen.saved.value


def test_nothing_after_the_first_failure_is_safe() -> None:
    points = calibrate(TWO, traffic(600), prices=PRICES, steps=12).points
    flags = [point.is_safe for point in points]
    assert flags == sorted(flags, reverse=True)
    assert [point.levels for point in points] == sorted(
        (point.levels for point in points), reverse=True
    )


def test_more_labels_dare_more() -> None:
    few, many = (
        calibrate(TWO, traffic(count), prices=PRICES, steps=12).chosen for count in (150, 1200)
    )
    assert many is not None
    assert (few.saved.value if few else 0.0) < many.saved.value


def test_a_higher_promise_saves_no_more() -> None:
    trials = traffic(900)
    saved = [
        found.chosen.saved.value if found.chosen else 0.0
        for found in (
            calibrate(TWO, trials, prices=PRICES, steps=12, target=Target(quality=quality))
            for quality in (0.9, 0.95, 0.98, 1.0)
        )
    ]
    assert saved == sorted(saved, reverse=True)


def test_too_few_labels_promise_nothing_and_say_how_many_are_the_least() -> None:
    found = calibrate(TWO, traffic(20), prices=PRICES, steps=12)
    assert (found.chosen, found.policy) == (None, None)
    assert found.words == "20 labels are too few to promise anything; 30 are the least."


def test_where_nothing_is_safe_the_labels_still_needed_are_told() -> None:
    found = calibrate(TWO, traffic(80), prices=PRICES, steps=12, target=Target(quality=0.97))
    assert found.chosen is None
    assert "No cheaper way keeps 97%" in found.words
    assert "labels" in found.words.split(".", 1)[1]


def test_a_sample_counts_for_those_it_stands_for() -> None:
    trials = traffic(900)
    weighted = tuple(replace(each, weight=50.0) for each in trials)
    plain, scaled = (calibrate(TWO, rows, prices=PRICES, steps=12) for rows in (trials, weighted))
    assert scaled.chosen is not None
    assert plain.chosen is not None
    assert scaled.chosen.levels == plain.chosen.levels
    assert scaled.chosen.bound == pytest.approx(plain.chosen.bound)


def test_unjudged_trials_are_no_labels() -> None:
    trials = traffic(100)
    blind = tuple(
        replace(
            each,
            outcomes={name: replace(one, quality=None) for name, one in each.outcomes.items()},
        )
        for each in trials
    )
    assert calibrate(TWO, blind, prices=PRICES, steps=12).labels == 0


def test_leaving_a_stage_out_may_be_chosen_and_shares_the_confidence() -> None:
    # The middle model's answers are the large one's, at three fifths of the price.
    found = calibrate(THREE, traffic(600), prices=PRICES, steps=6, families=(without(THREE, 1),))
    assert {point.family for point in found.points} == {
        "small > middle > large",
        "small > large",
    }
    assert found.policy is not None


def test_a_forecast_for_all_stages_serves_the_shapes_that_leave_some_out() -> None:
    told = Senses(foresee=lambda each: (0.9, 0.95, 0.99))
    shape = without(THREE, 1)
    assert narrowed(told, THREE, shape).foresee(traffic(1)[0]) == (0.9, 0.99)
    assert narrowed(Senses(), THREE, shape).foresee(traffic(1)[0]) == ()


def test_a_path_moves_from_nothing_passes_to_everything() -> None:
    rows = [trial(str(score), (1, score), (1, 0.9)) for score in (0.1, 0.4, 0.4, 0.9)]
    found = path(TWO, rows, prices=PRICES, senses=Senses(), steps=4)
    levels = [each.levels for each in found]
    assert levels[0] == (1.0,)
    assert levels[-1] == (0.1,)
    assert levels == sorted(levels, reverse=True)
    assert found[0].policy == at_levels(TWO, (1.0,))


def test_a_promise_is_kept_on_fresh_traffic_where_a_mean_would_break_it() -> None:
    broken = {"safe": 0, "tempting": 0}
    fresh = traffic(10_000, seed=99)
    small, large, score = arrays(fresh)
    for seed in range(100):
        points = judged(*walked(traffic(400, seed=seed)), target=Target())
        for name, point in (("safe", choose(points)), ("tempting", tempted(points))):
            if point is not None:
                given = np.where(score >= point.levels[0], small, large).mean()
                broken[name] += bool(given < 0.98 * large.mean())
    assert broken["safe"] <= 14
    assert broken["tempting"] >= 35


def arrays(trials):
    """Qualities of both models and the small one's scores."""
    rows = [(each.outcomes["small"], each.outcomes["large"]) for each in trials]
    return (
        np.array([one.quality for one, _ in rows]),
        np.array([other.quality for _, other in rows]),
        np.array([one.score for one, _ in rows]),
    )


def walked(trials):
    """What each level makes of trials, without walking: the small answer where its score passes."""
    small, large, score = arrays(trials)
    ones = np.ones(len(trials))
    known = Labelled(tuple(trials), ones, 5 * ones, large, ones, small)
    walks = []
    for candidate in path(TWO, trials, prices=PRICES, senses=Senses(), steps=20):
        passes = score >= candidate.levels[0]
        quality = np.where(passes, small, large)
        walks.append((candidate, Columns(np.where(passes, 1.0, 6.0), quality, passes * 1.0)))
    return walks, known
