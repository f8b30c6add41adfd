"""An architecture read from a model's own `config.json`, as published with its weights. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from deployments.domain.planner.architecture import Architecture, LinearAttention, Mla

FULL, SLIDING, LINEAR = "full_attention", "sliding_attention", "linear_attention"
PRECISIONS = {"fp8": "fp8", "mxfp4": "mxfp4", "awq": "int4", "gptq": "int4"}
FOUR_NORMS = frozenset({"gemma2", "gemma3", "gemma3_text"})
HEAD_NORMS = frozenset({"qwen3", "qwen3_moe", "qwen3_next", "gemma3", "gemma3_text"})
QKV_BIAS = frozenset({"qwen2", "qwen2_moe", "gpt_oss"})
ROUTER_BIAS = frozenset({"gpt_oss", "deepseek_v3", "deepseek_v32", "glm4_moe", "minimax_m2"})
WIDTH_NORMS = frozenset({"olmo2", "olmo3"})
TIED_BY_DEFAULT = frozenset({"gemma", "gemma2", "gemma3", "gemma3_text"})


class UnreadableConfig(ValueError):
    """The text is not a decoder's configuration; the message names what is missing."""


def read(*, config: Mapping[str, Any], name: str, source: str, as_of: date) -> Architecture:
    """Return the architecture of a decoder; of a model with vision, its language part.

    Raises UnreadableConfig when a number that every decoder has is missing.
    """
    text: Mapping[str, Any] = {**config, **(config.get("text_config") or {})}
    kind = str(text.get("model_type", ""))
    mla = _mla(text)
    head_dim = text.get("head_dim") or _need(text, "hidden_size") // _need(
        text, "num_attention_heads"
    )
    return Architecture(
        name=name,
        layers=_need(text, "num_hidden_layers"),
        hidden=_need(text, "hidden_size"),
        heads=_need(text, "num_attention_heads"),
        kv_heads=1
        if mla
        else text.get("num_key_value_heads") or _need(text, "num_attention_heads"),
        head_dim=mla.kv_lora + mla.qk_rope if mla else head_dim,
        intermediate=text.get("intermediate_size_mlp") or _need(text, "intermediate_size"),
        vocabulary=_need(text, "vocab_size"),
        source=source,
        as_of=as_of,
        hub_id=str(config.get("_name_or_path", "")),
        max_context=text.get("max_position_embeddings") or 131_072,
        is_tied=bool(text.get("tie_word_embeddings", kind in TIED_BY_DEFAULT)),
        qkv_bias=bool(text.get("attention_bias", False)) or kind in QKV_BIAS,
        o_bias=(bool(text.get("attention_bias", False)) and kind not in QKV_BIAS)
        or kind == "gpt_oss",
        mlp_bias=bool(text.get("mlp_bias", False)),
        qk_norm=_norm(kind),
        sinks=kind == "gpt_oss",
        output_gate=bool(text.get("attn_output_gate", False)),
        norms_per_layer=4 if kind in FOUR_NORMS else 2,
        mla=mla,
        linear=_linear(text),
        checkpoint_precision=_precision(config),
        **_experts(text, kind),
        **_window(text),
    )


def _need(text: Mapping[str, Any], key: str) -> int:
    value = text.get(key)
    if not isinstance(value, int) or value <= 0:
        raise UnreadableConfig(f"config.json lacks {key}, or it is not a positive whole number.")
    return value


def _norm(kind: str) -> str:
    return "head" if kind in HEAD_NORMS else "width" if kind in WIDTH_NORMS else ""


def _mla(text: Mapping[str, Any]) -> Mla | None:
    if not text.get("kv_lora_rank"):
        return None
    return Mla(
        kv_lora=_need(text, "kv_lora_rank"),
        qk_nope=_need(text, "qk_nope_head_dim"),
        qk_rope=_need(text, "qk_rope_head_dim"),
        v=_need(text, "v_head_dim"),
        q_lora=text.get("q_lora_rank") or 0,
        index_heads=text.get("index_n_heads") or 0,
        index_dim=text.get("index_head_dim") or 0,
    )


def _linear(text: Mapping[str, Any]) -> LinearAttention | None:
    if not text.get("linear_num_value_heads"):
        return None
    layers = _layers(text).count(LINEAR)
    every = text.get("full_attention_interval") or 4
    total = _need(text, "num_hidden_layers")
    return LinearAttention(
        layers=layers or total - total // every,
        k_heads=_need(text, "linear_num_key_heads"),
        v_heads=_need(text, "linear_num_value_heads"),
        k_dim=_need(text, "linear_key_head_dim"),
        v_dim=_need(text, "linear_value_head_dim"),
        conv=text.get("linear_conv_kernel_dim") or 4,
    )


def _experts(text: Mapping[str, Any], kind: str) -> dict[str, Any]:
    count = next(
        (
            text[key]
            for key in ("n_routed_experts", "num_local_experts", "num_experts")
            if text.get(key)
        ),
        0,
    )
    if not count:
        return {}
    width = text.get("moe_intermediate_size") or _need(text, "intermediate_size")
    shared = text.get("shared_expert_intermediate_size") or (
        (text.get("n_shared_experts") or 0) * width
    )
    if kind == "llama4_text":
        shared = width
    hidden = _need(text, "hidden_size")
    return {
        "experts": count,
        "active_experts": text.get("num_experts_per_tok") or text.get("experts_per_token") or 1,
        "expert_intermediate": width,
        "expert_bias": 2 * width + hidden if kind == "gpt_oss" else 0,
        "router_bias": kind in ROUTER_BIAS or text.get("topk_method") == "noaux_tc",
        "shared_intermediate": shared,
        "shared_gate": bool(text.get("shared_expert_intermediate_size")),
        "moe_layers": _moe_layers(text),
    }


def _moe_layers(text: Mapping[str, Any]) -> int:
    total = _need(text, "num_hidden_layers")
    step = text.get("interleave_moe_layer_step") or text.get("decoder_sparse_step") or 1
    dense = text.get("first_k_dense_replace") or 0
    return (total - dense) // step


def _window(text: Mapping[str, Any]) -> dict[str, Any]:
    window = text.get("sliding_window")
    if not window or text.get("use_sliding_window") is False:
        return {}
    if window >= (text.get("max_position_embeddings") or window + 1):
        return {}
    total, named = _need(text, "num_hidden_layers"), _layers(text)
    every = text.get("sliding_window_pattern")
    sliding = named.count(SLIDING) if named else total - total // every if every else total
    return {"sliding_window": window, "sliding_layers": sliding}


def _layers(text: Mapping[str, Any]) -> list[str]:
    return list(text.get("layer_types") or ())


def _precision(config: Mapping[str, Any]) -> str:
    found = config.get("quantization_config") or {}
    return PRECISIONS.get(str(found.get("quant_method", "")), "")
