"""Which stage goes first is decided by money and the chance of being right, together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.planning import acceptance, plan
from cascade.domain.policy import Fallback, Policy
from cascade.domain.walk import Plan
from tests.unit.cascade.cascade_policies import policy, price_table, stage

OLD = price_table(1, 12, 60)
NOW = price_table(1, 3, 5)


def planned(of: Policy, *p_right: float, prices=NOW, highest: int = 2) -> Plan:
    return plan(
        of, p_right=p_right, prices=prices, input_tokens=1000, output_tokens=100, highest=highest
    )


def test_without_a_forecast_every_stage_is_tried_in_turn() -> None:
    assert planned(policy()).order == (0, 1, 2)
    assert planned(policy(), highest=1).order == (0, 1)


def test_who_may_not_skip_tries_every_stage() -> None:
    assert planned(policy(may_skip=False), 0.1, 0.1, 0.9).order == (0, 1, 2)


def test_the_same_request_is_planned_anew_when_prices_change() -> None:
    chances = (0.5, 0.7, 0.9)
    assert planned(policy(), *chances, prices=OLD).order[0] == 0
    assert planned(policy(), *chances, prices=NOW).order == (2,)


def test_an_easy_request_begins_at_the_cheapest_stage_at_any_price() -> None:
    for prices in (OLD, NOW, price_table(1, 20, 40)):
        assert planned(policy(), 0.97, 0.98, 0.99, prices=prices).order[0] == 0


def test_a_middle_stage_that_saves_little_after_a_rejection_is_skipped() -> None:
    assert planned(policy(), 0.95, 0.8, 0.99, prices=price_table(1, 4, 5)).order == (0, 2)


def test_what_the_strong_model_will_also_miss_goes_no_further() -> None:
    assert planned(policy(), 0.3, 0.3, 0.3).order == (0,)
    assert planned(policy(), 0.3, 0.32, 0.31, highest=2).order == (1,)


def test_a_gain_must_be_worth_its_money() -> None:
    chances = (0.55, 0.6, 0.7)
    assert planned(policy(skip_gain=0.0), *chances).order[-1] == 2
    assert planned(policy(skip_gain=0.3), *chances).order == (0,)


def test_who_refuses_short_answers_always_keeps_the_top_stage() -> None:
    strict = policy(fallback=Fallback.REFUSE, scorer="v1")
    found = planned(strict, 0.3, 0.3, 0.3)
    assert (found.order[-1], found.enough) == (2, ())


def test_the_budget_caps_how_high_a_plan_reaches() -> None:
    assert max(planned(policy(), 0.2, 0.5, 0.9, highest=1).order) == 1


def test_a_model_without_a_price_is_never_skipped_over() -> None:
    unknown = price_table(1, 3, models=("small", "middle"))
    found = planned(policy(), 0.2, 0.5, 0.9, prices=unknown)
    assert (found.order, "missing" in found.reason) == ((0, 1, 2), True)


def test_a_stage_without_a_threshold_is_left_to_the_router_alone() -> None:
    bare = policy(stage("small", 0.0), stage("large", 0.0), skip_gain=0.5)
    two = price_table(1, 5, models=("small", "large"))
    found = [planned(bare, weak, 0.9, prices=two, highest=1).order for weak in (0.3, 0.6)]
    assert found == [(1,), (0,)]


def test_only_a_learned_score_is_weighed_against_the_chances_above() -> None:
    chances = (0.6, 0.7, 0.75)
    assert planned(policy(), *chances).enough == ()
    enough = planned(policy(scorer="v1", skip_gain=0.1), *chances).enough
    # The top costs all of the strongest answer's money: 0.75 - 0.1; the middle 0.7 - 0.06.
    assert enough == pytest.approx((0.65, 0.65, 0.0))


def test_the_reason_says_where_it_starts_and_why() -> None:
    assert planned(policy(), 0.97, 0.98, 0.99).reason.startswith("small first: expected to save ")
    assert planned(policy(), 0.3, 0.3, 0.9).reason.startswith("straight to large")
    assert planned(policy(), 0.3, 0.3, 0.3).reason.startswith("only small")


def test_paid_by_the_hour_costs_nothing_more_and_is_planned_all_the_same() -> None:
    free = price_table(0, 0, 0)
    assert planned(policy(), 0.5, 0.7, 0.9, prices=free).order == (2,)


chance = st.floats(0, 1)


@settings(max_examples=50)
@given(chance, chance, chance, st.floats(0, 1), st.integers(0, 2), st.integers(0, 3))
def test_any_forecast_gives_a_rising_order_inside_the_limits(one, two, three, gain, high, most):
    found = planned(
        policy(skip_gain=gain, most_escalations=most), one, two, three, prices=OLD, highest=high
    )
    assert list(found.order) == sorted(set(found.order))
    assert found.order[-1] <= high
    assert len(found.order) <= most + 1


@settings(max_examples=50)
@given(chance, chance, st.floats(0, 1))
def test_a_higher_threshold_accepts_no_more(p_right: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert acceptance(p_right, high) <= acceptance(p_right, low)
