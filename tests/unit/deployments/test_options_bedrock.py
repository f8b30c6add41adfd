"""Bedrock's other tiers: what each takes and refuses, and at which price it would win."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.domain.prices import Price, PriceBook
from deployments.domain.candidates import caching, custom_on_demand, service_tiers
from deployments.domain.candidates.question import Question
from deployments.domain.options import Option, Tier, Verdict
from deployments.domain.ranking import Ranked
from tests.unit.deployments.advice_facts import (
    CATALOG,
    QUOTAS,
    TODAY,
    ask,
    book,
    check,
    of_scenario,
    option,
    read,
)

DAY_MS = 86_400_000
BATCH = {"pattern": "batch", "latency_ms": DAY_MS}
HAIKU = "anthropic.claude-haiku-5-5"
OLD_HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
OWN = {"need": "custom-gpu", "weights_s3_uri": "s3://team/model/", "parameters_billion": "8"}
BEDROCK = (
    Tier.BEDROCK_BATCH,
    Tier.BEDROCK_SERVICE_TIER,
    Tier.BEDROCK_MARKETPLACE,
    Tier.BEDROCK_CUSTOM,
)


@cache
def _of_a_day() -> Ranked:
    return ask(read(**BATCH))


def _only(ranked: Ranked, tier: Tier) -> list[Option]:
    return [each for each in ranked.options if each.tier is tier]


def _question(**given: Any) -> Question:
    return Question(read(**given), CATALOG, book(), QUOTAS, TODAY)


def test_batch_is_feasible_for_a_days_work_and_costs_half() -> None:
    found = option(_of_a_day(), "bedrock-batch/amazon.nova-micro-v1:0/in-region")
    plain = option(_of_a_day(), "bedrock-on-demand/amazon.nova-micro-v1:0/in-region")

    assert found.verdict is Verdict.FEASIBLE
    assert found.scales_to_zero
    assert found.cost.expected_usd is not None
    assert plain.cost.expected_usd == found.cost.expected_usd * 2


@pytest.mark.parametrize("pattern", ["real-time", "interactive", "event-driven"])
def test_batch_and_flex_are_never_for_those_who_wait(pattern: str) -> None:
    ranked = ask(read(pattern=pattern, latency_ms=DAY_MS))
    flex = [
        each
        for each in _only(ranked, Tier.BEDROCK_SERVICE_TIER)
        if each.extra["service_tier"] == "flex"
    ]

    assert flex
    for each in (*_only(ranked, Tier.BEDROCK_BATCH), *flex):
        assert each.verdict is Verdict.INFEASIBLE
        assert f"requests here are {pattern}" in check(each, "pattern")


def test_a_batch_objective_under_a_day_is_refused_with_both_numbers() -> None:
    found = option(
        ask(read(pattern="batch", latency_ms=300_000)),
        "bedrock-batch/amazon.nova-micro-v1:0/in-region",
    )

    assert check(found, "latency") == ("broken: Estimated 24.0 h at p95; the objective is 5.0 min.")


def test_a_job_with_too_few_records_is_refused_with_both_numbers() -> None:
    """0.001 requests/s x 86,400 s = 86 records."""
    ranked = ask(read(**BATCH, load="0.001", peak_rps="0.001"))

    found = option(ranked, "bedrock-batch/amazon.nova-micro-v1:0/in-region")

    assert check(found, "records") == (
        "broken: A day's job has 86 records; the least a job takes is 100."
    )


def test_models_that_do_not_sell_a_tier_have_no_option_in_it() -> None:
    batch = {each.model for each in _only(_of_a_day(), Tier.BEDROCK_BATCH)}
    tiers = {
        (each.model, each.extra["service_tier"])
        for each in _only(_of_a_day(), Tier.BEDROCK_SERVICE_TIER)
    }

    assert not batch & {HAIKU, "anthropic.claude-sonnet-5-5", "openai.gpt-5.6-luna"}
    assert (OLD_HAIKU, "reserved") in tiers
    assert not {way for model, way in tiers if model == OLD_HAIKU} & {"flex", "priority"}
    assert not [model for model, _ in tiers if model == HAIKU]


def test_flex_is_half_and_priority_seven_quarters_of_the_standard_price() -> None:
    flex, plain, priority = (
        option(_of_a_day(), option_id).cost.expected_usd
        for option_id in (
            "bedrock-service-tier/openai.gpt-oss-20b-1:0/in-region/flex",
            "bedrock-on-demand/openai.gpt-oss-20b-1:0/in-region",
            "bedrock-service-tier/openai.gpt-oss-20b-1:0/in-region/priority",
        )
    )

    assert plain is not None
    assert flex == plain * Decimal("0.5")
    assert priority == plain * Decimal("1.75")


def test_reserved_holds_the_peak_in_thousands_and_at_least_what_is_sold() -> None:
    """10 requests/s x 60 x 500 = 300,000 a minute; 0.1 would be 3,000, and 100,000 is the least."""
    model = CATALOG.by_id[OLD_HAIKU]

    assert service_tiers.thousands_held(model, _question()) == {
        "input": Decimal(300),
        "output": Decimal(60),
    }
    little = _question(load="0.1", peak_rps="0.1")
    assert service_tiers.thousands_held(model, little) == {
        "input": Decimal(100),
        "output": Decimal(10),
    }


def test_reserved_is_a_commitment_that_the_team_must_take() -> None:
    ranked = ask(read(longest_commitment_months=1))
    short, long = (
        option(ranked, f"bedrock-service-tier/{OLD_HAIKU}/us/reserved/{term}")
        for term in ("one-month", "three-months")
    )

    assert short.verdict is Verdict.NEEDS_QUOTE
    assert check(long, "commitment") == (
        "broken: Commits for 3 months; the longest accepted is 1 month."
    )


def test_a_reserved_quote_just_below_break_even_wins_and_just_above_does_not() -> None:
    workload = read(longest_commitment_months=1)
    option_id = f"bedrock-service-tier/{OLD_HAIKU}/us/reserved/one-month"
    usd = Decimal(option(ask(workload), option_id).extra["break_even_unit_usd"])

    below, above = (
        ask(workload, prices=_with_reserved(usd + change))
        for change in (Decimal("-0.0002"), Decimal("0.0002"))
    )

    assert below.pick == option_id
    assert above.pick != option_id


def _with_reserved(usd: Decimal) -> PriceBook:
    quotes = {
        sku: Price(sku, "ktpm-month", Decimal(1), usd, "quote", "example", TODAY, is_example=True)
        for way in ("input", "output")
        for sku in [f"bedrock-reserved:{OLD_HAIKU}:us:one-month:{way}"]
    }
    return PriceBook("us-east-1", TODAY, {**book().prices, **quotes})


@pytest.mark.parametrize(
    "slug", ["content-moderation", "article-summaries", "chatbot", "image-captions", "tuned-model"]
)
def test_every_option_that_needs_a_quote_says_at_which_price_it_would_win(slug: str) -> None:
    waiting = [
        each
        for each in ask(of_scenario(slug)).options
        if each.tier in BEDROCK and each.verdict is Verdict.NEEDS_QUOTE
    ]

    for each in waiting:
        assert each.notes[0].startswith("Needs a quote")
        assert Decimal(each.extra["break_even_usd_month"]) >= 0
        assert each.cost.expected_usd is None


def test_a_part_with_a_price_above_the_best_rival_says_that_no_quote_would_win() -> None:
    found = option(
        ask(of_scenario("content-moderation")),
        "bedrock-marketplace/qwen3-14b/ml.p5en.48xlarge/fp8",
    )

    assert found.extra["break_even_usd_month"] == "0.00"
    assert "no quote would make it win" in found.notes[0]


def test_an_import_takes_some_architectures_and_no_others() -> None:
    llama = ask(read(**OWN, base_model="llama-3.1-8b-instruct"))
    gemma = ask(read(**OWN, base_model="gemma-3-12b-it"))

    assert check(option(llama, "bedrock-custom/custom/import"), "architecture").startswith("ok:")
    refused = check(option(gemma, "bedrock-custom/custom/import"), "architecture")
    assert refused.startswith("broken: The weights are of gemma-3-12b-it; an import takes llama")


def test_a_time_that_nobody_measured_holds_no_objective() -> None:
    given = option(
        ask(read(**OWN, base_model="llama-3.1-8b-instruct")), "bedrock-custom/custom/import"
    )

    assert given.verdict is Verdict.INFEASIBLE
    assert [each.name for each in given.checks if not each.holds] == ["latency"]
    assert "a time that is not known does not hold the objective" in check(given, "latency")
    assert "It would cost less below" in given.notes[0]


def test_a_fine_tune_on_demand_is_of_nova_only() -> None:
    nova = ask(read(**OWN, base_model="amazon.nova-lite-v1:0"))
    llama = ask(read(**OWN, base_model="llama-3.1-8b-instruct"))

    found = option(nova, "bedrock-custom/amazon.nova-lite-v1:0/on-demand")
    assert check(found, "base").startswith("ok")
    refused = option(llama, "bedrock-custom/amazon.nova-micro-v1:0/on-demand")
    assert check(refused, "base").startswith("broken: The weights are of Llama 3.1 8B")


@given(
    low=st.decimals("0.00001", "10", places=5),
    factor=st.decimals("1", "50", places=2),
)
def test_windows_are_open_for_longer_when_more_is_asked_and_never_all_the_time(
    low: Decimal, factor: Decimal
) -> None:
    window = Decimal(300)
    less, more = (custom_on_demand.open_share(rps, window) for rps in (low, low * factor))

    assert 0 < less <= more < 1


def test_a_prefix_below_the_models_minimum_is_not_cached_and_says_so() -> None:
    """0.8 x 2,000 = 1,600 tokens: enough for Haiku 5.5 (512), not for Haiku 4.5 (4,096)."""
    asked = {"input_tokens_mean": 2000, "input_tokens_p95": 3000, "cached_input_share": "0.8"}
    new, old = CATALOG.by_id[HAIKU], CATALOG.by_id[OLD_HAIKU]

    assert caching.prefix_tokens(new, "us", _question(**asked)) == 1600
    assert caching.prefix_tokens(old, "us", _question(**asked)) == 0
    found = option(ask(read(**asked)), f"bedrock-on-demand/{OLD_HAIKU}/us")
    assert any("the model caches from 4,096 on" in each for each in found.cost.assumptions)


@settings(max_examples=6)
@given(
    low=st.decimals("0.001", "40", places=3),
    factor=st.decimals("1", "5", places=2),
    share=st.sampled_from(("0", "0.5", "0.9")),
)
def test_bedrock_never_costs_less_when_the_load_rises_nor_passes_a_broken_check(
    low: Decimal, factor: Decimal, share: str
) -> None:
    def costs(load: Decimal) -> dict[str, Decimal]:
        asked = {"input_tokens_mean": 3000, "input_tokens_p95": 6000, "cached_input_share": share}
        ranked = ask(read(**BATCH, **asked, load=f"{load:f}", peak_rps=f"{load:f}"))
        for each in ranked.options:
            broken = [found for found in each.checks if not found.holds]
            assert not (broken and each.verdict is Verdict.FEASIBLE)
        return {
            each.option_id: each.cost.expected_usd
            for each in ranked.options
            if each.option_id.startswith(("bedrock-", "lambda-"))
            and each.cost.expected_usd is not None
        }

    before, after = costs(low), costs(low * factor)

    assert before.keys() == after.keys()
    assert all(after[option_id] >= usd for option_id, usd in before.items())


def test_the_quality_given_up_is_said_with_the_dollars_it_saves() -> None:
    said = ask(of_scenario("article-summaries")).sentences[-1]

    assert said.startswith("Quality given up: Amazon Nova Lite scores 6.9")
    assert "The 29.0 points (81 %)" in said
    assert "would cost 20,148 USD a month more" in said
