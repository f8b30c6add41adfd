"""Scenarios B to E as they are shipped, and wishes that cannot be: what an engineer would sign."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from deployments.adapters import scenarios
from deployments.domain import workload_input
from deployments.domain.options import Option, Tier, Verdict
from deployments.domain.ranking import Ranked
from tests.unit.deployments.advice_facts import CATALOG, ask, check, option, read
from tests.unit.deployments.planner.planner_facts import ask as plan_capacity

TWO_A_SECOND: dict[str, Any] = {"mean_rps": Decimal(2), "input_tokens_p95": 2400}


@cache
def shipped(slug: str) -> Ranked:
    """Return the ranking of a feature of the shipped scenarios."""
    for key in scenarios.names():
        for feature in scenarios.scenario(key)["features"]:
            if feature["slug"] == slug:
                given = workload_input.read(feature["workload"], known_models=CATALOG.by_id)
                return ask(given)
    raise KeyError(slug)


def picked(ranked: Ranked) -> Option:
    return option(ranked, ranked.pick)


def best(ranked: Ranked, tier: Tier) -> Option:
    return next(each for each in ranked.options if each.tier is tier)


# B: a fine-tuned Llama-3 70B under 0.02 USD a request, p99 under 3 s


def test_b_names_machine_parallelism_precision_replicas_cap_and_timeouts() -> None:
    found = plan_capacity()
    pick = found.pick

    assert pick is not None
    assert (pick.instance_type, pick.instances) == ("ml.p6-b200.48xlarge", 2)
    assert pick.tensor_parallel * pick.pipeline_parallel * pick.replicas_per_instance <= pick.gpus
    assert pick.usd_per_request is not None
    assert pick.usd_per_request <= Decimal("0.02")
    assert pick.prediction.e2e_p99.value <= 3000
    assert pick.output_cap is not None
    assert pick.output_cap >= 300
    assert pick.loading.startup_health_check_timeout_s >= 600
    assert pick.loading.model_data_download_timeout_s >= 60
    if pick.precision == "nvfp4":  # four bits are never taken silently
        assert any("test the quality of 4 bits" in each for each in found.sentences)


def test_b_says_what_stands_in_the_way_at_2_requests_a_second_and_the_nearest_that_holds() -> None:
    found = plan_capacity(**TWO_A_SECOND)
    cut = found.nearest_pick

    assert found.pick is None
    assert found.sentences[0] == (
        "No configuration gives the whole answer within 3,000 ms at p99 with 300 output tokens at "
        "p99 under 0.02 USD a request."
    )
    assert cut is not None
    assert (cut.instance_type, cut.precision) == ("ml.p5.48xlarge", "fp8")
    assert (
        "With max_tokens 130, 2 x ml.p5.48xlarge fp8 TP4 x 2 hold every wish"
        in (found.sentences[1])
    )
    assert any("holds the rest at 0.0364 USD a request" in each for each in found.sentences)


def test_b_is_right_about_what_a100_machines_carry() -> None:
    said = " ".join(plan_capacity(**TWO_A_SECOND).sentences)

    assert "ml.p4d.24xlarge has 8 x A100 with 40 GB, not 80." in said
    assert "ml.p4de.24xlarge is the one with 80 GB" in said


# D and E: the shapes of inference, each with the tier that suits it


@pytest.mark.parametrize(
    ("slug", "tier"),
    [
        ("fraud-detection", Tier.SAGEMAKER_REAL_TIME),
        ("churn-scoring", Tier.SAGEMAKER_BATCH_TRANSFORM),
        ("contract-review", Tier.SAGEMAKER_ASYNCHRONOUS),
        ("public-chat", Tier.BEDROCK_ON_DEMAND),
        ("product-texts", Tier.BEDROCK_BATCH),
    ],
)
def test_each_shape_gets_its_tier_with_the_reason_and_the_trees_pick_beside_it(
    slug: str, tier: Tier
) -> None:
    ranked = shipped(slug)

    assert picked(ranked).tier is tier
    assert all(each.holds for each in picked(ranked).checks)
    assert "meets every constraint" in ranked.sentences[0] or "meet every" in ranked.sentences[0]
    assert ranked.sentences[1].startswith("The decision tree: ")
    assert any("tree's" in each for each in ranked.sentences[2:])


def test_d_fraud_has_a_second_machine_and_no_cold_start_in_its_p99() -> None:
    pick = picked(shipped("fraud-detection"))

    assert pick.size.instances >= 2
    assert pick.latency.p99_ms <= 50
    assert "8,153 ms at p99" in shipped("fraud-detection").sentences[2]  # serverless: a cold start


def test_d_churn_pays_for_its_job_and_for_nothing_between() -> None:
    pick = picked(shipped("churn-scoring"))
    endpoint = best(shipped("churn-scoring"), Tier.SAGEMAKER_REAL_TIME)

    assert pick.scales_to_zero
    assert pick.cost.expected_usd is not None
    assert endpoint.cost.expected_usd is not None
    assert pick.cost.expected_usd < endpoint.cost.expected_usd
    assert 0 <= pick.capacity.headroom <= 1  # of the time the job may take


def test_d_contracts_wait_in_a_queue_and_an_endpoint_kept_up_costs_four_times_as_much() -> None:
    ranked = shipped("contract-review")
    endpoint = best(ranked, Tier.SAGEMAKER_REAL_TIME)

    assert picked(ranked).scales_to_zero
    assert endpoint.cost.expected_usd is not None
    assert endpoint.cost.expected_usd > 4 * (picked(ranked).cost.expected_usd or 0)


def test_e_retrieval_stays_in_the_vpc_and_a_launch_builds_the_endpoint() -> None:
    ranked = shipped("internal-retrieval")

    assert picked(ranked).tier is Tier.ECS_SERVICE
    assert option(ranked, ranked.launch_pick).tier is Tier.SAGEMAKER_REAL_TIME
    assert not any(each.tier is Tier.BEDROCK_ON_DEMAND for each in ranked.options)


def test_e_the_factory_is_told_below_which_price_its_own_machine_wins() -> None:
    ranked = shipped("line-assistant")
    edge = best(ranked, Tier.EDGE_BUNDLE)

    assert edge.verdict is Verdict.NEEDS_QUOTE
    (said,) = [each for each in ranked.sentences if each.startswith("Without a public price:")]
    assert edge.summary in said
    assert f"would win below {edge.extra['break_even_unit_usd']} USD a unit-hour" in said


# What cannot be is refused with the nearest that can


def test_5_ms_from_70b_names_the_fastest_there_is() -> None:
    found = plan_capacity(latency_ms=5)
    own = ask(
        read(
            need="custom-gpu",
            weights_s3_uri="s3://models/seventy/",
            parameters_billion="70.55",
            latency_ms=5,
            latency_percentile=99,
        )
    )

    assert found.pick is None
    assert [each for each in found.nearest if each.kind == "latency" and each.value > 1000]
    assert own.pick == ""
    assert own.sentences[0].startswith("Nothing meets 5 ms at p99. The nearest is ")


def test_a_gpu_on_serverless_is_refused_with_an_endpoint_as_the_nearest() -> None:
    found = best(
        ask(
            read(need="custom-gpu", weights_s3_uri="s3://models/eight/", parameters_billion="8.03")
        ),
        Tier.SAGEMAKER_SERVERLESS,
    )

    assert found.verdict is Verdict.INFEASIBLE
    said = " ".join(each.sentence for each in found.checks if not each.holds)
    assert "The model needs a GPU; serverless inference has none. The nearest is" in said


def test_batch_under_a_second_is_refused_with_a_machine_kept_warm_as_the_nearest() -> None:
    given = read(
        pattern="batch",
        load="500000",
        load_unit="per-day",
        peak_rps="",
        window_hours="4",
        latency_ms=900,
    )
    ranked = ask(given)

    jobs = [
        each
        for each in ranked.options
        if each.tier in (Tier.SAGEMAKER_BATCH_TRANSFORM, Tier.BEDROCK_BATCH)
    ]
    assert jobs
    assert {each.verdict for each in jobs} <= {Verdict.INFEASIBLE}
    job = best(ranked, Tier.SAGEMAKER_BATCH_TRANSFORM)
    assert "the objective is 900 ms: the nearest is" in check(job, "latency")


def test_a_region_without_the_model_is_refused_with_the_nearest_region() -> None:
    ranked = ask(read(region="us-west-1", models="amazon.nova-micro-v1:0"))

    assert ranked.pick == ""
    assert "; the nearest is us-" in check(ranked.options[0], "region")
    assert "would need: " in ranked.sentences[0] or "the nearest" in ranked.sentences[0].lower()


def test_a_quota_that_nobody_knows_is_asked_for_before_the_launch() -> None:
    said = shipped("public-chat").sentences
    fraud = shipped("fraud-detection").sentences

    assert any(
        each.startswith("Before the launch: our pick needs ") and "quota tokens a minute" in each
        for each in said
    )
    assert not any(each.startswith("Before the launch") for each in fraud)
