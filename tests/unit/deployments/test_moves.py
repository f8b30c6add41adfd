"""A move is proposed for money, for an end of life and for a broken constraint; else nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.prices import Price, PriceBook
from deployments.domain.catalog import Catalog
from deployments.domain.metered_load import Basis, Load, basis
from deployments.domain.moves import best, propose, repriced, running_today
from deployments.domain.options import Capacity, Check, Cost, Option, Size, TariffLine, Tier
from tests.fixtures.options import NOVA, option
from tests.unit.deployments.advice_facts import CATALOG, TODAY, ask, book, read

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
METERED = Basis(read(), True, ("Metered.",))


def priced(usd: str | None, **changes: Any) -> Option:
    """Return an on-demand option of this price and plenty of room."""
    made = option(changes.pop("tier", Tier.BEDROCK_ON_DEMAND), monthly_usd=Decimal(usd or 0))
    amount = None if usd is None else Decimal(usd)
    given = {"cost": replace(made.cost, expected_usd=amount), "checks": ()} | changes
    return replace(made, capacity=Capacity(Decimal(20), Decimal("0.5"), "tests"), **given)


def with_end(model_id: str, ends: date) -> Catalog:
    """Return the catalog in which a model has an end of life."""
    models = tuple(
        replace(each, eol_on=ends) if each.model_id == model_id else each for each in CATALOG.models
    )
    return replace(CATALOG, models=models)


def judged(running: Option, to: Option | None, **changes: Any) -> Any:
    given = {"catalog": CATALOG, "found": METERED, "today": TODAY} | changes
    return propose(running=running, to=to, **given)


@pytest.mark.parametrize(
    ("before", "after", "is_worth_it"),
    [
        ("1000", "950", True),  # 50 USD and 5 %
        ("1000", "950.01", False),  # a cent short of 50 USD
        ("2000", "1900.01", False),  # a cent short of 5 %
        ("40", "0", False),  # all of it, and yet too little
        ("1000", "1200", False),
        ("1000", None, False),
        (None, "10", False),
    ],
)
def test_money_moves_only_from_both_thresholds_up(
    before: str | None, after: str | None, is_worth_it: bool
) -> None:
    found = judged(priced(before), priced(after, option_id="other"))
    assert (found is not None) is is_worth_it
    if found is not None:
        assert found.saving_usd == Decimal(50)
        assert found.must == ""


def test_what_runs_already_is_not_proposed() -> None:
    assert judged(priced("1000"), priced("10")) is None
    assert judged(priced("1000"), None) is None
    smaller = priced("10", size=Size(instances=1))
    assert judged(priced("1000"), smaller).risk == 1


def test_an_end_of_life_within_ninety_days_is_a_move_by_itself() -> None:
    dearer = priced("1100", option_id="other", model="amazon.nova-pro-v1:0")
    soon = judged(priced("1000"), dearer, catalog=with_end(NOVA, TODAY + timedelta(days=90)))
    assert (soon.must, soon.saving_usd) == ("end of life", Decimal(-100))
    assert "in 90 days" in soon.reasons[0]
    assert "10 % more" in soon.reasons[-1]
    later = with_end(NOVA, TODAY + timedelta(days=91))
    assert judged(priced("1000"), dearer, catalog=later) is None
    past = judged(priced("1000"), dearer, catalog=with_end(NOVA, TODAY - timedelta(days=1)))
    assert past.must == "end of life"


def test_nothing_is_proposed_that_ends_soon_itself() -> None:
    ranked = ask(read()).options
    first = best(ranked, catalog=CATALOG, today=TODAY)
    ending = with_end(first.model, TODAY + timedelta(days=30))
    second = best(ranked, catalog=ending, today=TODAY)
    assert second.model != first.model
    assert second.cost.expected_usd >= first.cost.expected_usd
    assert best((), catalog=CATALOG, today=TODAY) is None


def test_a_broken_constraint_moves_whatever_it_costs() -> None:
    broken = priced("1000", checks=(Check("latency", False, "800 ms is over 200 ms."),))
    found = judged(broken, priced("1500", option_id="other"))
    assert (found.must, found.saving_usd) == ("breaks a constraint", Decimal(-500))
    assert "800 ms is over 200 ms." in found.reasons[0]


def test_risk_rises_with_each_thing_that_can_go_wrong_and_says_which() -> None:
    running = priced("1000")
    same = priced("10", option_id="b")
    assert judged(running, same).risk == 1
    other = priced("10", option_id="b", model="amazon.nova-pro-v1:0")
    assert judged(running, other).risk == 2
    names = "another model, Amazon Nova Lite to Amazon Nova Pro; try them first."
    assert names in judged(running, other).risks[0]
    tight = Capacity(Decimal(20), Decimal("0.1"), "tests")
    all_of_it = replace(
        other,
        tier=Tier.SAGEMAKER_REAL_TIME,
        burden=4,
        commitment_months=6,
        capacity=tight,
        latency=replace(other.latency, p95_ms=10_000),
    )
    found = judged(running, all_of_it, found=Basis(read(), False, ("The load is stated.",)))
    assert found.risk == 5
    assert len(found.risks) == 6
    assert "The load is stated." in found.risks


def test_what_is_reserved_costs_what_it_has_and_what_is_used_follows_the_load() -> None:
    def line(sku: str, usd: int, is_fixed: bool) -> TariffLine:
        return TariffLine(
            "l", sku, Decimal(100), "u", Decimal(usd), Decimal(1), Decimal(100 * usd), "list",
            "tests", None, is_fixed,
        )  # fmt: skip

    cost = Cost(
        Decimal(400), Decimal(500), Decimal(1000), Decimal(200), Decimal(300),
        (line("held", 2, True), line("used", 3, False)),
    )  # fmt: skip
    today = {
        sku: Price(sku, "u", Decimal(1), Decimal(usd), "list", "tests", TODAY)
        for sku, usd in (("held", 1), ("used", 6))
    }
    found = repriced(cost, prices=PriceBook("r", TODAY, today), factor=Decimal("0.5"))
    assert (found.fixed_usd, found.variable_usd, found.expected_usd) == (100, 300, 400)
    assert (found.low_usd, found.high_usd) == (320, 800)
    assert [each.quantity for each in found.lines] == [100, 50]
    gone = repriced(cost, prices=PriceBook("r", TODAY, {}), factor=Decimal(1))
    assert gone.expected_usd is None


def test_a_size_that_no_longer_carries_the_peak_breaks_a_constraint() -> None:
    fixed = replace(
        priced("1000", tier=Tier.SAGEMAKER_REAL_TIME),
        capacity=Capacity(Decimal(5), Decimal("0.5"), "GPU"),
    )
    fixed = replace(fixed, cost=replace(fixed.cost, fixed_usd=Decimal(1000)))
    given = {
        "launched": fixed,
        "ranked": (),
        "prices": book(),
        "stated": read(),
        "model": None,
        "today": TODAY,
    }
    quiet = running_today(workload=read(load="2", peak_rps="5"), **given)
    busy = running_today(workload=read(load="2", peak_rps="6"), **given)
    assert all(check.holds for check in quiet.checks)
    (broken,) = [check for check in busy.checks if not check.holds]
    assert broken.sentence == "Its size carries 5 requests/s; the peak is 6."


def test_what_is_paid_by_use_is_what_it_would_be_compared_today() -> None:
    ranked = ask(read(load="5")).options
    launched = ask(read(load="50", peak_rps="100")).options
    by_use = next(each for each in launched if each.tier is Tier.LAMBDA_BEDROCK)
    found = running_today(
        launched=by_use,
        ranked=ranked,
        prices=book(),
        stated=read(load="50", peak_rps="100"),
        workload=read(load="5"),
        model=CATALOG.by_id[by_use.model],
        today=TODAY,
    )
    assert found == next(each for each in ranked if each.option_id == by_use.option_id)


def load(hours: int = 48, requests: int = 172_800, **changes: Any) -> Load:
    """Return two days at one request a second."""
    given = {"busiest_hour": Decimal(3_600), "start": NOON - timedelta(hours=hours), "end": NOON}
    return Load(requests=Decimal(requests), **given | changes)


def test_a_whole_day_of_requests_stands_in_place_of_what_was_stated() -> None:
    found = basis(stated=read(load="5", peak_rps="10"), load=load())
    assert found.is_metered
    assert (found.workload.mean_rps, found.workload.peak_rps) == (1, 2)
    assert "1 requests/s on average in place of the stated 5" in found.sentences[0]
    assert found.sentences[1] == "Tokens a request are the stated ones: they are not metered here."


def test_a_busier_hour_than_the_stated_peak_is_the_peak() -> None:
    found = basis(stated=read(), load=load(busiest_hour=Decimal(36_000)))
    assert found.workload.peak_rps == 10


def test_metered_lengths_keep_the_stated_spread() -> None:
    tokens = {"input_tokens": Decimal(172_800 * 800), "output_tokens": Decimal(172_800 * 30)}
    found = basis(stated=read(), load=load(**tokens)).workload
    assert (found.input_tokens_mean, found.input_tokens_p95) == (800, 1600)
    assert (found.output_tokens_mean, found.output_tokens_p95) == (30, 60)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "The load is the stated one: nothing that is metered runs."),
        (load(hours=23), "The load is the stated one: 23 h are metered, 24 h are needed."),
        (load(requests=0), "The load is the stated one: no request was metered in 48 h."),
    ],
)
def test_less_than_a_day_leaves_what_was_stated(given: Load | None, sentence: str) -> None:
    found = basis(stated=read(), load=given)
    assert found == Basis(read(), False, (sentence,))


@given(st.integers(1, 10**9), st.integers(0, 10**8), st.integers(24, 168))
def test_whatever_was_metered_the_peak_is_never_below_the_mean(
    requests: int, busiest: int, hours: int
) -> None:
    found = basis(stated=read(), load=load(hours, requests, busiest_hour=Decimal(busiest))).workload
    assert found.peak_rps >= found.mean_rps > 0
