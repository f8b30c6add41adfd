"""Sums in answers are re-computed exactly, and only what surely is a sum."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.gate.arithmetic import sums

NUMBERS = st.integers(0, 10_000)
SIGNS = st.sampled_from("+-*/")


def exact(one: int, sign: str, other: int) -> Fraction:
    match sign:
        case "+":
            return Fraction(one + other)
        case "-":
            return Fraction(one - other)
        case "*":
            return Fraction(one * other)
    return Fraction(one, other)


@given(NUMBERS, SIGNS, NUMBERS.filter(bool), st.integers(-3, 3))
def test_whole_results_are_right_when_they_are_and_wrong_when_not(one, sign, other, off):
    true = exact(one, sign, other)
    if true.denominator > 1:
        return
    (found,) = sums(f"It is {one:,} {sign} {other} = {true + off}.").all
    assert found.true == true
    assert found.is_right == (off == 0)


@given(NUMBERS, NUMBERS.filter(bool), st.integers(1, 6))
def test_a_rounded_quotient_is_right(one, other, digits):
    (found,) = sums(f"{one} / {other} = {one / other:.{digits}f}").all
    assert found.is_right


@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_a_long_sum_is_exact(numbers):
    (found,) = sums(f"{' + '.join(map(str, numbers))} = {sum(numbers)}").all
    assert found.is_right


@given(st.text(alphabet="0123456789+-*/=(). x%$,\nab"))
def test_no_text_makes_it_stumble(text):
    for one in sums(text).all:
        assert isinstance(one.true, Fraction)


@pytest.mark.parametrize(
    "text",
    [
        "16 - 3 - 4 = 9 eggs, and 9 eggs * $2 per egg = $18.",
        "20% of 50 = 10",
        "50 * 20% = 10 and 15 / 60 = 25%",
        "<<5/2=2.5>>2.5",
        "(3 + 4) * 2 = 14",
        "180 meters/session * 3 sessions/week = 540 meters/week",
        "5 * 3 = 10 + 5 = 15",
        "7 - 2 = 5 * 3 = 15",
        "3 × 4 = 12, 12 ÷ 4 = 3 and $5 \\times 3 = 15$",  # noqa: RUF001
    ],
)
def test_right_sums_are_found_right(text):
    found = sums(text)
    assert found.all
    assert not found.wrong


@pytest.mark.parametrize(
    "text", ["5 + 6 = 12", "He has 3*4=12 and then 12*5=61.", "(3+4)*2 = 13", "0.5 * 3 = 2.5"]
)
def test_wrong_sums_are_found_wrong(text):
    assert len(sums(text).wrong) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2x + 5 = 15",
        "x = 5 + y",
        "2 1/2 + 1 = 3 1/2",
        "a[3] + 4 = 9",
        "2^3 + 1 = 9",
        "5 / 0 = 7",
        "4 / 1/6 = 24",
        "f(2) + 3 = 7",
        "9" * 40 + " + 1 = 2",
        "on 10/12 = nothing",
    ],
)
def test_what_is_not_surely_a_sum_is_left_out(text):
    assert sums(text).all == ()
