"""The plan: scenario B, wishes that cannot hold, and what must be true of every plan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.domain.prices import PriceBook
from deployments.domain.planner.plan import Configuration, LoadPoint
from tests.unit.deployments.advice_facts import TODAY, book
from tests.unit.deployments.planner.planner_facts import FACTS, ask

NARROW = ("int4", "nvfp4")


def estimates(made: Configuration) -> list[object]:
    said = made.prediction
    return [
        said.ttft_p50,
        said.ttft_p95,
        said.ttft_p99,
        said.tpot,
        said.e2e_p50,
        said.e2e_p95,
        said.e2e_p99,
        said.output_tokens_per_s,
        said.requests_per_s,
    ]


def test_finance_gets_the_cheapest_plan_that_holds_price_and_p99() -> None:
    found = ask()

    assert found.pick is not None
    assert found.pick.prediction.e2e_p99.value <= 3000
    assert found.pick.usd_per_request <= Decimal("0.02")
    assert found.pick.output_cap >= 300
    assert 600 <= found.pick.loading.startup_health_check_timeout_s <= 3600
    assert found.pick.loading.volume_gb is None
    dearer = [each.usd_month for each in found.finalists if each.is_feasible]
    assert found.pick.usd_month == min(dearer)


def test_finance_at_2_requests_a_second_gets_shorter_answers_for_its_price() -> None:
    found = ask(mean_rps=Decimal(2), input_tokens_p95=2400)
    cut = found.nearest_pick

    assert found.pick is None
    assert cut is not None
    assert cut.usd_per_request <= Decimal("0.02")
    assert cut.prediction.e2e_p99.value <= 3000
    assert cut.precision not in NARROW
    assert 50 <= found.nearest[0].value < 300
    assert any("max_tokens" in said for said in found.sentences)


def test_a_limit_on_the_first_token_leaves_answers_as_long_as_they_are() -> None:
    found = ask(latency_of="first-token", latency_ms=800, tpot_ms=60)

    assert found.pick is not None
    assert found.pick.output_cap is None
    assert found.pick.prediction.ttft_p99.value <= 800
    assert found.pick.prediction.tpot.value <= 60


def test_finance_is_told_what_p4d_and_p4de_carry() -> None:
    said = " ".join(ask().sentences)

    assert "ml.p4d.24xlarge has 8 x A100 with 40 GB, not 80" in said
    assert "ml.p4de.24xlarge is the one with 80 GB" in said


def test_300_tokens_within_3_s_cannot_hold_on_p4d_and_the_reason_has_numbers() -> None:
    found = ask(instance_types=("ml.p4d.24xlarge",), precisions=("bf16",))
    refusal = found.refused[0]

    assert found.pick is None
    assert "further tokens of" in refusal.reason
    caps = {each.kind: each.value for each in refusal.nearest}
    assert 50 <= caps["output-cap"] <= 200  # about 100 on a nearly idle endpoint
    assert caps["latency"] > 4000


def test_a_longer_tail_of_answers_is_met_by_cutting_them() -> None:
    found = ask(output_tokens_p95=450)

    assert found.pick is None
    assert found.nearest_pick is not None
    assert found.nearest_pick.is_feasible
    assert found.nearest[0].kind == "output-cap"
    assert f"{found.nearest[0].value:,.0f}" in found.nearest[0].sentence


def test_5_ms_from_70b_is_refused_with_the_nearest_time() -> None:
    found = ask(latency_ms=5)

    assert found.pick is None
    assert not found.finalists
    nearest = {each.kind: each.value for each in found.nearest}
    assert nearest["latency"] > 1000


def test_a_model_that_fits_nowhere_is_refused_with_what_it_takes() -> None:
    found = ask(architecture=FACTS.architecture["Kimi-K2"], instance_types=("ml.g5.12xlarge",))

    assert found.pick is None
    assert "GiB of weights" in found.refused[0].reason
    assert found.nearest[0].kind == "memory"
    assert found.nearest[0].value >= 500


def test_a_machine_without_a_price_needs_a_quote_and_is_never_picked() -> None:
    empty = PriceBook("us-east-1", TODAY, {})

    found = ask(prices=empty, usd_per_request=None)

    assert found.finalists
    assert found.pick is None
    assert all(each.usd_month is None for each in found.finalists)
    assert any("needs a quote" in each.reason for each in found.refused)


def test_a_quota_that_is_too_small_refuses_with_the_quota_that_would_do() -> None:
    found = ask(
        latency_ms=20_000,
        instance_types=("ml.p4d.24xlarge",),
        gpu_quota={"ml.p4d.24xlarge": 1},
    )

    assert found.pick is None
    assert any(each.kind == "quota" and each.value > 1 for each in found.nearest)


def test_one_load_point_rescales_the_plan_of_its_configuration() -> None:
    only = {"instance_types": ("ml.p5.48xlarge",), "precisions": ("fp8",), "latency_ms": 20_000}
    plain = ask(**only).pick
    assert plain is not None
    point = LoadPoint(
        architecture="Llama-3-70B",
        accelerator="H100-80",
        tensor_parallel=plain.tensor_parallel,
        precision="fp8",
        engine="vllm",
        input_tokens=1500,
        output_tokens=300,
        concurrency=16,
        tpot_ms=60,
        ttft_ms=900,
        source="load test of the staging endpoint",
        as_of=date(2026, 11, 19),
    )

    again = ask(points=(point,), **only)
    measured = [each for each in again.finalists if each.tensor_parallel == plain.tensor_parallel]

    assert all(each.prediction.confidence == "measured" for each in measured)
    assert all("load test of the staging" in each.prediction.tpot.basis for each in measured)
    assert again.pick is None or again.pick.usd_month >= plain.usd_month


def test_four_bits_are_never_the_answer_without_saying_what_eight_would_cost() -> None:
    found = ask(latency_ms=20_000)

    assert found.pick is not None
    if found.pick.precision in NARROW:
        assert any("8 bits or more" in said for said in found.sentences)
    assert any(each.precision not in NARROW for each in found.finalists)


@pytest.mark.parametrize("name", ["Llama-3.1-8B", "gpt-oss-120b", "Qwen3-30B-A3B", "DeepSeek-V3"])
def test_every_kind_of_model_gets_a_plan(name: str) -> None:
    found = ask(architecture=FACTS.architecture[name], latency_ms=30_000, usd_per_request=None)

    assert found.pick is not None
    assert found.pick.memory.weights < found.pick.memory.usable


@settings(max_examples=8)
@given(
    name=st.sampled_from(["Llama-3.1-8B", "Llama-3-70B", "Mixtral-8x7B"]),
    peak=st.integers(1, 40),
    prompt=st.integers(50, 4000),
    output=st.integers(10, 600),
    limit=st.integers(200, 40_000),
    percentile=st.sampled_from((50, 95, 99)),
    cents=st.none() | st.decimals("0.0001", "0.05", places=4),
)
def test_a_plan_is_never_feasible_when_a_check_is_broken(
    name: str, peak: int, prompt: int, output: int, limit: int, percentile: int, cents: Decimal
) -> None:
    found = ask(
        architecture=FACTS.architecture[name],
        peak_rps=Decimal(peak),
        mean_rps=Decimal(peak) / 3,
        input_tokens_mean=prompt,
        input_tokens_p95=prompt * 2,
        output_tokens_mean=output,
        output_tokens_p95=output * 2,
        latency_ms=limit,
        latency_percentile=percentile,
        usd_per_request=cents,
        instance_types=("ml.g5.12xlarge", "ml.g6e.12xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge"),
    )

    for each in found.finalists:
        assert each.is_feasible == all(check.holds for check in each.checks)
        assert all(one.low <= one.value <= one.high for one in estimates(each))
        parts = each.memory
        total = parts.weights + parts.kv + parts.activation + parts.non_torch + parts.graphs
        assert total + parts.free == pytest.approx(parts.usable)
    for each in filter(None, (found.pick, found.nearest_pick)):
        assert each.is_feasible
        assert cents is None or each.usd_per_request <= cents


@settings(max_examples=8)
@given(peak=st.integers(1, 60), more=st.integers(1, 60))
def test_cost_never_falls_when_load_rises_at_the_same_size(peak: int, more: int) -> None:
    only = {"instance_types": ("ml.p4d.24xlarge",), "precisions": ("fp8",), "latency_ms": 20_000}

    less, higher = (
        {each.key: each.usd_month for each in ask(peak_rps=Decimal(load), **only).finalists}
        for load in (peak, peak + more)
    )

    assert less
    for key in less.keys() & higher.keys():
        assert higher[key] >= less[key]


def test_the_same_request_gives_the_same_plan() -> None:
    assert ask() == ask(prices=book())
