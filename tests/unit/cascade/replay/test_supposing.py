"""Logged requests: what nobody answered then is supposed, never to a policy's advantage."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.policy import Policy
from cascade.domain.replay.following import follow
from cascade.domain.replay.ground import Ground
from cascade.domain.replay.replaying import replay
from cascade.domain.request import Tokens
from cascade.domain.trial import Trial
from tests.unit.cascade.cascade_policies import MODELS, policy, price_table, stage, trial

PRICES = price_table(1, 3, 5)
ONE = 1_500_000_000
QUIET = policy(shadow_share=0.0)
STRICT = policy(stage("small", 0.95), stage("middle", 0.8), stage("large"), shadow_share=0.0)


def logged(whole: Trial, by: Policy) -> Trial:
    """Return what a log keeps of a trial that a policy answered: the stages that were asked."""
    asked = [MODELS[each.stage] for each in follow(Ground(by, PRICES), whole).tried]
    kept = {model: replace(whole.outcomes[model], quality=None) for model in asked}
    return replace(whole, outcomes=kept)


def test_a_policy_costs_in_the_replay_of_its_own_log_what_it_cost() -> None:
    every = (
        trial("easy", (1, 0.9), (1, 0.9), (1, 0.9)),
        trial("hard", (0, 0.3), (1, 0.85), (1, 0.9)),
        trial("hopeless", (0, 0.1), (0, 0.2), (0, 0.3)),
    )
    whole = replay(QUIET, every, prices=PRICES)
    found = replay(QUIET, [logged(each, QUIET) for each in every], prices=PRICES, supposes=True)
    assert (found.pico, found.trials, found.supposed) == (whole.pico, 3, 0)
    assert found.escalations == whole.escalations
    assert found.judged == 0


def test_a_stage_that_was_not_asked_is_booked_as_asked_in_vain() -> None:
    kept = logged(trial("easy", (1, 0.9), (1, 0.9), (1, 0.9)), QUIET)
    assert set(kept.outcomes) == {"small"}
    found = replay(STRICT, [kept], prices=PRICES, supposes=True)
    assert (found.pico, found.supposed, found.judged) == ((1 + 3 + 5) * ONE, 1, 0)
    assert found.left_out == {}
    assert replay(STRICT, [kept], prices=PRICES).trials == 0


def test_costs_count_each_request_once_and_quality_by_its_weight() -> None:
    drawn = trial("drawn", (0, 0.9), (1, 0.9), (1, 0.9), weight=100.0)
    plain = logged(trial("plain", (1, 0.9), (1, 0.9), (1, 0.9)), QUIET)
    found = replay(QUIET, [drawn, plain], prices=PRICES, supposes=True)
    assert found.pico == 2 * ONE
    assert (found.judged, found.quality.value, found.strongest_quality.value) == (1, 0, 1)


def test_a_request_nobody_answered_is_left_out_with_the_reason() -> None:
    nothing = Trial(trial_id="none", prompt="?", outcomes={})
    found = replay(QUIET, [nothing], prices=PRICES, supposes=True)
    assert (found.trials, sum(found.left_out.values())) == (0, 1)


SCORES = st.tuples(*[st.tuples(st.sampled_from((0, 1)), st.floats(0.01, 1))] * 3)
LEVELS = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(SCORES, min_size=1, max_size=8), LEVELS, LEVELS)
def test_what_is_supposed_never_makes_a_policy_cheaper_than_it_is(
    outcomes: list[tuple[tuple[int, float], ...]],
    then: tuple[float, float],
    now: tuple[float, float],
) -> None:
    def at(levels: tuple[float, float]) -> Policy:
        small, middle = levels
        return policy(
            stage("small", small), stage("middle", middle), stage("large"), shadow_share=0.0
        )

    every = [trial(f"t{place}", *each) for place, each in enumerate(outcomes)]
    kept = [logged(each, at(then)) for each in every]
    true = replay(at(now), every, prices=PRICES)
    found = replay(at(now), kept, prices=PRICES, supposes=True)
    assert found.trials == true.trials
    assert found.pico >= true.pico
    assert found.supposed or found.pico == true.pico


def test_rivals_cost_over_all_requests_what_the_policy_costs_over() -> None:
    drawn = trial("drawn", (1, 0.9), (1, 0.9), (1, 0.9), weight=100.0)
    plain = logged(trial("plain", (1, 0.9), (1, 0.9), (1, 0.9)), QUIET)
    found = replay(QUIET, [drawn, plain, plain], prices=PRICES, supposes=True)
    alone = {each.name: (each.pico, each.quality) for each in found.baselines}
    assert alone["all small"] == (3 * ONE, 1)
    assert alone["all middle"] == (9 * ONE, 1)
    assert alone["all large"] == (15 * ONE, 1) == (found.strongest_pico, 1)


def test_without_a_judged_request_rivals_have_a_cost_and_no_quality() -> None:
    plain = logged(trial("plain", (1, 0.9), (1, 0.9), (1, 0.9)), QUIET)
    found = replay(QUIET, [plain], prices=PRICES, supposes=True)
    assert [(each.name, each.pico, each.quality) for each in found.baselines] == [
        ("all large", 5 * ONE, None),
        ("all middle", 3 * ONE, None),
        ("all small", ONE, None),
    ]


def test_a_call_that_failed_says_nothing_of_what_an_answer_costs() -> None:
    whole = trial("t", (0, 0.1), (1, 0.9), (1, 0.9))
    small = whole.outcomes["small"]
    failed = replace(small, tokens=Tokens(), quality=None, score=None, failed="throttled")
    kept = replace(whole, outcomes={"small": replace(small, quality=None), "large": failed})
    found = replay(QUIET, [kept], prices=PRICES, supposes=True)
    assert found.pico >= (1 + 3) * ONE
    assert found.strongest_pico == 5 * ONE
    assert {each.name: each.pico for each in found.baselines}["all middle"] == 3 * ONE
