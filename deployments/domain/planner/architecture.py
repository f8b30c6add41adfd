"""A decoder's shape: parameters by part and KV cache, exact for dense, MoE, MLA and hybrids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Mla:
    """Multi-head latent attention; `index_heads` and `index_dim` are those of a sparse indexer."""

    kv_lora: int
    qk_nope: int
    qk_rope: int
    v: int
    q_lora: int = 0
    index_heads: int = 0
    index_dim: int = 0


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """Gated delta-rule layers, whose state does not grow with the context."""

    layers: int
    k_heads: int
    v_heads: int
    k_dim: int
    v_dim: int
    conv: int = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of a model's configuration file.

    `qk_norm` is "", "head" (a norm of one head's width) or "width" (of all heads).
    `moe_layers` and `sliding_layers` are None where all layers are. `published_parameters` is what
    the publisher's checkpoint holds, for comparison. `checkpoint_precision` is the only one it is
    published in, "" for 16 bits.
    """

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    source: str
    as_of: date
    hub_id: str = ""
    max_context: int = 131072
    is_tied: bool = False
    is_gated: bool = True
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    norm_bias: bool = False
    head_bias: bool = False
    qk_norm: str = ""
    output_gate: bool = False
    sinks: bool = False
    norms_per_layer: int = 2
    experts: int = 0
    active_experts: int = 0
    expert_intermediate: int = 0
    expert_bias: int = 0
    router_bias: bool = False
    shared_intermediate: int = 0  # of all shared experts together
    shared_gate: bool = False
    moe_layers: int | None = None
    sliding_window: int = 0
    sliding_layers: int | None = None
    mla: Mla | None = None
    linear: LinearAttention | None = None
    published_parameters: int | None = None
    checkpoint_precision: str = ""
    note: str = ""

    @property
    def attention_layers(self) -> int:
        """Layers that hold a KV cache."""
        return self.layers - (self.linear.layers if self.linear else 0)

    @property
    def moe_layer_count(self) -> int:
        """Layers whose MLP is a mixture of experts."""
        if not self.experts:
            return 0
        return self.layers if self.moe_layers is None else self.moe_layers

    @property
    def embedding_parameters(self) -> int:
        """Embedding and output head, which stay at 16 bits."""
        bias = self.vocabulary if self.head_bias else 0
        return self.vocabulary * self.hidden * (1 if self.is_tied else 2) + bias

    @property
    def head_parameters(self) -> int:
        """The output head, read at every step."""
        return self.vocabulary * self.hidden

    @property
    def expert_parameters(self) -> int:
        """Routed experts of all layers."""
        return self.moe_layer_count * self.experts * self._expert()

    @property
    def active_expert_parameters(self) -> int:
        """Routed experts that one token passes."""
        return self.moe_layer_count * self.active_experts * self._expert()

    @property
    def body_parameters(self) -> int:
        """All but embeddings, head and routed experts: what every token passes."""
        attention = self.attention_layers * self._attention()
        linear = self.linear.layers * self._linear(self.linear) if self.linear else 0
        moe = self.moe_layer_count
        mlp = moe * self._beside_experts() + (self.layers - moe) * self._dense()
        norm = self.hidden * (2 if self.norm_bias else 1)
        return attention + linear + mlp + norm * (self.norms_per_layer * self.layers + 1)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.embedding_parameters + self.body_parameters + self.expert_parameters

    @property
    def active_parameters(self) -> int:
        """Parameters that one token is multiplied with, the output head among them."""
        return self.body_parameters + self.active_expert_parameters + self.head_parameters

    @property
    def query_width(self) -> int:
        """Width of all query heads together, as attention computes them."""
        return self.heads * self.head_dim

    def kv_bytes_per_token(self, *, tensor_parallel: int = 1, kv_bytes: float = 2.0) -> float:
        """Bytes one token of a short context takes on each GPU."""
        return self._kv_bytes(self.attention_layers, tensor_parallel, kv_bytes)

    def kv_bytes_of(
        self, context: float, *, tensor_parallel: int = 1, kv_bytes: float = 2.0
    ) -> float:
        """Bytes the cache of one request of `context` tokens takes on each GPU."""
        sliding = self._sliding()
        full = self._kv_bytes(self.attention_layers - sliding, tensor_parallel, kv_bytes)
        window = self._kv_bytes(sliding, tensor_parallel, kv_bytes)
        return full * context + window * min(context, self.sliding_window) + self._state()

    def _sliding(self) -> int:
        if not self.sliding_window:
            return 0
        return self.attention_layers if self.sliding_layers is None else self.sliding_layers

    def _kv_bytes(self, layers: int, tensor_parallel: int, kv_bytes: float) -> float:
        if self.mla:  # one latent vector a layer, on every GPU
            return layers * (self.mla.kv_lora + self.mla.qk_rope) * kv_bytes
        shared = min(tensor_parallel, self.kv_heads)  # beyond that, KV heads are copied
        return 2 * layers * self.kv_heads * self.head_dim * kv_bytes / shared

    def _state(self) -> float:
        if not self.linear:
            return 0.0
        one = self.linear
        matrix = one.v_heads * one.k_dim * one.v_dim
        conv = (2 * one.k_heads * one.k_dim + one.v_heads * one.v_dim) * (one.conv - 1)
        return 4.0 * one.layers * (matrix + conv)  # kept at 32 bits

    def _expert(self) -> int:
        return 3 * self.hidden * self.expert_intermediate + self.expert_bias

    def _dense(self) -> int:
        matrices = 3 if self.is_gated else 2
        bias = (matrices - 1) * self.intermediate + self.hidden if self.mlp_bias else 0
        return matrices * self.hidden * self.intermediate + bias

    def _beside_experts(self) -> int:
        router = self.hidden * self.experts + (self.experts if self.router_bias else 0)
        gate = self.hidden if self.shared_gate else 0
        return router + 3 * self.hidden * self.shared_intermediate + gate

    def _attention(self) -> int:
        if self.mla:
            return self._latent_attention(self.mla)
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        asked = queries * (2 if self.output_gate else 1)
        count = self.hidden * (asked + 2 * keys + queries)
        count += (queries + 2 * keys) if self.qkv_bias else 0
        count += self.hidden if self.o_bias else 0
        count += {"head": 2 * self.head_dim, "width": queries + keys}.get(self.qk_norm, 0)
        return count + (self.heads if self.sinks else 0)

    def _latent_attention(self, one: Mla) -> int:
        wide = self.heads * (one.qk_nope + one.qk_rope)
        asked = self.hidden * wide
        if one.q_lora:
            asked = one.q_lora * (self.hidden + 1 + wide)
        keys = self.hidden * (one.kv_lora + one.qk_rope) + one.kv_lora
        values = one.kv_lora * self.heads * (one.qk_nope + one.v) + self.heads * one.v * self.hidden
        indexed = one.index_heads * one.index_dim
        index = one.q_lora * indexed + self.hidden * (one.index_dim + one.index_heads)
        return asked + keys + values + (index + 2 * one.index_dim if indexed else 0)

    def _linear(self, one: LinearAttention) -> int:
        keys, values = one.k_heads * one.k_dim, one.v_heads * one.v_dim
        projected = self.hidden * (2 * keys + 2 * values + 2 * one.v_heads)
        conv = (2 * keys + values) * one.conv
        return projected + conv + 2 * one.v_heads + one.v_dim + values * self.hidden
