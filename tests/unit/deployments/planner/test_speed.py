"""Speed, queues and the simulation, against worked tables and against each other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.planner import calibration, queueing, simulation, speed
from deployments.domain.planner.queueing import Lengths
from deployments.domain.planner.request import LoadPoint
from deployments.domain.planner.simulation import Limits, Load, Spread
from tests.unit.deployments.planner.planner_facts import FACTS, VALUES, replica

CHAT = Lengths(1024, 256)
H100_FP8 = replica("Llama-3.1-70B", "H100-80", "fp8", 4)


@pytest.mark.parametrize(
    ("gpu", "tensor", "precision", "tpot_ms"),
    [  # idle, of the capacity notes' worked table (2.6): models, +-15 to 30 %
        ("A10G", 4, "int4", 31),
        ("L40S", 4, "fp8", 36),
        ("A100-40", 8, "bf16", 20),
        ("A100-80", 8, "bf16", 17),
        ("H100-80", 4, "bf16", 18),
        ("H200-141", 1, "fp8", 21),
        ("B200-180", 1, "fp8", 14.5),
    ],
)
def test_an_idle_70b_is_as_fast_as_the_worked_table(
    gpu: str, tensor: int, precision: str, tpot_ms: float
) -> None:
    made = speed.of(replica=replica("Llama-3.1-70B", gpu, precision, tensor), values=VALUES)

    found = queueing.closed(speed=made, lengths=CHAT, users=1, fits=100)

    assert found.tpot_s * 1000 == pytest.approx(tpot_ms, rel=0.3)


def test_fp8_computes_faster_only_where_the_gpu_can() -> None:
    for gpu, is_faster in (("A100-80", False), ("H100-80", True)):
        prompt = [
            speed.of(
                replica=replica("Llama-3.1-70B", gpu, precision, 8), values=VALUES
            ).flop_s_prefill
            for precision in ("bf16", "fp8")
        ]
        assert (prompt[1] < prompt[0]) is is_faster


def test_an_old_engine_is_slower_on_the_same_gpus() -> None:
    new, old = (
        speed.of(replica=replica("Llama-2-70B", "A100-80", "bf16", 4, engine=key), values=VALUES)
        for key in ("vllm", "vllm-2023")
    )

    assert old.decode_s(8, 1000) > 1.3 * new.decode_s(8, 1000)


def test_a_pipeline_makes_a_token_slower_than_as_many_gpus_side_by_side_with_fast_links() -> None:
    wide = speed.of(replica=replica("Llama-3.1-70B", "H100-80", "fp8", 4), values=VALUES)
    deep = speed.of(replica=replica("Llama-3.1-70B", "H100-80", "fp8", 2, 2), values=VALUES)

    assert deep.decode_s(1, 1000) > wide.decode_s(1, 1000)


@given(users=st.integers(1, 200), more=st.integers(1, 50))
def test_more_users_never_shorten_anybodys_answer(users: int, more: int) -> None:
    made = speed.of(replica=H100_FP8, values=VALUES)

    less = queueing.closed(speed=made, lengths=CHAT, users=users, fits=256)
    there = queueing.closed(speed=made, lengths=CHAT, users=users + more, fits=256)

    assert there.e2e_s >= less.e2e_s
    assert there.ttft_s >= less.ttft_s


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7])
def test_the_simulation_and_the_closed_form_agree_on_means(share: float) -> None:
    made = speed.of(replica=H100_FP8, values=VALUES)
    most = queueing.saturation_rps(speed=made, lengths=CHAT, fits=256)

    mean = queueing.arriving(speed=made, lengths=CHAT, rate=share * most, fits=256)
    found = simulate(share * most)

    assert found.e2e_mean_s == pytest.approx(mean.e2e_s, rel=0.15)
    assert found.tpot_s == pytest.approx(mean.tpot_s, rel=0.15)


def test_percentiles_are_in_order_and_rise_with_load() -> None:
    made = speed.of(replica=H100_FP8, values=VALUES)
    most = queueing.saturation_rps(speed=made, lengths=CHAT, fits=256)

    quiet, busy = simulate(0.2 * most), simulate(0.8 * most)

    for each in (quiet, busy):
        assert list(each.ttft_s) == sorted(each.ttft_s)
        assert list(each.e2e_s) == sorted(each.e2e_s)
    assert busy.e2e_s[2] > quiet.e2e_s[2]


def test_long_answers_decide_p99_even_on_an_idle_gpu() -> None:
    even, uneven = simulate(0.2), simulate(0.2, output_p95=700)

    assert uneven.e2e_s[2] > 2.5 * even.e2e_s[2]


def test_a_cut_bounds_the_longest_answer() -> None:
    assert simulate(0.2, output_p95=700, most=300).e2e_s[2] < 1.3 * simulate(0.2).e2e_s[2]


def test_a_full_cache_makes_requests_wait_and_loses_none() -> None:
    found = simulate(2.0, cache_tokens=3000)

    assert found.ttft_s[0] > 1.0


@given(mean=st.integers(10, 5000), factor=st.floats(1.0, 3.8))
def test_lengths_have_the_p95_they_were_given(mean: int, factor: float) -> None:
    assert Spread(mean, mean * factor).at(0.95) == pytest.approx(mean * factor, rel=1e-6)


def test_a_measured_point_is_met_again() -> None:
    made = speed.of(replica=H100_FP8, values=VALUES)
    point = LoadPoint(
        architecture="Llama-3.1-70B",
        accelerator="H100-80",
        tensor_parallel=4,
        precision="fp8",
        engine="vllm",
        input_tokens=1024,
        output_tokens=256,
        concurrency=16,
        ttft_ms=400,
        tpot_ms=25,
        source="load test",
        as_of=date(2026, 11, 19),
    )

    scale = calibration.scale_of(point=point, speed=made, fits=256)
    again = queueing.closed(speed=calibration.scaled(made, scale), lengths=CHAT, users=16, fits=256)

    assert again.tpot_s * 1000 == pytest.approx(25, rel=0.01)
    assert again.ttft_s * scale.first * 1000 == pytest.approx(400, rel=0.01)
    other = replica("Llama-3.1-70B", "H100-80", "fp8", 8)
    assert calibration.matching(replica=other, points=(point,)) is None


def simulate(
    rate: float, output_p95: float = 256, most: float | None = None, cache_tokens: int = 10**6
) -> simulation.Percentiles:
    return simulation.run(
        speed=speed.of(replica=H100_FP8, values=FACTS.values),
        load=Load(rate, Spread(1024, 1024), Spread(256, output_p95, most), 0.0, 1000),
        limits=Limits(256, 8192, cache_tokens),
    )
