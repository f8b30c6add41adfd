"""Nobody on the front is beaten in both price and time, and everybody off it is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain import pareto
from deployments.domain.options import Check, Option
from tests.unit.deployments.advice_facts import ask, of_scenario, read

ONE = ask(read()).options[0]

points = st.lists(
    st.tuples(st.decimals("0", "50", places=2), st.integers(1, 40)), min_size=1, max_size=25
)


def made(at: int, usd: Decimal, ms: int, *broken: str) -> Option:
    return replace(
        ONE,
        option_id=f"o{at}",
        cost=replace(ONE.cost, expected_usd=usd),
        latency=replace(ONE.latency, p50_ms=ms, p95_ms=ms, p99_ms=ms),
        checks=tuple(Check(name, False, f"{name} broken.") for name in broken),
    )


def dominates(one: Option, other: Option) -> bool:
    a, b = pareto.point(one, percentile=95), pareto.point(other, percentile=95)
    return a[0] <= b[0] and a[1] <= b[1] and a != b


@given(points)
def test_nobody_dominates_a_member_and_somebody_dominates_each_other(
    drawn: list[tuple[Decimal, int]],
) -> None:
    options = [made(at, usd, ms) for at, (usd, ms) in enumerate(drawn)]

    front = pareto.front(options, percentile=95)

    ids = {each.option_id for each in front}
    for option in options:
        beaten = any(dominates(other, option) for other in options)
        assert beaten != (option.option_id in ids)


@given(points)
def test_along_the_front_more_money_buys_less_time(drawn: list[tuple[Decimal, int]]) -> None:
    front = pareto.front([made(at, *each) for at, each in enumerate(drawn)], percentile=95)

    figures = [pareto.point(each, percentile=95) for each in front]
    for cheaper, dearer in itertools.pairwise(figures):
        assert cheaper == dearer or (cheaper[0] < dearer[0] and cheaper[1] > dearer[1])


def test_what_breaks_more_than_the_time_or_has_no_figures_is_not_on_it() -> None:
    late = made(1, Decimal(10), 900, "latency")
    closed = made(2, Decimal(1), 1, "lifecycle")
    unpriced = replace(made(3, Decimal(1), 1), cost=replace(ONE.cost, expected_usd=None))
    untimed = made(4, Decimal(1), 0)

    assert pareto.front([late, closed, unpriced, untimed], percentile=95) == (late,)


def test_each_step_of_the_front_says_what_is_paid_and_what_is_won() -> None:
    workload = of_scenario("image-captions")
    front = pareto.front(ask(workload).options, percentile=workload.latency_percentile)

    said = pareto.sentences(front, percentile=workload.latency_percentile)

    assert said[0].startswith(f"From {front[0].summary} to {front[1].summary}: ")
    assert " USD a month more for " in said[0]
    assert " ms less at p95 (" in said[0]
