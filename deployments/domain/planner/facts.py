"""What the planner stands on: accelerators, machines, precisions, engines, figures. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from deployments.domain.planner.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One GPU or chip. Memory is GiB as its driver reports it, speeds are dense and peak.

    `link_gb_per_s` is one way. `generation` groups efficiencies.
    """

    name: str
    generation: str
    memory_gb: int
    memory_gib_usable: float
    bandwidth_gb_per_s: float
    tflops_16: float
    tflops_8: float | None
    tflops_4: float | None
    has_fp8: bool
    has_bf16: bool
    is_gddr: bool
    is_nvlink: bool
    link_gb_per_s: float
    confidence: str
    source: str
    as_of: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class ServingMachine:
    """An instance type that a SageMaker endpoint can run on."""

    instance_type: str
    accelerator: str
    gpus: int
    vcpus: int
    memory_gib: float
    nvme_gb: float | None
    network_gbit: float
    takes_volume: bool
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Precision:
    """How weights are kept. `rest_bytes` is of what is not a routed expert.

    `compute` is the width the multiplications run in (16, 8 or 4). `pad_experts` is what expert
    widths are rounded up to. `needs` lists the generations it runs on; empty means any.
    """

    name: str
    expert_bytes: float
    rest_bytes: float
    compute: int
    source: str
    as_of: date
    needs: tuple[str, ...] = ()
    pad_experts: int = 1
    quality: str = ""


@dataclass(frozen=True, slots=True)
class EngineGeneration:
    """A serving engine of one age: seconds a step, and what it makes of the hardware.

    `scale` multiplies every time; `memory_share` is the share of usable memory it takes.
    """

    key: str
    step_s: float
    sequence_s: float
    first_token_s: float
    scale: float
    parallel_scale: float  # multiplies every time once more, for each doubling of GPUs
    memory_share: float
    graphs_in_budget: bool
    confidence: str
    source: str
    as_of: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number of the equations."""

    key: str
    value: float
    unit: str
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Spread:
    """80 % of measurements fall between `low` and `high` times the prediction."""

    quantity: str
    confidence: str
    low: float
    high: float
    rows: int
    sources: int
    source: str
    as_of: date


@dataclass(frozen=True)
class ServingFacts:
    """All facts of one release."""

    architectures: tuple[Architecture, ...]
    accelerators: tuple[Accelerator, ...]
    machines: tuple[ServingMachine, ...]
    precisions: tuple[Precision, ...]
    engines: tuple[EngineGeneration, ...]
    constants: tuple[Constant, ...]
    spreads: tuple[Spread, ...]

    @cached_property
    def architecture(self) -> Mapping[str, Architecture]:
        """Architectures by name."""
        return {each.name: each for each in self.architectures}

    @cached_property
    def accelerator(self) -> Mapping[str, Accelerator]:
        """Accelerators by name."""
        return {each.name: each for each in self.accelerators}

    @cached_property
    def precision(self) -> Mapping[str, Precision]:
        """Precisions by name."""
        return {each.name: each for each in self.precisions}

    @cached_property
    def engine(self) -> Mapping[str, EngineGeneration]:
        """Engine generations by key."""
        return {each.key: each for each in self.engines}

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Constants by key."""
        return {each.key: each.value for each in self.constants}

    @cached_property
    def spread(self) -> Mapping[tuple[str, str], Spread]:
        """Spreads by quantity and confidence."""
        return {(each.quantity, each.confidence): each for each in self.spreads}
