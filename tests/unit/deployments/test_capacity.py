"""Memory and speed of a model on GPUs, against logs, worked tables and physics."""

from __future__ import annotations

import pytest

from deployments.domain.capacity import GIB, Engine, Shape
from deployments.domain.catalog import Machine
from tests.unit.deployments.advice_facts import CATALOG

CHAT = Shape(1024, 256)


def machine(instance_type: str) -> Machine:
    return next(each for each in CATALOG.machines if each.instance_type == instance_type)


def engine(model_id: str, instance_type: str, precision: str = "bf16") -> Engine:
    architecture = CATALOG.by_id[model_id].architecture
    assert architecture is not None
    return Engine(machine(instance_type), architecture, precision, CATALOG.values)


@pytest.mark.parametrize(
    ("model_id", "precision", "gib"),
    [
        ("llama-3.1-8b-instruct", "bf16", 14.96),
        ("llama-3.1-70b-instruct", "bf16", 131.42),
        ("llama-3.1-70b-instruct", "fp8", 67.7),
        ("qwen3-0.6b", "bf16", 1.11),
    ],
)
def test_weights_take_what_published_checkpoints_take(
    model_id: str, precision: str, gib: float
) -> None:
    made = engine(model_id, "ml.p5.48xlarge", precision)

    assert made.weights_bytes() / GIB == pytest.approx(gib, rel=0.01)


def test_a_model_larger_than_the_memory_has_no_room_for_requests() -> None:
    made = engine("llama-3.1-8b-instruct", "ml.g4dn.xlarge")

    assert made.kv_budget_bytes() < 0


def test_seventy_billion_at_16_bits_fit_eight_a100_of_40_gb_but_not_four_l40s() -> None:
    assert engine("llama-3.1-70b-instruct", "ml.p4d.24xlarge").kv_budget_bytes() > 0
    assert engine("llama-3.1-70b-instruct", "ml.g6e.12xlarge").kv_budget_bytes() / GIB < 25


@pytest.mark.parametrize(
    ("instance_type", "precision", "idle_ms"),
    [
        ("ml.g6e.12xlarge", "fp8", 36),  # worked table of the capacity notes, 2.6
        ("ml.p5.4xlarge", "fp8", 29),
        ("ml.p4d.24xlarge", "bf16", 20),
    ],
)
def test_time_per_token_is_near_the_worked_table(
    instance_type: str, precision: str, idle_ms: float
) -> None:
    made = engine("llama-3.1-70b-instruct", instance_type, precision)

    assert made.pace(CHAT).token_s(1.0) * 1000 == pytest.approx(idle_ms, rel=0.3)


def test_more_requests_at_once_are_slower_each_and_faster_together() -> None:
    made = engine("llama-3.1-8b-instruct", "ml.g5.xlarge")
    batches = (1.0, 4.0, 16.0, 32.0)

    answers = [made.pace(CHAT).answer_s(batch) for batch in batches]
    rates = [made.pace(CHAT).rate_at(batch) for batch in batches]

    assert answers == sorted(answers)
    assert rates == sorted(rates)


def test_fp8_halves_what_is_read_for_each_token() -> None:
    wide = engine("llama-3.1-8b-instruct", "ml.p5.4xlarge", "bf16")
    narrow = engine("llama-3.1-8b-instruct", "ml.p5.4xlarge", "fp8")

    assert narrow.pace(CHAT).token_s(1.0) < wide.pace(CHAT).token_s(1.0)
    assert narrow.pace(CHAT).saturation_rps() > 1.3 * wide.pace(CHAT).saturation_rps()


def test_an_image_costs_prefill_time() -> None:
    made = engine("gemma-3-4b-it", "ml.g6e.xlarge")

    seeing, reading = made.pace(Shape(286, 40, images=1)), made.pace(Shape(286, 40))
    assert seeing.prefill_s > reading.prefill_s
