"""The loads at which the cheapest tier changes are exact."""

from __future__ import annotations

import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain import curves
from deployments.domain.envelope import Line, lowest
from tests.unit.deployments.advice_facts import ask, of_scenario

figures = st.decimals("0.1", "100", places=1)
lines = st.lists(st.tuples(figures, figures, figures, st.integers(1, 4), st.booleans()), min_size=1)
LOW, HIGH = Decimal("0.1"), Decimal(20)
HAIR = Decimal("1e-15")


def line(at: int, drawn: tuple[Decimal, Decimal, Decimal, int, bool]) -> Line:
    slope, unit, step, least, is_fleet = drawn
    if is_fleet:
        return Line(f"l{at}", slope / 10, unit=unit, step=step, least=least)
    return Line(f"l{at}", slope, constant=unit)


@given(lines, st.decimals("0.1", "20", places=3))
def test_at_every_load_the_segment_names_a_cheapest(
    drawn: list[tuple[Decimal, Decimal, Decimal, int, bool]], load: Decimal
) -> None:
    given_lines = [line(at, each) for at, each in enumerate(drawn)]
    segments = lowest(given_lines, start=LOW, end=HIGH)
    # Just after a step another machine is needed: look between the edges.
    inside = min(load + Decimal("0.0000001"), HIGH)

    named = [each for each in segments if each.start <= inside][-1]

    by_key = {each.key: each for each in given_lines}
    cheapest = min(each.at(inside) for each in given_lines)
    assert by_key[named.key].at(inside) <= cheapest * (1 + HAIR) + HAIR


def test_a_straight_line_crosses_a_fleet_where_both_cost_the_same() -> None:
    by_use = Line("use", Decimal(100))
    fleet = Line("fleet", Decimal(0), unit=Decimal(1000), step=Decimal(50))

    segments = lowest([by_use, fleet], start=Decimal(1), end=Decimal(40))

    assert [(each.key, each.start, each.usd) for each in segments] == [
        ("use", Decimal(1), Decimal(100)),
        ("fleet", Decimal(10), Decimal(1000)),
    ]


def test_turns_are_taken_when_one_machine_more_is_dearer_for_a_while() -> None:
    by_use = Line("use", Decimal(100))
    fleet = Line("fleet", Decimal(0), unit=Decimal(1000), step=Decimal(12))

    starts = [(e.key, e.start) for e in lowest([by_use, fleet], start=Decimal(1), end=Decimal(70))]

    assert starts == [
        ("use", Decimal(1)),
        ("fleet", Decimal(10)),
        ("use", Decimal(12)),
        ("fleet", Decimal(20)),
        ("use", Decimal(24)),
        ("fleet", Decimal(30)),
        ("use", Decimal(36)),
        ("fleet", Decimal(40)),
        ("use", Decimal(48)),
        ("fleet", Decimal(50)),
    ]


def test_each_change_of_the_cheapest_is_where_the_costs_change_places() -> None:
    workload = of_scenario("image-captions")
    ranked = ask(workload)
    drawn = curves.curves(ranked.options, workload)
    spread = workload.peak_rps / workload.mean_rps
    by_id = {each.option_id: each for each in ranked.options}

    def usd(key: str, load: Decimal) -> Decimal:
        return curves.cost_at(by_id[key], load, load * spread, workload)

    assert len(drawn.segments) > 1
    for earlier, later in itertools.pairwise(drawn.segments):
        below, above = later.start * Decimal("0.9999"), later.start * Decimal("1.0001")
        assert usd(earlier.key, below) <= usd(later.key, below)
        assert usd(earlier.key, above) >= usd(later.key, above)
    assert f"{curves.load(drawn.segments[1].start)}" in drawn.sentences[1]


def test_the_lines_drawn_and_the_lines_crossed_are_the_same() -> None:
    for slug in ("content-moderation", "chatbot", "image-captions", "tuned-model"):
        workload = of_scenario(slug)
        spread = workload.peak_rps / workload.mean_rps
        for option in ask(workload).options[:20]:
            if option.cost.expected_usd is None:
                continue
            for load in (workload.mean_rps / 7, workload.mean_rps, workload.mean_rps * 3):
                drawn = curves.cost_at(option, load, load * spread, workload)
                shaped = curves.shape(option, workload).at(load)
                assert abs(drawn - shaped) <= max(drawn / 500, Decimal("0.01"))
