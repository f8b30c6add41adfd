"""What happens next to a request, whatever was tried before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.policy import Fallback, Judge, PartnerWhen, Policy
from cascade.domain.walk import Move, Plan, Step, Tried, next_move, opinions
from tests.unit.cascade.cascade_policies import policy, stage, target

THREE = policy()
LADDER = Plan(order=(0, 1, 2), reason="every stage in turn", highest=2)


def move(
    *tried: Tried, of: Policy = THREE, plan: Plan = LADDER, left_s: float = 10.0
) -> tuple[Step, int]:
    found = next_move(of, plan, tried, left_s=left_s)
    return found.step, found.stage


def test_the_first_stage_of_the_plan_is_asked_first() -> None:
    straight = Plan(order=(2,), reason="hard", highest=2)
    assert next_move(THREE, straight, (), left_s=1) == Move(Step.ASK, 2, "hard")


def test_a_score_at_the_threshold_is_accepted_and_one_below_escalates() -> None:
    assert move(Tried(0, 0.8)) == (Step.ACCEPT, 0)
    assert move(Tried(0, 0.79)) == (Step.ASK, 1)


def test_a_skipped_stage_is_never_asked_while_the_planned_ones_answer() -> None:
    skips = Plan(order=(0, 2), reason="", highest=2)
    assert move(Tried(0, 0.1), plan=skips) == (Step.ASK, 2)


def test_what_was_said_earlier_is_an_opinion_unless_it_is_broken_or_refuses() -> None:
    tried = (Tried(0, 0.5), Tried(1, 0.02), Tried(2, None, failed="hung"), Tried(3, 0.0))
    five = policy(*(stage(name) for name in "abcdef"))
    assert opinions(five, tried, place=4) == (0,)
    assert opinions(five, (), place=4) == ()
    assert opinions(five, tried, place=5) == (), "the last stage's answer is given anyway"


def test_the_top_stage_is_given_whatever_its_score_and_is_not_short() -> None:
    found = next_move(THREE, LADDER, (Tried(0, 0.1), Tried(1, 0.2), Tried(2, 0.05)), left_s=1)
    assert (found.step, found.stage, found.is_short) == (Step.ACCEPT, 2, False)


def test_a_broken_top_answer_gives_way_to_the_best_before_it_which_is_short() -> None:
    tried = (Tried(0, 0.7), Tried(1, 0.3), Tried(2, 0.0))
    found = next_move(THREE, LADDER, tried, left_s=1)
    assert (found.step, found.stage, found.is_short) == (Step.ACCEPT, 0, True)


def test_a_broken_answer_is_refused_even_where_nothing_is_asked_of_it() -> None:
    free = policy(stage("small", 0.0), stage("large", 0.0))
    plan = Plan(order=(0, 1), reason="", highest=1)
    assert move(Tried(0, 0.0), of=free, plan=plan) == (Step.ASK, 1)


def test_who_refuses_short_answers_gets_a_failure_instead() -> None:
    strict = policy(fallback=Fallback.REFUSE)
    low = Plan(order=(0,), reason="the budget is nearly spent", highest=0)
    assert move(Tried(0, 0.5), of=strict, plan=low) == (Step.FAIL, 0)
    assert move(Tried(0, 0.5), plan=low) == (Step.ACCEPT, 0)


def test_a_deadline_that_passed_gives_the_best_there_is() -> None:
    assert move(Tried(0, 0.5), left_s=0) == (Step.ACCEPT, 0)
    assert move(Tried(0, failed="timed-out"), left_s=0) == (Step.FAIL, 0)


def test_most_escalations_stop_the_climb_but_a_failed_stage_is_none() -> None:
    once = policy(most_escalations=1)
    assert move(Tried(0, 0.1), Tried(1, 0.1), of=once) == (Step.ACCEPT, 1)
    assert move(Tried(0, failed="throttled"), Tried(1, 0.1), of=once) == (Step.ASK, 2)


def test_when_the_only_planned_stage_is_down_the_strongest_other_stands_in() -> None:
    straight = Plan(order=(2,), reason="hard", highest=2)
    assert move(Tried(2, failed="overloaded"), plan=straight) == (Step.ASK, 1)
    both = (Tried(2, failed="overloaded"), Tried(1, failed="overloaded"))
    assert move(*both, plan=straight) == (Step.ASK, 0)
    assert move(*both, Tried(0, 0.4), plan=straight) == (Step.ACCEPT, 0)
    assert move(*both, Tried(0, failed="broken"), plan=straight) == (Step.FAIL, 0)


def test_a_stand_in_never_costs_more_than_the_budget_allows() -> None:
    low = Plan(order=(0,), reason="", highest=1)
    assert move(Tried(0, failed="throttled"), plan=low) == (Step.ASK, 1)
    assert move(Tried(0, failed="throttled"), Tried(1, failed="throttled"), plan=low) == (
        Step.FAIL,
        1,
    )


def test_a_partner_is_asked_when_unsure_and_its_word_ends_the_doubt() -> None:
    pair = policy(stage("small", partner=target("other")), stage("large"))
    plan = Plan(order=(0, 1), reason="", highest=1)
    assert move(Tried(0, 0.9), of=pair, plan=plan) == (Step.ACCEPT, 0)
    assert move(Tried(0, 0.5), of=pair, plan=plan) == (Step.COMPARE, 0)
    assert move(Tried(0, 0.95, is_compared=True), of=pair, plan=plan) == (Step.ACCEPT, 0)
    assert move(Tried(0, 0.5, is_compared=True), of=pair, plan=plan) == (Step.ASK, 1)


def test_a_partner_asked_always_is_asked_even_of_a_good_score() -> None:
    always = stage("small", partner=target("other"), partner_when=PartnerWhen.ALWAYS)
    plan = Plan(order=(0, 1), reason="", highest=1)
    assert move(Tried(0, 0.99), of=policy(always, stage("large")), plan=plan) == (Step.COMPARE, 0)


def test_nobody_is_paid_to_doubt_the_top_stage() -> None:
    always = stage("large", partner=target("other"), partner_when=PartnerWhen.ALWAYS)
    judged = policy(stage("small"), always, judge=Judge(target=target("judge"), low=0, high=1))
    plan = Plan(order=(1,), reason="", highest=1)
    assert move(Tried(1, 0.5), of=judged, plan=plan) == (Step.ACCEPT, 1)


def test_a_judge_is_asked_once_inside_its_band_on_either_side_of_the_threshold() -> None:
    judged = policy(
        stage("small", 0.6), stage("large"), judge=Judge(target=target("judge"), low=0.4, high=0.8)
    )
    plan = Plan(order=(0, 1), reason="", highest=1)
    assert move(Tried(0, 0.5), of=judged, plan=plan) == (Step.JUDGE, 0)
    assert move(Tried(0, 0.7), of=judged, plan=plan) == (Step.JUDGE, 0)
    assert move(Tried(0, 0.8), of=judged, plan=plan) == (Step.ACCEPT, 0)
    assert move(Tried(0, 0.39), of=judged, plan=plan) == (Step.ASK, 1)
    assert move(Tried(0, 0.5, is_judged=True), of=judged, plan=plan) == (Step.ASK, 1)
    assert move(Tried(0, 0.5), of=judged, plan=Plan((0,), "", highest=0)) == (Step.ACCEPT, 0)


def test_what_the_strong_model_would_also_miss_is_not_escalated_and_said_to_be_short() -> None:
    plan = Plan(order=(0, 2), reason="", highest=2, enough=(0.4, 0.4, 0.0))
    found = next_move(THREE, plan, (Tried(0, 0.45),), left_s=1)
    assert (found.step, found.stage, found.is_short) == (Step.ACCEPT, 0, True)
    assert move(Tried(0, 0.39), plan=plan) == (Step.ASK, 2)


scores = st.one_of(st.none(), st.floats(0, 1))
orders = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True).map(
    lambda found: tuple(sorted(found))
)


@settings(max_examples=50)
@given(
    order=orders,
    found=st.lists(scores, min_size=3, max_size=3),
    most=st.integers(0, 3),
    compared=st.floats(0, 1),
    fallback=st.sampled_from(list(Fallback)),
)
def test_every_walk_ends_and_asks_no_stage_twice(order, found, most, compared, fallback) -> None:
    walked = policy(
        stage("small", partner=target("other")),
        stage("middle"),
        stage("large"),
        judge=Judge(target=target("judge"), low=0.2, high=0.9),
        most_escalations=most,
        fallback=fallback,
    )
    plan = Plan(order=order, reason="", highest=2)
    tried: list[Tried] = []
    asked: list[int] = []
    for _ in range(12):
        step = next_move(walked, plan, tried, left_s=1)
        if step.step is Step.ASK:
            asked.append(step.stage)
            score = found[step.stage]
            tried.append(Tried(step.stage, score, failed="" if score is not None else "broken"))
        elif step.step is Step.COMPARE:
            tried[-1] = Tried(step.stage, compared, is_compared=True)
        elif step.step is Step.JUDGE:
            last = tried[-1]
            tried[-1] = Tried(step.stage, last.score, is_compared=True, is_judged=True)
        else:
            break
    assert step.step in {Step.ACCEPT, Step.FAIL}
    assert len(asked) == len(set(asked))
    assert sum(1 for each in tried if each.score is not None) <= most + 1
    if step.step is Step.ACCEPT:
        assert any(each.stage == step.stage and each.score for each in tried)
    if step.step is Step.FAIL and fallback is Fallback.BEST:
        assert not any(each.score for each in tried)
