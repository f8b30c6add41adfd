"""Percentiles carry the interval that their sample allows, and a cap counts the longest prompt."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.prices import Price
from deployments.domain.probing import (
    HEAD_TOKENS,
    Ask,
    Heard,
    Outcome,
    Tariff,
    as_speed,
    bounded,
    figures,
    figures_to_json,
    most_input,
    reached,
)

ON = date(2026, 11, 20)
VALUES = st.lists(st.floats(1, 1e5), min_size=1, max_size=120)


def heard(first_ms: float, speed: float | None = 100.0) -> Heard:
    return Heard(Outcome.ANSWERED, first_ms, first_ms + 1000, speed, 300, 100)


def test_a_median_of_twenty_lies_between_the_sixth_and_the_fifteenth() -> None:
    # The textbook interval for n = 20: P(x6 < median < x15) = 0.959.
    found = bounded([float(each) for each in range(1, 21)], 50)
    assert (found.low, found.value, found.high) == (6, 10, 15)


@pytest.mark.parametrize(("percent", "fewest"), [(50, 5), (95, 59), (99, 299)])
def test_a_percentile_has_an_upper_bound_only_in_a_sample_large_enough(
    percent: int, fewest: int
) -> None:
    values = [float(each) for each in range(fewest)]
    assert bounded(values, percent).high is not None
    assert bounded(values[:-1], percent).high is None


@given(VALUES, st.sampled_from([50, 95, 99]))
def test_an_interval_encloses_its_value(values: list[float], percent: int) -> None:
    found = bounded(values, percent)
    assert found.value in values
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.value <= found.high


def test_nine_of_ten_intervals_hold_the_true_percentile() -> None:
    dice = random.Random(7)
    held = 0
    for _ in range(400):
        found = bounded([dice.expovariate(1.0) for _ in range(200)], 95)
        held += found.low <= 2.995732 <= found.high
    assert held / 400 >= 0.88


def test_a_speed_at_p95_is_what_ninety_five_of_a_hundred_reach() -> None:
    found = reached([float(each) for each in range(1, 101)], 95)
    assert found.value == 6
    assert found.low <= found.value <= found.high


def test_only_answers_are_measured() -> None:
    silent = [Heard(outcome) for outcome in Outcome if outcome is not Outcome.ANSWERED]
    assert figures(silent) is None
    assert figures([*silent, heard(400)]).answers == 1


def test_how_sure_one_is_follows_from_the_sample() -> None:
    assert figures([heard(400 + each) for each in range(40)]).confidence.startswith("low")
    assert figures([heard(400 + each) for each in range(100)]).confidence.startswith("high")
    wide = [heard(100 * 1.2**each) for each in range(60)]
    assert figures(wide).confidence.startswith("medium")


def test_a_measurement_stands_for_a_model_with_its_day_and_its_sample() -> None:
    body = figures_to_json(figures([heard(400 + each) for each in range(40)]))
    speed = as_speed(body, on=ON, where="us-east-1")
    assert (speed.ttft_ms_p50, speed.ttft_ms_p95, speed.ttft_ms_p99) == (419, 437, None)
    assert speed.output_tokens_per_s == 100
    assert (speed.basis, speed.as_of) == ("probe", ON)
    assert speed.source == "Measured here on 2026-11-20, n = 40, in us-east-1."
    assert speed.confidence.startswith("low: of 40 answers")


def test_a_p99_is_taken_once_the_sample_bounds_it() -> None:
    body = figures_to_json(figures([heard(400 + each) for each in range(300)]))
    assert as_speed(body, on=ON, where="us-east-1").ttft_ms_p99 == 696


def test_too_few_answers_stand_for_nothing() -> None:
    few = figures_to_json(figures([heard(400)] * 9))
    assert as_speed(few, on=ON, where="us-east-1") is None
    mute = figures_to_json(figures([heard(400, None)] * 20))
    assert as_speed(mute, on=ON, where="us-east-1") is None
    assert as_speed({}, on=ON, where="us-east-1") is None


@given(st.integers(80, 20_000), st.integers(1, 9_999_999))
def test_a_prompt_has_its_length_in_words_and_begins_like_no_other(
    input_tokens: int, number: int
) -> None:
    asked = Ask("id", input_tokens, 100, number)
    assert input_tokens - HEAD_TOKENS < len(asked.text.split()) <= input_tokens
    assert asked.text.startswith(f"Run {number}.")


def test_the_most_a_request_can_cost_counts_the_longest_its_prompt_can_be() -> None:
    dear = Price("s", "token", Decimal(1_000_000), Decimal(10), "list", "tests", ON)
    tariff = Tariff(input=replace(dear, usd=Decimal(2)), output=dear)
    assert most_input(1_000) == 1_286
    assert tariff.most_usd(input_tokens=1_000, output_tokens=100) == Decimal("0.003572")
    assert tariff.usd(input_tokens=1_000, output_tokens=100) == Decimal("0.003")
