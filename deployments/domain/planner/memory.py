"""Memory of one GPU by part, and the KV cache that is left. Pure.

Equations of the capacity notes (2026-11-20, section 2.1): weights within 0.2 % and KV cache within
0.8 % (median) of real vLLM logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from deployments.domain.planner.architecture import Architecture
from deployments.domain.planner.facts import Accelerator, EngineGeneration, Precision
from deployments.domain.planner.result import MemoryParts

GIB = 2.0**30
BLOCK_TOKENS = 16  # the cache is handed out in blocks of so many tokens
WIDE_BYTES = 2.0  # embeddings, head and activations stay at 16 bits


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of a model: what it is, and over how many GPUs."""

    architecture: Architecture
    accelerator: Accelerator
    precision: Precision
    engine: EngineGeneration
    tensor_parallel: int
    pipeline_parallel: int = 1

    @property
    def gpus(self) -> int:
        """GPUs of one copy."""
        return self.tensor_parallel * self.pipeline_parallel


@dataclass(frozen=True, slots=True)
class Batching:
    """What the engine is told about how much to work on at once."""

    max_num_seqs: int
    max_num_batched_tokens: int


def weights_bytes(*, architecture: Architecture, precision: Precision) -> float:
    """Return the bytes of all weights: embeddings stay at 16 bits, experts may be padded."""
    width = architecture.expert_intermediate
    padded = ceil(width / precision.pad_experts) * precision.pad_experts
    experts = architecture.expert_parameters * (padded / width if width else 1.0)
    return (
        experts * precision.expert_bytes
        + architecture.body_parameters * precision.rest_bytes
        + architecture.embedding_parameters * WIDE_BYTES
    )


def parts(*, replica: Replica, batching: Batching, values: Mapping[str, float]) -> MemoryParts:
    """Return GiB of one GPU; `kv` is negative when the model does not fit."""
    gpu = replica.accelerator
    weights = weights_bytes(architecture=replica.architecture, precision=replica.precision)
    weights_gib = weights / replica.gpus / GIB
    activation = _activation_bytes(replica, batching, values) / GIB
    non_torch = values["non-torch-gib-one" if replica.gpus == 1 else "non-torch-gib-many"]
    graphs = values["graphs-gib"] if replica.engine.graphs_in_budget else 0.0
    taken = gpu.memory_gib_usable * replica.engine.memory_share
    return MemoryParts(
        weights=weights_gib,
        kv=taken - weights_gib - activation - non_torch - graphs,
        activation=activation,
        non_torch=non_torch,
        graphs=graphs,
        free=gpu.memory_gib_usable - taken,
        usable=gpu.memory_gib_usable,
    )


def kv_tokens(*, replica: Replica, memory: MemoryParts) -> int:
    """Return the tokens of short contexts that one copy's cache holds, in whole blocks."""
    per_token = replica.architecture.kv_bytes_per_token(tensor_parallel=replica.tensor_parallel)
    if memory.kv <= 0:
        return 0
    stages = replica.pipeline_parallel  # each holds its own layers' share
    return int(memory.kv * GIB * stages / per_token / BLOCK_TOKENS) * BLOCK_TOKENS


def sequences(*, replica: Replica, memory: MemoryParts, context: float) -> float:
    """Return how many requests of `context` tokens one copy's cache holds at once."""
    if memory.kv <= 0:
        return 0.0
    one = replica.architecture.kv_bytes_of(context, tensor_parallel=replica.tensor_parallel)
    return memory.kv * GIB * replica.pipeline_parallel / one


def _activation_bytes(replica: Replica, batching: Batching, values: Mapping[str, float]) -> float:
    """The larger of a full step and of the sampler's profiling run at `max_num_seqs`."""
    model, across = replica.architecture, replica.tensor_parallel
    widest = max(model.intermediate, model.active_experts * model.expert_intermediate)
    step = WIDE_BYTES * batching.max_num_batched_tokens * (3 * model.hidden + 2 * widest / across)
    sampler = values["sampler-bytes"] * batching.max_num_seqs * model.vocabulary
    return max(step, sampler)
