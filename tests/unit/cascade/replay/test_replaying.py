"""A replay books every call, judges every answer, and finds the same again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.policy import Classifier, Judge, PartnerWhen, Policy, StepDown
from cascade.domain.replay.following import Role, follow
from cascade.domain.replay.ground import Ground
from cascade.domain.replay.replaying import replay, what_if
from cascade.domain.replay.senses import Overheads, Senses, label_judge
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome
from tests.unit.cascade.cascade_policies import policy, price_table, stage, target, trial

PRICES = price_table(1, 3, 5, 2, 4, models=("small", "middle", "large", "other", "judge"))
ONE = 1_500_000_000  # pico-dollars of one answer of `small`: 1,000 in, 100 out
QUIET = policy(shadow_share=0.0)
EASY = trial("easy", (1, 0.9), (1, 0.9), (1, 0.9))
HARD = trial("hard", (0, 0.3), (1, 0.85), (1, 0.9))
HOPELESS = trial("hopeless", (0, 0.1), (0, 0.2), (0, 0.3))
THREE = (EASY, HARD, HOPELESS)


def test_each_rejected_answer_is_paid_for() -> None:
    found = replay(QUIET, THREE, prices=PRICES)
    assert found.pico == (1 + (1 + 3) + (1 + 3 + 5)) * ONE
    assert found.strongest_pico == 15 * ONE
    assert found.saved.value == pytest.approx(1 / 15)
    assert [(each.asked, each.answered, each.rejected) for each in found.stages] == [
        (3, 1, 2),
        (2, 1, 1),
        (1, 1, 0),
    ]
    assert (found.escalations, found.short, found.failed) == (3, 0, 0)


def test_quality_stands_beside_the_strongest_models_own() -> None:
    found = replay(QUIET, THREE, prices=PRICES)
    assert found.quality.value == pytest.approx(2 / 3)
    assert found.strongest_quality.value == pytest.approx(2 / 3)
    assert (found.lost.value, found.relative_quality) == (0, 1)
    assert found.quality.low <= found.quality.value <= found.quality.high


def test_latency_sums_what_the_client_waited_for() -> None:
    found = replay(QUIET, THREE, prices=PRICES)
    assert (found.latency_p50_s, found.latency_p95_s) == (3.0, 6.0)


def test_a_call_paid_twice_costs_its_input_again() -> None:
    found = replay(QUIET, (EASY,), prices=PRICES, overheads=Overheads(retried_share=1.0))
    assert found.by_role == {"stage": ONE, "retry": 1_000_000_000}


def test_shadow_calls_of_the_other_stages_are_booked_but_not_waited_for() -> None:
    found = replay(policy(shadow_share=1.0), (EASY,), prices=PRICES)
    assert found.by_role == {"stage": ONE, "shadow": (3 + 5) * ONE}
    assert found.latency_p95_s == 1.0
    assert "shadow" not in replay(policy(shadow_share=1.0), (HOPELESS,), prices=PRICES).by_role


def test_near_the_end_of_a_budget_no_shadow_calls_are_paid_for() -> None:
    careful = policy(shadow_share=1.0, step_down=(StepDown(at_share=0.8, highest="middle"),))
    found = replay(careful, (EASY,), prices=PRICES, budget_share=0.9)
    assert found.by_role == {"stage": ONE}


def test_a_partner_costs_its_answer_and_agreement_settles_the_doubt() -> None:
    pair = policy(
        stage("small", 0.8, partner=target("other"), partner_when=PartnerWhen.UNSURE),
        stage("large"),
        shadow_share=0.0,
    )
    outcomes = {
        **HARD.outcomes,
        "small": replace(HARD.outcomes["small"], text="42"),
        "other": Outcome(quality=1, tokens=Tokens(1000, 100), text=" 42\n", latency_s=1),
    }
    found = replay(pair, (replace(HARD, outcomes=outcomes),), prices=PRICES)
    assert found.by_role == {"stage": ONE, "partner": 2 * ONE}
    assert found.stages[0].answered == 1


def test_a_judge_is_paid_and_its_word_counts() -> None:
    judged = policy(judge=Judge(target=target("judge"), low=0.2, high=0.8), shadow_share=0.0)
    wise = Senses(judge=label_judge(agreement=1.0))
    found = replay(judged, (HARD, HOPELESS), prices=PRICES, senses=wise)
    # Of the rejected 0.3 and 0.2; 1,350 in and 12 out at 4 and 20 dollars a million.
    assert found.by_role["judge"] == 2 * (1350 * 4_000_000 + 12 * 20_000_000)
    assert found.quality.value == 0.5


def test_a_sampled_judge_reads_accepted_answers_aside() -> None:
    sampled = policy(judge=Judge(target=target("judge"), sample_share=1.0), shadow_share=0.0)
    found = replay(sampled, (EASY,), prices=PRICES)
    assert (found.by_role["judge"] > 0, found.latency_p95_s) == (True, 1.0)


def test_an_llm_classifier_is_paid_for_each_request() -> None:
    asks = policy(classifier=Classifier.LLM, classifier_target=target("small"), shadow_share=0.0)
    found = replay(asks, (EASY,), prices=PRICES)
    assert found.by_role["classifier"] == 1120 * 1_000_000 + 6 * 5_000_000


def test_the_plan_follows_the_prices_of_the_table() -> None:
    senses = Senses(foresee=lambda each: (0.5, 0.7, 0.9))
    old = price_table(1, 12, 60, version="old")
    now = price_table(1, 3, 5, version="now")
    found = what_if(QUIET, (HARD,), tables=(old, now), senses=senses)
    assert [each.price_version for each in found] == ["old", "now"]
    assert [each.stages[0].asked for each in found] == [1, 0]


def test_a_spent_budget_keeps_a_replay_low() -> None:
    careful = policy(step_down=(StepDown(0.9, "small"),), shadow_share=0.0)
    found = replay(careful, THREE, prices=PRICES, budget_share=0.95)
    assert (found.pico, found.short) == (3 * ONE, 2)


def test_a_trial_that_lacks_an_answer_is_left_out_and_counted() -> None:
    half = trial("half", (1, 0.9), None, (1, 0.9))
    found = replay(QUIET, (EASY, half), prices=PRICES)
    assert found.trials == 1
    assert found.left_out == {"What middle would have answered is not known.": 1}


def test_a_model_without_a_price_leaves_its_trials_out() -> None:
    found = replay(QUIET, (EASY,), prices=price_table(1, 3, models=("small", "middle")))
    assert (found.trials, found.saved.value) == (0, 0)
    assert found.left_out == {"large has no price in the table test.": 1}


def test_an_answer_nobody_judged_counts_for_cost_and_not_for_quality() -> None:
    outcomes = {name: replace(each, quality=None) for name, each in EASY.outcomes.items()}
    found = replay(QUIET, (HARD, replace(EASY, outcomes=outcomes)), prices=PRICES)
    assert (found.trials, found.judged, found.quality.value) == (2, 1, 1)


def test_a_failed_stage_is_stepped_over() -> None:
    down = {**EASY.outcomes, "small": Outcome(None, Tokens(), latency_s=1, failed="throttled")}
    found = replay(QUIET, (replace(EASY, outcomes=down),), prices=PRICES)
    assert (found.stages[0].failed, found.stages[1].answered) == (1, 1)
    assert found.escalations == 0


def test_a_sampled_trial_stands_for_those_that_were_not_kept() -> None:
    rare = replace(HARD, weight=9.0)
    found = replay(QUIET, (EASY, rare), prices=PRICES)
    assert found.pico == (1 + 9 * 4) * ONE


def test_intents_are_told_apart() -> None:
    both = (replace(EASY, intent="refund"), replace(HOPELESS, intent="legal"))
    found = {each.intent: each for each in replay(QUIET, both, prices=PRICES).intents}
    assert (found["refund"].saved, found["legal"].quality) == (0.8, 0)
    assert found["legal"].escalated == 1


def test_rivals_stand_beside_the_policy_at_their_cost() -> None:
    found = {each.name: each for each in replay(QUIET, THREE, prices=PRICES).baselines}
    assert list(found) == [
        "all large",
        "all middle",
        "all small",
        "best single cheaper model",
        "random mix at equal cost",
    ]
    assert (found["all middle"].pico, found["all middle"].quality) == (9 * ONE, 2 / 3)
    assert found["best single cheaper model"].quality == pytest.approx(2 / 3)
    assert found["random mix at equal cost"].pico == 14 * ONE


def test_nothing_to_replay_is_all_zeros() -> None:
    found = replay(QUIET, (), prices=PRICES)
    assert (found.trials, found.saved.value, found.baselines) == (0, 0, ())


chances = st.floats(0, 1)
outcomes = st.tuples(st.sampled_from([0.0, 0.5, 1.0]), chances)
made_trials = st.lists(st.tuples(outcomes, outcomes, outcomes), min_size=1, max_size=12).map(
    lambda rows: tuple(trial(str(place), *row) for place, row in enumerate(rows))
)
policies = st.builds(
    lambda one, two, shadow, most: policy(
        stage("small", one, partner=target("other")),
        stage("middle", two),
        stage("large", 0.0),
        shadow_share=shadow,
        most_escalations=most,
        judge=Judge(target=target("judge"), low=0.3, high=0.6, sample_share=0.3),
    ),
    chances,
    chances,
    chances,
    st.integers(0, 3),
)


def with_partner(each):
    answer = Outcome(quality=1, tokens=Tokens(1000, 100), latency_s=1)
    return replace(each, outcomes={**each.outcomes, "other": answer})


@settings(max_examples=30)
@given(policies, made_trials, st.integers(0, 9))
def test_a_replay_costs_the_sum_of_its_calls_and_finds_the_same_again(of, rows, seed) -> None:
    rows = tuple(map(with_partner, rows))
    found = replay(of, rows, prices=PRICES, seed=seed)
    ground = Ground(policy=of, prices=PRICES, seed=seed)
    calls = [call.pico for each in rows for call in follow(ground, each).calls]
    assert found.pico == sum(calls) == sum(found.by_role.values())
    assert found.pico == sum(each.pico for each in found.stages)
    assert sum(each.answered for each in found.stages) + found.failed == found.trials
    assert found == replay(of, rows, prices=PRICES, seed=seed)


@settings(max_examples=30)
@given(made_trials, chances, chances, st.floats(0, 1))
def test_raising_every_threshold_never_lowers_the_cost(rows, one, two, more) -> None:
    def at(by: float) -> Policy:
        return policy(
            stage("small", min(1, one + by)), stage("middle", min(1, two + by)), stage("large")
        )

    low, high = (replay(at(by), rows, prices=PRICES) for by in (0.0, more))
    # Shadow calls follow accepted answers alone, so they are no part of the promise.
    assert paid(low) <= paid(high)


def paid(found) -> int:
    return found.pico - found.by_role.get(Role.SHADOW, 0)
