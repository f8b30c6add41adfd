"""A shift is noticed soon, quiet traffic rings no bell, and an alarm tightens one step."""

from __future__ import annotations

import numpy as np
import pytest

from cascade.domain.drift import (
    Reference,
    ReferenceThin,
    Watch,
    ks,
    observe,
    psi,
    ratios,
    reference,
    tighten,
)
from cascade.domain.regret import Regret, observe_regret
from tests.unit.cascade.cascade_policies import policy, stage


def chances(count: int, *, hard: float = 0.0, seed: int = 1) -> np.ndarray:
    """P(right) of easy requests, of which a share are hard ones."""
    rng = np.random.default_rng(seed)
    easy, tough = rng.beta(6, 2, count), rng.beta(3, 5, count)
    return np.where(rng.random(count) < hard, tough, easy)


USUAL = reference(chances(20_000))
WATCH = Watch("P(right)", USUAL, worse_when_low=True, watches=3)


def test_a_fifth_of_hard_requests_is_noticed_within_a_thousand() -> None:
    for seed in range(20):
        _, alarm = observe(WATCH, chances(1000, hard=0.2, seed=seed))
        assert alarm is not None
        assert alarm.words.startswith("P(right): since ")


def alarms(watch: Watch, values: np.ndarray) -> int:
    rest, count = values.tolist(), 0
    while rest:
        watch, alarm = observe(watch, rest)
        if alarm is None:
            return count
        count, rest = count + 1, rest[alarm.seen :]
    return count


def rung(count: int, *, references: int, requests: int) -> int:
    """Count alarms over usual requests, of references of `count` that each err in their own way."""
    return sum(
        alarms(
            Watch("P(right)", reference(chances(count, seed=seed)), worse_when_low=True, watches=3),
            chances(requests, seed=100 + seed),
        )
        for seed in range(references)
    )


def test_usual_requests_ring_less_than_once_in_a_hundred_thousand() -> None:
    # One watch of three may ring a third of that: three times in 900,000.
    assert rung(20_000, references=6, requests=150_000) <= 3


def test_knowing_what_hard_looks_like_notices_it_sooner() -> None:
    rng = np.random.default_rng(11)
    told = reference(chances(20_000), hard=rng.beta(3, 5, 200).tolist())
    knows = Watch("P(right)", told, worse_when_low=True, watches=3)
    waits = {False: 0, True: 0}
    for seed in range(10):
        shifted = chances(3000, hard=0.15, seed=seed)
        for is_told, watch in ((False, WATCH), (True, knows)):
            _, alarm = observe(watch, shifted)
            assert alarm is not None
            waits[is_told] += alarm.seen
    assert waits[True] < waits[False]
    assert alarms(knows, chances(100_000, seed=12)) <= 2


def test_traffic_that_grows_easier_is_no_alarm() -> None:
    _, alarm = observe(WATCH, chances(20_000, seed=3) ** 0.3)
    assert alarm is None


def test_a_watch_goes_on_where_it_stopped() -> None:
    values = chances(1000, hard=0.2, seed=4)
    _, at_once = observe(WATCH, values)
    watch, alarm = observe(WATCH, values[:100])
    assert alarm is None
    _, later = observe(watch, values[100:])
    assert later == at_once


def test_after_an_alarm_it_begins_anew() -> None:
    watch, alarm = observe(WATCH, chances(2000, hard=0.5, seed=5))
    assert alarm is not None
    assert watch == WATCH


def test_a_rising_share_of_escalations_is_noticed() -> None:
    rng = np.random.default_rng(6)
    usual = reference((rng.random(20_000) < 0.2).astype(float))
    watch = Watch("escalations", usual, worse_when_low=False)
    _, quiet = observe(watch, (rng.random(50_000) < 0.2).astype(float))
    _, alarm = observe(watch, (rng.random(1000) < 0.32).astype(float))
    assert quiet is None
    assert alarm is not None


def test_each_test_is_a_likelihood_ratio_of_mean_one() -> None:
    for ratio in ratios(WATCH):
        assert np.dot(USUAL.shares, np.exp(ratio)) == pytest.approx(1)


def test_a_small_reference_looks_for_steep_shifts_alone() -> None:
    small = Watch("P(right)", reference(chances(1000)), worse_when_low=True)
    (steep,), (gentle,) = ratios(small), ratios(WATCH)
    assert max(steep) > 1.5 * max(gentle)


def test_a_small_reference_that_errs_rings_no_more_often_than_a_large_one() -> None:
    # Three times in a million; nine times where a reference's own error is not allowed for.
    assert rung(400, references=40, requests=25_000) <= 3


def test_few_requests_known_to_be_hard_tell_too_little() -> None:
    assert reference(chances(1000), hard=[0.1] * 9).hard == ()
    assert reference(chances(1000), hard=[0.1] * 10).hard != ()


def test_a_value_that_never_varies_is_not_watched() -> None:
    same = Watch("score", reference([0.5] * 300), worse_when_low=True)
    assert observe(same, [0.1] * 50) == (same, None)


def test_too_few_requests_are_no_reference() -> None:
    with pytest.raises(ReferenceThin, match="199 requests are too few"):
        reference(chances(199))


def test_distances_are_small_between_like_and_large_between_unlike() -> None:
    like, unlike = chances(5000, seed=8), chances(5000, hard=0.6, seed=9)
    assert psi(USUAL, like) < 0.05 < 0.25 < psi(USUAL, unlike)
    assert ks(USUAL, like) < 0.05 < 0.2 < ks(USUAL, unlike)


def test_psi_of_two_bins_is_worked_out_by_hand() -> None:
    halves = Reference((0.5,), (0.5, 0.5), 1000)
    # 800 below and 200 above: 0.3 x ln(0.8/0.5) - 0.3 x ln(0.2/0.5) = 0.3 x ln 4.
    found = psi(halves, [0.1] * 8000 + [0.9] * 2000)
    assert found == pytest.approx(0.3 * np.log(4), abs=1e-3)


def test_regret_beyond_what_was_promised_rings_and_regret_within_does_not() -> None:
    rng = np.random.default_rng(10)
    within = rng.choice([-1.0, 0.0, 1.0], 20_000, p=[0.04, 0.91, 0.05])
    beyond = rng.choice([-1.0, 0.0, 1.0], 1500, p=[0.02, 0.86, 0.12])
    regret, quiet = observe_regret(Regret(allowed=0.02), within)
    _, alarm = observe_regret(regret, beyond)
    assert quiet is None
    assert alarm is not None
    assert "more than the 2.0% that was promised" in alarm.words


def test_an_alarm_raises_each_gate_one_step_and_says_so() -> None:
    found = tighten(policy(stage("small", 0.8), stage("middle", 0.0), stage("large")), why="Drift.")
    assert [each.threshold for each in found.policy.stages] == [0.82, 0.0, 0.8]
    assert found.words == "Drift. Thresholds were raised one step: small from 0.80 to 0.82."


def test_a_step_is_one_that_was_calibrated_where_there_is_one() -> None:
    two = policy(stage("small", 0.8), stage("large"))
    assert tighten(two, why="", levels=[(1.0, 0.9, 0.85, 0.8)]).policy.stages[0].threshold == 0.85


def test_what_is_as_tight_as_can_be_stays() -> None:
    closed = policy(stage("small", 1.0), stage("large"))
    found = tighten(closed, why="Drift.")
    assert (found.policy, found.words) == (closed, "Drift. No threshold can be raised any further.")


@pytest.mark.parametrize("share", [0.01, 0.02, 0.04])
def test_escalations_are_watched_where_hardly_any_request_escalates(share: float) -> None:
    random = np.random.default_rng(7)
    usual = reference((random.random(1_000) < share).astype(float))
    watch = Watch("escalations", usual, worse_when_low=False, watches=3)
    _, alarm = observe(watch, (random.random(60_000) < share).astype(float))
    assert alarm is None
    _, alarm = observe(watch, (random.random(2_000) < share + 0.2).astype(float))
    assert alarm is not None
    assert alarm.seen < 300
