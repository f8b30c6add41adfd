"""At the value before a change the choice stays; at the value after it is another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.domain.prices import PriceBook
from deployments.domain import turning
from deployments.domain.inplay import InPlay
from deployments.domain.options import Option
from deployments.domain.sensitivity import flips, price_flip
from deployments.domain.whatif import Figures, Lever, changed, figure, turned
from deployments.domain.workload import Burst, Workload
from tests.unit.deployments.advice_facts import CATALOG, QUOTAS, TODAY, ask, book, of_scenario, read


def play(workload: Workload) -> InPlay:
    return InPlay(workload, CATALOG, book(), QUOTAS, TODAY)


def picked(workload: Workload) -> str:
    return ask(workload).pick


WORKLOADS = st.builds(
    dict,
    load=st.sampled_from(["0.2", "5", "80"]),
    peak_rps=st.sampled_from(["80", "200"]),
    input_tokens_mean=st.integers(50, 900),
    output_tokens_mean=st.integers(10, 90),
    latency_ms=st.sampled_from([150, 900, 4000]),
    quality_floor=st.sampled_from(["", "6"]),
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(WORKLOADS)
def test_the_choice_stays_before_the_turn_and_changes_after_it(
    given_figures: dict[str, Any],
) -> None:
    asked = play(read(**given_figures))

    for flip in flips(asked):
        before = picked(turned(asked.workload, flip.lever, flip.before))
        assert before == asked.pick, flip
        if flip.after is not None:
            after = picked(turned(asked.workload, flip.lever, flip.after))
            assert after != asked.pick, flip
            assert after == (flip.option.option_id if flip.option else "")


def test_both_ways_of_each_figure_are_looked_at() -> None:
    found = {(flip.lever, flip.is_up) for flip in flips(play(of_scenario("content-moderation")))}

    assert found == {(lever, way) for lever in Lever for way in (True, False)}


def test_the_two_values_of_a_turn_are_next_to_each_other() -> None:
    for flip in flips(play(of_scenario("content-moderation"))):
        if flip.after is None:
            continue
        apart = abs(flip.after - flip.before)
        match flip.lever:
            case Lever.LOAD:
                assert apart <= min(flip.after, flip.before) * Decimal("0.01")
            case Lever.QUALITY:
                assert apart == Decimal("0.1")
            case _:
                assert apart == 1


def test_what_makes_a_wish_possible_is_found_when_nothing_is() -> None:
    asked = play(read(latency_ms=500, models="amazon.nova-micro-v1:0"))
    slower = next(flip for flip in flips(asked) if flip.lever is Lever.LATENCY and flip.is_up)

    assert asked.pick == ""
    assert slower.option is not None
    assert slower.option.model == "amazon.nova-micro-v1:0"


def raised(prices: PriceBook, pick: Option, by: Decimal) -> PriceBook:
    paid = {line.sku for line in pick.cost.lines}
    dearer = {
        sku: replace(price, usd=price.usd * (1 + by)) if sku in paid else price
        for sku, price in prices.prices.items()
    }
    return PriceBook(prices.region, prices.as_of, dearer)


@pytest.mark.parametrize("slug", ["content-moderation", "image-captions", "tuned-model"])
def test_the_choice_outlives_a_rise_just_below_the_one_that_turns_it(slug: str) -> None:
    workload = of_scenario(slug)
    ranked = ask(workload)
    found = price_flip(ranked)
    assert found is not None
    pick = ranked.options[0]
    little = Decimal("0.001")

    below = ask(workload, prices=raised(book(), pick, found.rise - little))
    above = ask(workload, prices=raised(book(), pick, found.rise + little))

    assert below.pick == ranked.pick
    assert above.pick != ranked.pick
    winner = next(each for each in above.options if each.option_id == above.pick)
    named = next(each for each in above.options if each.option_id == found.option.option_id)
    assert winner.cost.expected_usd is not None
    assert named.cost.expected_usd is not None
    assert named.cost.expected_usd - winner.cost.expected_usd < Decimal("0.01")


def test_a_turn_is_said_with_its_value_and_what_takes_over() -> None:
    found = flips(play(of_scenario("content-moderation")))
    slower = next(flip for flip in found if flip.lever is Lever.LATENCY and flip.is_up)

    said = turning.sentence(slower)

    assert said.startswith("Latency objective: at ")
    assert "(now 200 ms) the choice becomes " in said
    assert " USD a month" in said
    assert turning.order(found)[0].after is not None


def test_a_figure_that_is_turned_takes_its_fellows_along() -> None:
    plain = replace(read(), burst=Burst(Decimal(20)))

    loaded = turned(plain, Lever.LOAD, Decimal(50))
    longer = changed(plain, Figures(input_tokens=1000, output_tokens=50, latency_ms=700))

    assert (loaded.mean_rps, loaded.peak_rps, loaded.burst) == (50, 100, Burst(Decimal(200)))
    assert (longer.input_tokens_mean, longer.input_tokens_p95) == (1000, 2000)
    assert (longer.output_tokens_mean, longer.output_tokens_p95) == (50, 100)
    assert (longer.latency_ms, longer.mean_rps) == (700, plain.mean_rps)
    assert changed(plain, Figures(quality_floor=Decimal(0))).quality_floor is None


@given(st.sampled_from(list(Lever)), st.integers(1, 90))
def test_a_figure_reads_back_as_it_was_set(lever: Lever, value: int) -> None:
    assert figure(turned(read(), lever, Decimal(value)), lever) == value
