"""Models, machines, images and figures that estimates stand on: frozen values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Route:
    """One way to call a managed model: `route` is us, global or in-region."""

    route: str
    invoke_id: str


@dataclass(frozen=True, slots=True)
class ProvisionedId:
    """An id under which model units of a model can be bought."""

    invoke_id: str
    context_tokens: int
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Speed:
    """A measurement of a managed model: a public one, or an own probe's.

    `basis`: "bedrock" (measured there), "prior" (other hosts), "assumed" (nothing published) or
    "probe" (measured here; it carries its own `confidence`, and a p99 where one is known).
    """

    ttft_ms_p50: int
    ttft_ms_p95: int
    output_tokens_per_s: float
    basis: str
    source: str
    as_of: date
    note: str = ""
    ttft_ms_p99: int | None = None
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """A public score of a model; higher is better, and scales of other versions differ."""

    index: str
    version: str
    score: Decimal
    source: str
    as_of: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a decoder needs in memory; `kv_bytes_per_token` is at 16 bits."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    is_tied: bool
    parameters: int
    kv_bytes_per_token: int
    vision_parameters: int = 0
    vision_patches: int = 0  # of one image, each passed through the vision parameters

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the embedding and the output head, which stay at 16 bits."""
        return self.vocabulary * self.hidden * (1 if self.is_tied else 2)


@dataclass(frozen=True, slots=True)
class Model:
    """A candidate. `kind` is "managed" (Bedrock, has routes and speed) or "weights" (self-hosted).

    `image_tokens` is what one image of about a megapixel counts.
    """

    model_id: str
    name: str
    provider: str
    kind: str
    regions: tuple[str, ...]
    vision: bool
    image_tokens: int
    context_tokens: int
    max_output_tokens: int
    status: str
    source: str
    as_of: date
    eol_on: date | None = None
    lifecycle_note: str = ""
    image_tokens_source: str = ""
    note: str = ""
    quality: Quality | None = None
    # managed
    routes: tuple[Route, ...] = ()
    long_prompt_tokens: int | None = None
    output_quota_burndown: int = 1
    burndown_source: str = ""
    batch: bool = False
    batch_source: str = ""
    service_tiers: tuple[str, ...] = ()  # sold beside the default: flex, priority, reserved
    service_tiers_source: str = ""
    cache_min_tokens: int | None = None  # a shorter prefix is not cached; None: nothing is
    cache_max_tokens: int | None = None
    cache_source: str = ""
    provisioned: tuple[ProvisionedId, ...] = ()
    speed: Speed | None = None
    # weights
    hub_id: str = ""
    architecture: Architecture | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A GPU instance type: memory as reported by the driver, dense TFLOPS, GB/s one way."""

    instance_type: str
    gpu: str
    gpus: int
    generation: str
    gpu_memory_gib_usable: float
    bandwidth_gb_per_s: float
    tflops_16: float
    tflops_8: float | None
    has_fp8: bool
    is_gddr: bool
    link_gb_per_s: float
    is_nvlink: bool
    vcpus: int
    memory_gib: float
    nvme_gb: float | None
    confidence: str
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class CpuMachine:
    """An instance type, or a size of Fargate task, without a GPU."""

    vcpus: int
    memory_gib: float
    source: str
    as_of: date
    instance_type: str = ""  # "" for a Fargate task


@dataclass(frozen=True, slots=True)
class Image:
    """A container image for an endpoint; `serves` is gpu or cpu."""

    key: str
    uri: str
    serves: str
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that an estimate uses, with where it comes from."""

    key: str
    value: float
    unit: str
    source: str
    as_of: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelUnit:
    """What one model unit of Provisioned Throughput carries; an example until a quote says so."""

    tokens_per_minute: int
    requests_per_minute: int
    is_example: bool
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class FirstByte:
    """The fastest first byte published for a managed model."""

    model_id: str
    ms: int
    note: str
    source: str
    as_of: date


@dataclass(frozen=True)
class Catalog:
    """All facts of one release of the data files."""

    models: tuple[Model, ...]
    machines: tuple[Machine, ...]
    images: tuple[Image, ...]
    figures: tuple[Figure, ...]
    model_unit: ModelUnit
    first_byte: FirstByte
    cpu_machines: tuple[CpuMachine, ...] = ()
    fargate_sizes: tuple[CpuMachine, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Model]:
        """Models by catalog id."""
        return {model.model_id: model for model in self.models}

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Figures by key."""
        return {figure.key: figure.value for figure in self.figures}

    @property
    def managed(self) -> tuple[Model, ...]:
        """Models that Bedrock runs."""
        return tuple(model for model in self.models if model.kind == "managed")

    @property
    def weights(self) -> tuple[Model, ...]:
        """Models one hosts oneself."""
        return tuple(model for model in self.models if model.kind == "weights")

    def value(self, key: str) -> float:
        """Return a figure's number. Raises KeyError on a key that the data files lack."""
        return self.values[key]

    @property
    def default_quotas(self) -> Mapping[str, Decimal]:
        """Limits of an account nobody has raised, where AWS publishes them."""
        return {
            "lambda-concurrency": Decimal(str(self.value("lambda.concurrency-default"))),
            "serverless-concurrency": Decimal(str(self.value("serverless.concurrency"))),
        }

    def image(self, key: str) -> Image:
        """Return a container image by key. Raises KeyError."""
        return next(image for image in self.images if image.key == key)
