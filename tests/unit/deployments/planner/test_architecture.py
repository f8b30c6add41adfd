"""Parameters and KV cache of models, against what their publishers' checkpoints hold."""

from __future__ import annotations

import pytest

from deployments.domain.planner.architecture import Architecture
from tests.unit.deployments.planner.planner_facts import FACTS

PUBLISHED = [each for each in FACTS.architectures if each.published_parameters]


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda each: each.name)
def test_parameters_are_those_of_the_published_checkpoint(model: Architecture) -> None:
    assert model.parameters == model.published_parameters


def test_most_models_have_a_published_count_to_compare_with() -> None:
    assert len(PUBLISHED) >= 45


@pytest.mark.parametrize(
    ("name", "tensor_parallel", "kv_bytes"),
    [
        ("Llama-3.1-70B", 1, 327_680),  # 80 layers x 8 KV heads x 128 x 2 x 2 bytes
        ("Llama-3.1-70B", 8, 40_960),
        ("Llama-3.1-70B", 16, 40_960),  # KV heads are copied beyond 8 GPUs
        ("Llama-2-7B", 1, 524_288),
        ("DeepSeek-V3", 8, 70_272),  # one latent vector on each GPU
        ("Qwen3.5-397B-A17B", 1, 30_720),  # 15 of 60 layers hold a cache
    ],
)
def test_the_cache_of_a_token_takes_what_its_layers_keep(
    name: str, tensor_parallel: int, kv_bytes: int
) -> None:
    model = FACTS.architecture[name]

    assert model.kv_bytes_per_token(tensor_parallel=tensor_parallel) == kv_bytes


def test_a_sliding_window_bounds_the_cache_of_its_layers() -> None:
    model = FACTS.architecture["Gemma-3-27B"]
    plain = model.kv_bytes_per_token()

    assert model.kv_bytes_of(1024) == pytest.approx(plain * 1024)
    assert model.kv_bytes_of(32_768) < plain * 32_768 * 0.2


def test_linear_attention_keeps_a_state_that_does_not_grow() -> None:
    model = FACTS.architecture["Qwen3.5-27B"]
    growth = model.kv_bytes_of(2000) - model.kv_bytes_of(1000)

    assert growth == pytest.approx(model.kv_bytes_per_token() * 1000)
    assert model.kv_bytes_of(0) > 0


def test_a_mixture_passes_each_token_through_few_of_its_parameters() -> None:
    model = FACTS.architecture["Qwen3-30B-A3B"]

    assert model.active_parameters == pytest.approx(3.04e9, rel=0.01)
    assert model.parameters == pytest.approx(30.53e9, rel=0.001)


def test_every_fact_says_where_it_comes_from() -> None:
    rows = (
        *FACTS.architectures,
        *FACTS.accelerators,
        *FACTS.machines,
        *FACTS.precisions,
        *FACTS.engines,
        *FACTS.constants,
        *FACTS.spreads,
    )

    assert all(row.source and row.as_of for row in rows)
