"""What one GPU machine carries of one model: memory and a roofline of its speed. Pure.

The equations and their textbook constants are those of the capacity notes (2026-11-20): median
error 12 % for time per token and throughput, 48 % for the first token, on rows never used in a
fit. Good for choosing, not for a promise: measure before production.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

from deployments.domain.catalog import Architecture, Machine

GIB = 2.0**30
BYTES_PER_PARAMETER: Mapping[str, float] = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0}


@dataclass(frozen=True, slots=True)
class Shape:
    """One request as the model sees it; image tokens are part of `input_tokens`."""

    input_tokens: float
    output_tokens: float
    images: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one replica's work on requests of one shape; `batch` is how many at once."""

    following_tokens: float  # of an answer after its first token
    most: float  # requests that are in memory at once
    reading_s: float  # all weights, once a step
    kv_s: float  # one request's KV cache, a step
    compute_s: float  # one request's token, a step
    fixed_s: float  # a step, whatever it does
    sequence_s: float  # a step, for each request
    prefill_s: float  # a prompt on an idle GPU
    mixed_prefill_s: float  # what a prompt adds to the steps it shares
    power: float  # of the norm that joins memory and compute time
    queue: tuple[float, float]  # coefficient and exponent
    first_token_fixed_s: float
    step_fixed_s: float

    def step_s(self, batch: float) -> float:
        """Seconds of one decoding step."""
        memory, compute = self.reading_s + batch * self.kv_s, batch * self.compute_s
        together = float((memory**self.power + compute**self.power) ** (1 / self.power))
        return together + self.fixed_s + self.sequence_s * batch

    def token_s(self, batch: float) -> float:
        """Seconds between two tokens of one answer, with the prompts of the others in between."""
        others = (batch - 1) * self.mixed_prefill_s / max(self.following_tokens, 1.0)
        return self.step_s(batch) + others

    def first_token_s(self, batch: float) -> float:
        """Seconds until the first token."""
        coefficient, exponent = self.queue
        ahead = coefficient * float((batch - 1) ** exponent) * self.mixed_prefill_s
        return self.first_token_fixed_s + 0.5 * self.step_s(batch) + self.prefill_s + ahead

    def answer_s(self, batch: float) -> float:
        """Mean seconds until the last token."""
        return self.first_token_s(batch) + self.following_tokens * self.token_s(batch)

    def rate_at(self, batch: float) -> float:
        """Requests/s at which `batch` requests are under way on average (Little's law)."""
        return batch / self.answer_s(batch)

    def saturation_rps(self) -> float:
        """Requests/s with as many requests in memory as fit."""
        decoding = max(self.following_tokens, 1.0) * self.step_s(self.most)
        return self.most / (self.most * self.mixed_prefill_s + decoding + self.step_fixed_s)


@dataclass(frozen=True, slots=True)
class Engine:
    """One replica: a model at a precision, tensor-parallel over all GPUs of a machine."""

    machine: Machine
    architecture: Architecture
    precision: str
    values: Mapping[str, float]  # the catalog's figures by key

    @property
    def gpus(self) -> int:
        """GPUs of the machine."""
        return self.machine.gpus

    def weights_bytes(self) -> float:
        """Bytes of all weights: embeddings and the vision part stay at 16 bits."""
        body = self.architecture.parameters - self.architecture.embedding_parameters
        wide = self.architecture.embedding_parameters + self.architecture.vision_parameters
        return body * BYTES_PER_PARAMETER[self.precision] + 2.0 * wide

    def kv_budget_bytes(self) -> float:
        """Bytes left for the KV cache over all GPUs; negative when the model does not fit."""
        usable = self.machine.gpu_memory_gib_usable * GIB * self.values["gpu.memory-utilisation"]
        sampler = (
            self.values["gpu.sampler-bytes-per-sequence-token"]
            * self.values["gpu.max-sequences"]
            * self.architecture.vocabulary
        )
        kind = "one" if self.gpus == 1 else "many"
        fixed = self.values["gpu.graphs-gib"] + self.values[f"gpu.non-torch-gib-{kind}"]
        return self.gpus * (usable - sampler - fixed * GIB) - self.weights_bytes()

    def sequences(self, shape: Shape) -> float:
        """Requests of this shape that are in memory at once, at most the engine's own limit."""
        context = shape.input_tokens + shape.output_tokens
        shared = min(self.gpus, self.architecture.kv_heads)  # beyond that, KV heads are copied
        per_request = context * self.architecture.kv_bytes_per_token * self.gpus / shared
        return min(self.kv_budget_bytes() / per_request, self.values["gpu.max-sequences"])

    def pace(self, shape: Shape) -> Pace:
        """Return how fast requests of this shape are worked on."""
        context = shape.input_tokens + shape.output_tokens / 2
        kv_bandwidth = self._peak_bandwidth() * self.values["gpu.kv-efficiency"]
        prompt_s = self._prefill_compute_s(shape)
        waiting, per_token = self._exchange_s()
        reading = self._read_bytes() / self._bandwidth()
        fixed = self.architecture.layers * self.values["gpu.layer-s"] + self.values["gpu.step-s"]
        prompt_exchange = waiting + per_token * shape.input_tokens
        return Pace(
            following_tokens=max(shape.output_tokens - 1, 0.0),
            most=max(self.sequences(shape), 1.0),
            reading_s=reading,
            kv_s=context * self.architecture.kv_bytes_per_token / kv_bandwidth,
            compute_s=2.0 * self._active() / self._flops("decode"),
            fixed_s=fixed + waiting,
            sequence_s=self.values["gpu.sequence-s"] + per_token,
            prefill_s=max(prompt_s, reading) + prompt_exchange + fixed,
            mixed_prefill_s=(prompt_s + prompt_exchange) * self.values["gpu.mixed-prefill"],
            power=self.values["gpu.roofline-power"],
            queue=(self.values["gpu.queue-coefficient"], self.values["gpu.queue-exponent"]),
            first_token_fixed_s=self.values["gpu.first-token-s"],
            step_fixed_s=self.values["gpu.step-s"],
        )

    def _active(self) -> float:
        head = self.architecture.vocabulary * self.architecture.hidden
        return self.architecture.parameters - self.architecture.embedding_parameters + head

    def _read_bytes(self) -> float:
        body = self.architecture.parameters - self.architecture.embedding_parameters
        head = 2.0 * self.architecture.vocabulary * self.architecture.hidden
        return body * BYTES_PER_PARAMETER[self.precision] + head

    def _prefill_compute_s(self, shape: Shape) -> float:
        body = self.architecture.parameters - self.architecture.embedding_parameters
        width = self.architecture.heads * self.architecture.head_dim
        attention = 2.0 * self.architecture.layers * width * shape.input_tokens**2
        seeing = (
            2.0 * self.architecture.vision_parameters * self.architecture.vision_patches
        ) * shape.images
        flop = 2.0 * body * shape.input_tokens + attention + seeing
        return flop / self._flops("prefill")

    def _flops(self, phase: str) -> float:
        is_narrow = self.precision == "fp8" and self.machine.tflops_8 is not None
        tflops = self.machine.tflops_8 if is_narrow else self.machine.tflops_16
        key = f"gpu.{phase}-efficiency-{self.machine.generation}"
        efficiency = self.values.get(f"{key}-fp8") if is_narrow else None
        return self.gpus * (tflops or 0.0) * 1e12 * (efficiency or self.values[key])

    def _peak_bandwidth(self) -> float:
        return self.gpus * self.machine.bandwidth_gb_per_s * 1e9

    def _bandwidth(self) -> float:
        key = "gpu.bandwidth-efficiency"
        share = self.values.get(f"{key}-{self.machine.generation}", self.values[key])
        return self._peak_bandwidth() * share

    def _exchange_s(self) -> tuple[float, float]:
        """Two all-reduces a layer between the GPUs: seconds each step, and seconds a token."""
        if self.gpus == 1:
            return 0.0, 0.0
        link = "nvlink" if self.machine.is_nvlink else "pcie"
        speed = self.machine.link_gb_per_s * 1e9 * self.values[f"gpu.{link}-efficiency"]
        payload = 2 * (self.gpus - 1) / self.gpus * self.architecture.hidden * 2
        wait = self.values[f"gpu.{link}-all-reduce-s"] * log2(self.gpus)
        return 2 * self.architecture.layers * wait, 2 * self.architecture.layers * payload / speed
