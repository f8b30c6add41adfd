"""The order, the pick, the tree beside it, and what no launch may pass over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.domain import explanation, tree
from deployments.domain.options import LAUNCHABLE, Tier, Verdict
from deployments.domain.ranking import SOFT, refusals
from deployments.domain.workload import Workload
from tests.unit.deployments.advice_facts import ask, of_scenario, option, read, with_quote


def test_feasible_comes_first_then_the_cheapest() -> None:
    ranked = ask(read(latency_ms=3000, quality_floor="6"))

    order = {Verdict.FEASIBLE: 0, Verdict.NEEDS_QUOTE: 1, Verdict.INFEASIBLE: 2}
    verdicts = [order[each.verdict] for each in ranked.options]
    prices = [
        each.cost.expected_usd.quantize(Decimal("0.01"))
        for each in ranked.options
        if each.verdict is Verdict.FEASIBLE and each.cost.expected_usd is not None
    ]
    assert verdicts == sorted(verdicts)
    assert prices == sorted(prices)
    assert ranked.pick == ranked.options[0].option_id


def test_the_same_price_is_settled_by_speed_then_by_burden() -> None:
    ranked = ask(read(models="amazon.nova-lite-v1:0"))
    alike = [
        each
        for each in ranked.options
        if each.cost.expected_usd == ranked.options[0].cost.expected_usd
    ]

    assert len(alike) == 2
    assert alike[0].option_id < alike[1].option_id


def test_the_same_question_has_the_same_answer() -> None:
    assert ask(of_scenario("chatbot")) == ask(of_scenario("chatbot"))


@pytest.mark.parametrize(
    ("given", "tier"),
    [
        ({"load": "500", "peak_rps": "500", "pattern": "real-time"}, Tier.BEDROCK_PROVISIONED),
        ({"load": "500", "peak_rps": "2000"}, Tier.LAMBDA_BEDROCK),
        ({"load": "50", "peak_rps": "50"}, Tier.BEDROCK_ON_DEMAND),
        ({"load": "1", "peak_rps": "1", "pattern": "event-driven"}, Tier.LAMBDA_BEDROCK),
        ({"load": "0.5", "peak_rps": "1.7", "pattern": "batch"}, Tier.LAMBDA_BEDROCK),
        ({"need": "custom-gpu", "models": "gemma-3-4b-it"}, Tier.SAGEMAKER_REAL_TIME),
        ({"need": "custom-cpu", "models": "qwen3-0.6b"}, Tier.SAGEMAKER_SERVERLESS),
    ],
)
def test_the_tree_walks_as_the_source_drew_it(given: dict[str, Any], tier: Tier) -> None:
    branch = tree.walk(read(**given))

    assert branch.tier is tier
    assert branch.words.startswith("Standard Bedrock model?")


@pytest.mark.parametrize(
    ("slug", "tier"),
    [
        ("content-moderation", Tier.BEDROCK_PROVISIONED),
        ("article-summaries", Tier.LAMBDA_BEDROCK),
        ("chatbot", Tier.LAMBDA_BEDROCK),
        ("image-captions", Tier.SAGEMAKER_REAL_TIME),
        ("tuned-model", Tier.SAGEMAKER_REAL_TIME),
    ],
)
def test_the_tree_picks_for_scenario_a_what_the_source_picked(slug: str, tier: Tier) -> None:
    assert tree.walk(of_scenario(slug)).tier is tier


@pytest.mark.parametrize(
    ("slug", "tier"),
    [
        ("content-moderation", Tier.SAGEMAKER_REAL_TIME),
        ("article-summaries", Tier.BEDROCK_ON_DEMAND),
        ("chatbot", Tier.BEDROCK_ON_DEMAND),
        ("image-captions", Tier.SAGEMAKER_REAL_TIME),
        ("tuned-model", Tier.SAGEMAKER_REAL_TIME),
    ],
)
def test_every_feature_of_scenario_a_can_be_launched(slug: str, tier: Tier) -> None:
    ranked = ask(of_scenario(slug))

    pick, built = option(ranked, ranked.pick), option(ranked, ranked.launch_pick)
    assert pick.verdict is built.verdict is Verdict.FEASIBLE
    assert built.tier is tier
    assert refusals(built) == ()
    assert (pick.cost.expected_usd or 0) <= (built.cost.expected_usd or 0)


def test_scenario_a_fits_its_budget_and_the_sources_models_did_not() -> None:
    picks = [
        option(ranked, ranked.pick).cost.expected_usd or Decimal(0)
        for slug in (
            "content-moderation",
            "article-summaries",
            "chatbot",
            "image-captions",
            "tuned-model",
        )
        for ranked in [ask(of_scenario(slug))]
    ]

    assert Decimal(50_000) < sum(picks) < Decimal(200_000)
    mid_size = "bedrock-on-demand/anthropic.claude-haiku-4-5-20251001-v1:0/us"
    moderation = option(ask(of_scenario("content-moderation")), mid_size).cost.expected_usd
    assert moderation is not None
    assert moderation > Decimal(200_000)


def test_departing_from_the_tree_is_explained_with_both_prices() -> None:
    said = ask(of_scenario("article-summaries")).sentences

    assert said[0].startswith("Bedrock on-demand with Amazon Nova Lite")
    assert "383 USD a month" in said[0]
    assert "The tree's pick, Lambda + Bedrock on-demand" in said[2]
    assert "412 USD a month" in said[2]
    assert "above ours" in said[2]


def test_a_tree_pick_that_fails_says_by_how_much() -> None:
    said = ask(of_scenario("content-moderation")).sentences

    assert "Estimated 1,951 ms at p95; the objective is 200 ms." in said[2]
    assert said[3].startswith("No managed model answers within 200 ms at p95")
    assert "250 ms" in said[3]


def test_a_tree_pick_without_a_price_says_below_which_price_it_would_win() -> None:
    said = ask(read(pattern="real-time", load="200", peak_rps="200")).sentences

    assert "has no public price" in said[2]
    assert "would win below" in said[2]


def test_when_nothing_is_fast_enough_the_nearest_is_named_with_its_price() -> None:
    ranked = ask(read(latency_ms=5, latency_percentile=99, models="llama-3.1-70b-instruct"))

    assert ranked.pick == ""
    assert ranked.sentences[0].startswith("Nothing meets 5 ms at p99. The nearest is")
    assert "USD a month" in ranked.sentences[0]


def test_when_only_a_quote_is_missing_that_is_said() -> None:
    ranked = ask(
        read(
            models="amazon.nova-pro-v1:0",
            residency="region",
            forbidden_models="",
            needs_streaming=True,
            load="0.01",
            peak_rps="0.01",
            payload_bytes=26_000_000,
        )
    )

    assert ranked.pick == ""
    assert "waits for a quote" in ranked.sentences[0]


def test_no_candidate_at_all_is_said_and_not_an_error() -> None:
    ranked = ask(read(models="llama-3.1-8b-instruct", images_per_request=1))

    assert ranked.options == ()
    assert ranked.sentences[0].startswith("No option was found")


def test_a_launch_may_accept_latency_but_never_a_hard_check() -> None:
    ranked = ask(of_scenario("content-moderation"))
    late = option(ranked, "bedrock-on-demand/anthropic.claude-haiku-5-5/global")
    unfit = next(
        each
        for each in ask(of_scenario("tuned-model")).options
        if each.tier is Tier.SAGEMAKER_SERVERLESS
    )

    assert [each.name for each in refusals(late)] == ["latency"]
    assert refusals(late, {"latency"}) == ()
    names = {check.name for check in unfit.checks}
    assert {each.name for each in refusals(unfit, names)} >= {"gpu", "memory"}


def test_every_loser_says_why() -> None:
    ranked = ask(of_scenario("content-moderation"), prices=with_quote("9"))
    pick = option(ranked, ranked.pick)

    for each in ranked.options:
        assert bool(explanation.why_lost(each, pick)) == (each.option_id != ranked.pick)


loads = st.decimals("0.01", "2000", places=2)
workloads = st.builds(
    read,
    load=loads,
    peak_rps=st.just("5000"),
    input_tokens_mean=st.integers(1, 20_000),
    input_tokens_p95=st.just(40_000),
    output_tokens_mean=st.integers(1, 2000),
    output_tokens_p95=st.just(4000),
    latency_ms=st.integers(1, 600_000),
    latency_percentile=st.sampled_from((50, 95, 99)),
    pattern=st.sampled_from(("real-time", "interactive", "batch", "event-driven")),
    residency=st.sampled_from(("anywhere", "geography", "region")),
    quality_floor=st.sampled_from((None, "5", "30")),
    needs_streaming=st.booleans(),
    vpc_only=st.booleans(),
)


@settings(max_examples=12)
@given(workload=workloads)
def test_an_option_is_never_feasible_with_a_broken_check_or_without_a_price(
    workload: Workload,
) -> None:
    for each in ask(workload).options:
        broken = [check for check in each.checks if not check.holds]
        is_clean = not broken and each.cost.expected_usd is not None
        assert (each.verdict is Verdict.FEASIBLE) == is_clean
        assert bool(refusals(each)) != (is_clean and each.tier in LAUNCHABLE)
        hard = {check.name for check in broken} - SOFT
        assert hard <= {check.name for check in refusals(each, SOFT)}
        assert sum((line.usd or Decimal(0) for line in each.cost.lines), Decimal(0)) == (
            each.cost.fixed_usd + each.cost.variable_usd
        )


@settings(max_examples=12)
@given(low=loads, factor=st.decimals("1", "4", places=2))
def test_cost_never_falls_when_the_load_rises(low: Decimal, factor: Decimal) -> None:
    def costs(load: Decimal) -> dict[tuple[str, int, int, int], Decimal]:
        ranked = ask(read(load=str(load), peak_rps=str(load * 2), latency_ms=20_000))
        return {
            (each.option_id, each.size.instances, each.size.max_instances, each.size.memory_mb): usd
            for each in ranked.options
            if (usd := each.cost.expected_usd) is not None
        }

    before, after = costs(low), costs(low * factor)
    alike = before.keys() & after.keys()

    assert len(alike) > 50
    for key in alike:
        assert after[key] >= before[key], key


@settings(max_examples=10)
@given(low=loads, factor=st.decimals("1", "4", places=2))
def test_a_gpu_fleet_never_shrinks_when_the_load_rises(low: Decimal, factor: Decimal) -> None:
    def fleets(load: Decimal) -> dict[str, int]:
        ranked = ask(read(load=str(load), peak_rps=str(load), models="llama-3.1-8b-instruct"))
        return {
            each.option_id: each.size.instances
            for each in ranked.options
            if each.tier is Tier.SAGEMAKER_REAL_TIME and each.capacity.max_rps
        }

    before, after = fleets(low), fleets(low * factor)

    for option_id in before.keys() & after.keys():
        assert after[option_id] >= before[option_id]


def test_at_peak_the_fleet_keeps_two_fifths_free() -> None:
    for each in ask(of_scenario("content-moderation")).options:
        if each.tier is Tier.SAGEMAKER_REAL_TIME and each.verdict is Verdict.FEASIBLE:
            assert each.capacity.headroom >= Decimal("0.399")
