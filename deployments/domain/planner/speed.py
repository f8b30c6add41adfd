"""How fast one copy of a model works: a roofline of prefill and decode. Pure.

Textbook constants, which did better on sources left out than fitted ones (capacity notes of
2026-11-20, section 2.3). The age of the engine is an input, not part of the hardware's efficiency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

from deployments.domain.planner.architecture import Architecture
from deployments.domain.planner.memory import Replica

MOST_TOUCHING = 3000.0  # tokens after which every expert is touched


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of one tensor-parallel group of one copy; a pipeline has several groups in a row."""

    architecture: Architecture
    multiplied: int  # parameters that every prompt token is multiplied with
    active: int  # those of an output token, the head among them
    seeing_flop: int  # of one token for each token of its context
    cached_bytes: float  # of one token of a short context on one GPU
    missed: float  # chance that one token leaves an expert alone
    groups: int
    stage_share: float  # of a pipeline's stages that is work
    across: int
    body_s: float  # reading all but experts and head, once a step
    experts_s: float  # reading all routed experts
    head_s: float
    flop_s_prefill: float  # of one FLOP
    flop_s_decode: float
    kv_byte_s: float  # of one byte of cache on one GPU
    wait_s: float  # all exchanges between GPUs, a step
    exchange_token_s: float  # what each token adds to them
    layer_s: float  # all layers, a step
    step_s: float
    sequence_s: float
    first_token_s: float
    mixed: float
    power: float
    queue: tuple[float, float]
    scale: float

    def decode_s(self, batch: float, context: float) -> float:
        """Return the seconds of one step for `batch` requests of `context` tokens each."""
        each = batch / self.groups
        cache = self.architecture.kv_bytes_of(context, tensor_parallel=self.across)
        return self.scale * self._step_s(each, each * cache * self.kv_byte_s, 0.0)

    def mixed_step_s(
        self, decoding: int, cache_tokens: float, prefill_tokens: float, prefill_context: float
    ) -> float:
        """Return the seconds of one step that decodes some requests and prefills others."""
        cache = self.cached_bytes * cache_tokens
        base = self._step_s(
            decoding / self.groups, cache * self.kv_byte_s / self.groups, prefill_tokens
        )
        if not prefill_tokens:
            return self.scale * base
        compute = self.prefill_flop(prefill_tokens, prefill_context) * self.flop_s_prefill
        more = (compute + self.exchange_token_s * prefill_tokens) * self.mixed
        return self.scale * (base + more / (self.groups * self.stage_share))

    def prefill_flop(self, tokens: float, context: float) -> float:
        """Return the FLOPs of `tokens` prompt tokens that see up to `context` tokens."""
        return (2 * self.multiplied + self.seeing_flop * context) * tokens

    def prefill_s(self, tokens: float) -> float:
        """Return the seconds of a prompt on an idle copy."""
        compute = self.prefill_flop(tokens, tokens) * self.flop_s_prefill
        reading = self.body_s + self.experts_s * self._touched(tokens)
        exchange = self.wait_s + self.exchange_token_s * tokens
        return self.scale * (max(compute, reading) + exchange + self.layer_s + self.step_s)

    def mixed_prefill_s(self, tokens: float) -> float:
        """Return the seconds a prompt adds to the steps it shares with decoding."""
        compute = self.prefill_flop(tokens, tokens) * self.flop_s_prefill
        exchange = self.wait_s + self.exchange_token_s * tokens
        return self.scale * (compute + exchange) * self.mixed / self.stage_share

    def _step_s(self, batch: float, cache_s: float, beside: float) -> float:
        experts = self.experts_s * self._touched(batch + beside)
        memory = self.body_s + experts + self.head_s + cache_s
        compute = 2 * self.active * batch * self.flop_s_decode
        worked = float((memory**self.power + compute**self.power) ** (1 / self.power))
        exchange = self.wait_s + self.exchange_token_s * batch
        return worked + exchange + self.layer_s + self.step_s + self.sequence_s * batch

    def _touched(self, tokens: float) -> float:
        return 1 - float(self.missed ** min(tokens, MOST_TOUCHING))


def of(*, replica: Replica, values: Mapping[str, float]) -> Speed:
    """Return the speed of one copy."""
    model, gpu, engine = replica.architecture, replica.accelerator, replica.engine
    across = replica.tensor_parallel
    peak = across * gpu.bandwidth_gb_per_s * 1e9
    weights = peak * _bandwidth(replica, values)
    experts = weights * values["bandwidth-experts"] / 0.7
    wait, token = _exchange_s(replica, values)
    kept = replica.precision
    return Speed(
        architecture=model,
        multiplied=model.body_parameters + model.active_expert_parameters,
        active=model.active_parameters,
        seeing_flop=2 * model.attention_layers * model.query_width,
        cached_bytes=model.kv_bytes_per_token(tensor_parallel=across),
        missed=1 - model.active_experts / model.experts if model.experts else 1.0,
        groups=replica.pipeline_parallel,
        stage_share=values["stage-overlap"] if replica.pipeline_parallel > 1 else 1.0,
        across=across,
        body_s=kept.rest_bytes * model.body_parameters / weights,
        experts_s=kept.expert_bytes * model.expert_parameters / experts,
        head_s=2.0 * model.head_parameters / weights,
        flop_s_prefill=1 / _flops(replica, "prefill", values),
        flop_s_decode=1 / _flops(replica, "decode", values),
        kv_byte_s=1 / (gpu.bandwidth_gb_per_s * 1e9 * values["bandwidth-kv"]),
        wait_s=wait,
        exchange_token_s=token,
        layer_s=model.layers * values["layer-s"],
        step_s=engine.step_s,
        sequence_s=engine.sequence_s,
        first_token_s=engine.first_token_s,
        mixed=values["mixed-prefill"],
        power=values["norm-power"],
        queue=(values["queue-coefficient"], values["queue-exponent"]),
        scale=engine.scale * engine.parallel_scale ** log2(across),
    )


def compute_width(replica: Replica) -> int:
    """Return the bits multiplications run in: the precision's, where the GPU can."""
    gpu, wanted = replica.accelerator, replica.precision.compute
    if wanted == 4 and gpu.tflops_4:
        return 4
    if wanted <= 8 and gpu.tflops_8 and gpu.has_fp8:
        return 8
    return 16


def _flops(replica: Replica, phase: str, values: Mapping[str, float]) -> float:
    gpu, width = replica.accelerator, compute_width(replica)
    peak = {4: gpu.tflops_4, 8: gpu.tflops_8, 16: gpu.tflops_16}[width] or gpu.tflops_16
    share = values[f"{phase}-{gpu.generation}-{width}"]
    return replica.tensor_parallel * peak * 1e12 * share


def _bandwidth(replica: Replica, values: Mapping[str, float]) -> float:
    gpu = replica.accelerator
    key = "bandwidth-blackwell" if gpu.generation == "blackwell" else "bandwidth"
    share = values["bandwidth-gddr" if gpu.is_gddr else key]
    return share * values["bandwidth-fp4"] / 0.7 if replica.precision.name == "nvfp4" else share


def _exchange_s(replica: Replica, values: Mapping[str, float]) -> tuple[float, float]:
    """Two all-reduces a layer between the GPUs: seconds each step, and seconds a token."""
    model, gpu, across = replica.architecture, replica.accelerator, replica.tensor_parallel
    if across == 1:
        return 0.0, 0.0
    link = "nvlink" if gpu.is_nvlink else "pcie"
    payload = 2 * (across - 1) / across * model.hidden * 2
    speed = gpu.link_gb_per_s * 1e9 * values[link]
    wait = values[f"{link}-all-reduce-s"] * log2(across)
    return 2 * model.layers * wait, 2 * model.layers * payload / speed
