"""Architectures from the configuration files that are published with the weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from deployments.domain.planner import config
from tests.unit.deployments.planner.planner_facts import FACTS

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 80,
    "hidden_size": 8192,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}
DEEPSEEK: dict[str, Any] = {
    "model_type": "deepseek_v3",
    "num_hidden_layers": 61,
    "hidden_size": 7168,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "vocab_size": 129280,
    "max_position_embeddings": 163840,
    "tie_word_embeddings": False,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "n_shared_experts": 1,
    "moe_intermediate_size": 2048,
    "first_k_dense_replace": 3,
    "topk_method": "noaux_tc",
    "quantization_config": {"quant_method": "fp8"},
}
QWEN_MOE: dict[str, Any] = {
    "model_type": "qwen3_moe",
    "num_hidden_layers": 48,
    "hidden_size": 2048,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "intermediate_size": 6144,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "sliding_window": None,
    "use_sliding_window": False,
}
GPT_OSS: dict[str, Any] = {
    "model_type": "gpt_oss",
    "num_hidden_layers": 24,
    "hidden_size": 2880,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 2880,
    "vocab_size": 201088,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "attention_bias": True,
    "num_local_experts": 32,
    "num_experts_per_tok": 4,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "quantization_config": {"quant_method": "mxfp4"},
}
QWEN_HYBRID: dict[str, Any] = {
    "text_config": {
        "model_type": "qwen3_next",
        "num_hidden_layers": 64,
        "hidden_size": 5120,
        "num_attention_heads": 24,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "intermediate_size": 17408,
        "vocab_size": 248320,
        "max_position_embeddings": 262144,
        "attn_output_gate": True,
        "full_attention_interval": 4,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 48,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_conv_kernel_dim": 4,
        "tie_word_embeddings": False,
    }
}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (LLAMA, "Llama-3-70B"),
        (DEEPSEEK, "DeepSeek-V3"),
        (QWEN_MOE, "Qwen3-30B-A3B"),
        (GPT_OSS, "gpt-oss-20b"),
        (QWEN_HYBRID, "Qwen3.5-27B"),
    ],
)
def test_a_published_configuration_gives_the_known_model(body: dict[str, Any], name: str) -> None:
    known = FACTS.architecture[name]

    found = config.read(config=body, name=name, source="s3", as_of=date(2026, 11, 21))

    assert found.parameters == known.parameters
    assert found.kv_bytes_of(4096) == known.kv_bytes_of(4096)
    same = replace(found, source="", hub_id="", as_of=known.as_of)
    assert same.checkpoint_precision == known.checkpoint_precision


def test_a_configuration_without_layers_is_refused_by_name() -> None:
    with pytest.raises(config.UnreadableConfig, match="num_hidden_layers"):
        config.read(
            config={**LLAMA, "num_hidden_layers": None},
            name="broken",
            source="s3",
            as_of=date(2026, 11, 21),
        )
