"""Each tier's options: their price by hand, their checks, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from deployments.domain.catalog import Model
from deployments.domain.options import Tier, Verdict
from deployments.domain.ranking import recommend, refusals
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
    with_quote,
)

NOVA_MICRO = "amazon.nova-micro-v1:0"
HAIKU = "anthropic.claude-haiku-5-5"
STEADY = {"pattern": "real-time", "load": "100", "peak_rps": "100"}


def test_tokens_are_priced_by_hand() -> None:
    """100 requests/s x 2,628,000 s x (500 x 0.035 + 100 x 0.14) / 1,000,000 = 8,278.20 USD."""
    found = option(ask(read(**STEADY)), f"bedrock-on-demand/{NOVA_MICRO}/in-region")

    assert found.cost.expected_usd == Decimal("8278.20")
    assert [line.usd for line in found.cost.lines] == [Decimal("4599.00"), Decimal("3679.20")]
    assert found.cost.low_usd == Decimal("6622.56")
    assert found.cost.high_usd == Decimal("16556.40")


def test_the_global_profile_is_a_tenth_cheaper_than_the_geographic_one() -> None:
    ranked = ask(read(**STEADY))
    world, here = (
        option(ranked, f"bedrock-on-demand/{HAIKU}/{route}").cost.expected_usd
        for route in ("global", "us")
    )

    assert world is not None
    assert here == world * Decimal("1.1")


def test_a_function_is_paid_while_it_waits_for_the_model() -> None:
    ranked = ask(read(**STEADY))
    found = option(ranked, f"lambda-bedrock/{NOVA_MICRO}/in-region")
    plain = option(ranked, f"bedrock-on-demand/{NOVA_MICRO}/in-region")
    memory = next(line for line in found.cost.lines if line.sku == "lambda:arm64:gb-second")

    seconds = Decimal(str(round((983 + 100 / 306 * 1000 + 16) / 1000 * 0.5, 6)))
    assert memory.quantity == Decimal(262_800_000) * seconds
    assert found.cost.expected_usd is not None
    assert plain.cost.expected_usd is not None
    assert found.cost.expected_usd > plain.cost.expected_usd
    assert found.latency.p50_ms > plain.latency.p50_ms


def test_more_functions_at_once_than_the_account_allows_is_refused_with_both_numbers() -> None:
    """1,000 requests/s x (983 + 100 / 306 x 1,000 + 16) ms x 1.2 = 1,591."""
    workload = read(load="600", peak_rps="1000", latency_ms=60000)

    found = option(ask(workload), f"lambda-bedrock/{NOVA_MICRO}/in-region")

    assert check(found, "quota") == (
        "broken: Needs 1,591 functions running at once at peak; the account's limit is 1,000."
    )
    raised = ask(workload, **{"lambda-concurrency": Decimal(5000)})
    assert check(option(raised, found.option_id), "quota").startswith("ok")


def test_provisioned_throughput_is_sold_for_four_models_only() -> None:
    ranked = ask(read(**STEADY, longest_commitment_months=6))

    sold = {each.model for each in ranked.options if each.tier is Tier.BEDROCK_PROVISIONED}

    assert sold == {
        NOVA_MICRO,
        "amazon.nova-lite-v1:0",
        "amazon.nova-pro-v1:0",
        "amazon.nova-2-lite-v1:0",
    }


def test_units_without_a_price_need_a_quote_and_say_at_which_price_they_would_win() -> None:
    ranked = ask(read(**STEADY))

    found = option(ranked, f"bedrock-provisioned/{NOVA_MICRO}/none")

    assert found.verdict is Verdict.NEEDS_QUOTE
    assert found.cost.expected_usd is None
    assert found.size.model_units == 38  # 6,000 requests a minute / 200 / 0.8
    usd = Decimal(found.extra["break_even_unit_hour_usd"])
    best = ranked.options[0].cost.expected_usd
    assert best is not None
    assert usd == (best / 38 / 730).quantize(Decimal("0.0001"))
    assert f"would win below {usd:,} USD a model unit-hour" in found.notes[0]
    assert [each.name for each in refusals(found)] == ["price"]


def test_a_quote_just_below_break_even_wins_and_just_above_does_not() -> None:
    workload = read(**STEADY)
    usd = Decimal(
        option(ask(workload), f"bedrock-provisioned/{NOVA_MICRO}/none").extra[
            "break_even_unit_hour_usd"
        ]
    )

    below = ask(workload, prices=with_quote(str(usd - Decimal("0.001"))))
    above = ask(workload, prices=with_quote(str(usd + Decimal("0.001"))))

    assert below.pick == f"bedrock-provisioned/{NOVA_MICRO}/none"
    assert above.pick != below.pick
    line = option(below, below.pick).cost.lines[0]
    assert (line.kind, line.is_example, line.is_fixed) == ("quote", True, True)


def test_a_term_longer_than_the_team_takes_is_refused() -> None:
    ranked = ask(read(**STEADY, longest_commitment_months=1))

    held = check(option(ranked, f"bedrock-provisioned/{NOVA_MICRO}/one-month"), "commitment")
    long = check(option(ranked, f"bedrock-provisioned/{NOVA_MICRO}/six-months"), "commitment")

    assert held.startswith("ok")
    assert long == "broken: Commits for 6 months; the longest accepted is 1 month."


def test_gpu_instances_are_paid_for_all_month_and_never_fewer_than_two() -> None:
    ranked = ask(read(load="0.01", peak_rps="0.01"))
    endpoints = [each for each in ranked.options if each.tier is Tier.SAGEMAKER_REAL_TIME]
    found = next(each for each in endpoints if each.size.instance_type == "ml.g5.xlarge")

    assert found.size.instances == 2
    assert found.cost.expected_usd == Decimal("1.408") * 2 * 730
    assert found.cost.lines[0].quantity == Decimal(2 * 730 * 3600)


def test_batch_work_does_with_one_instance() -> None:
    ranked = ask(read(pattern="batch", load="0.01", peak_rps="0.01", latency_ms=300000))
    endpoints = [each for each in ranked.options if each.tier is Tier.SAGEMAKER_REAL_TIME]

    assert {each.size.instances for each in endpoints if each.verdict is Verdict.FEASIBLE} == {1}


def test_a_gpu_model_on_serverless_is_refused_in_words() -> None:
    ranked = ask(of_scenario("tuned-model"))
    found = next(each for each in ranked.options if each.tier is Tier.SAGEMAKER_SERVERLESS)

    assert check(found, "gpu") == (
        "broken: The model needs a GPU; serverless inference has none. The nearest is a SageMaker "
        "endpoint with a GPU, or asynchronous inference, which may sleep when idle."
    )
    assert "at most 6,144 MB" in check(found, "memory")
    assert {"gpu", "memory"} <= {each.name for each in refusals(found, ("latency", "gpu"))}


def test_a_small_own_model_goes_to_serverless() -> None:
    workload = read(
        need="custom-cpu",
        weights_s3_uri="s3://team/fraud/",
        parameters_billion="0.11",
        load="2",
        peak_rps="5",
        input_tokens_mean=128,
        input_tokens_p95=200,
        output_tokens_mean=1,
        output_tokens_p95=1,
        latency_ms=2000,
    )

    ranked = ask(workload)

    assert ranked.pick == ranked.tree_pick == "sagemaker-serverless/custom/1024"
    assert option(ranked, ranked.pick).extra["weights_s3"] == "s3://team/fraud/"


def test_an_image_counts_tokens_and_text_models_are_left_out() -> None:
    ranked = ask(read(images_per_request=1))

    assert all(
        CATALOG.by_id[each.model].vision for each in ranked.options if each.model != "custom"
    )
    nova = option(ranked, "bedrock-on-demand/amazon.nova-lite-v1:0/us")
    assert nova.cost.lines[0].quantity == Decimal(5) * 730 * 3600 * (500 + 1300)


def test_a_model_past_its_end_of_life_is_never_feasible() -> None:
    def ended(model: Model) -> Model:
        return replace(model, eol_on=date(2026, 10, 14)) if model.model_id == HAIKU else model

    facts = replace(CATALOG, models=tuple(ended(each) for each in CATALOG.models))
    ranked = recommend(
        workload=read(models=HAIKU), catalog=facts, prices=book(), quotas=QUOTAS, today=TODAY
    )

    assert {each.verdict for each in ranked.options} == {Verdict.INFEASIBLE}
    assert ranked.pick == ""
    assert "end of life 2026-10-14" in check(ranked.options[0], "lifecycle")


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"residency": "region"}, "residency", "requests may go: region"),
        ({"residency": "geography"}, "residency", "any commercial Region of the world"),
        ({"region": "eu-central-1"}, "region", "Asked for eu-central-1"),
        ({"quality_floor": "60"}, "quality", "the floor is 60"),
        ({"forbidden_models": HAIKU}, "allowed", "is on the team's list"),
        ({"input_tokens_p95": 1_500_000}, "context", "the context holds 1,000,000"),
        ({"output_tokens_p95": 200_000}, "answer length", "the model stops at 128,000"),
        ({"payload_bytes": 30_000_000}, "payload", "the limit is 25 MB"),
        ({"latency_ms": 100}, "latency", "the objective is 100 ms"),
    ],
)
def test_a_broken_constraint_carries_both_numbers(
    given: dict[str, object], name: str, words: str
) -> None:
    ranked = ask(read(models=HAIKU, **given))

    found = option(ranked, f"bedrock-on-demand/{HAIKU}/global")

    assert check(found, name).startswith("broken")
    assert words in check(found, name)
    assert found.verdict is Verdict.INFEASIBLE


def test_prompts_over_the_long_threshold_are_priced_at_the_long_tariff() -> None:
    ranked = ask(read(models=HAIKU, input_tokens_mean=120_000, input_tokens_p95=200_000))

    found = option(ranked, f"bedrock-on-demand/{HAIKU}/global")

    assert [line.sku.rsplit(":", 1)[1] for line in found.cost.lines] == [
        "input-long",
        "output-long",
    ]
    assert found.cost.lines[0].unit_usd == Decimal("0.5")


def test_streaming_and_a_closed_network_rule_out_functions_and_serverless() -> None:
    ranked = ask(read(needs_streaming=True, vpc_only=True))

    for each in ranked.options:
        if each.tier in (Tier.LAMBDA_BEDROCK, Tier.SAGEMAKER_SERVERLESS):
            assert check(each, "streaming").startswith("broken")
            assert check(each, "network").startswith("broken")


def test_every_line_has_a_source_and_a_day_or_no_price_at_all() -> None:
    for each in ask(of_scenario("content-moderation")).options:
        for line in each.cost.lines:
            assert (line.usd is None) == (line.as_of is None) == (line.kind == "missing")
            if line.usd is not None:
                assert line.source


def test_a_model_that_reasons_first_is_timed_to_its_answer_and_says_how_it_was_scored() -> None:
    ranked = ask(of_scenario("chatbot"))

    found = option(ranked, "bedrock-on-demand/openai.gpt-oss-20b-1:0/in-region")

    assert check(found, "latency").startswith("broken: Estimated 17.5 s at p95 to the first token")
    assert "Scored as gpt-oss-20b (high)." in check(found, "quality")
