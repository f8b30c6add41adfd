"""Over how many GPUs one copy of a model can be spread. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.domain.planner.architecture import Architecture

DEGREES = (1, 2, 3, 4, 6, 8, 12, 16)
STAGES = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Layout:
    """Tensor-parallel GPUs in each of `pipeline` stages, and copies on one machine."""

    tensor: int
    pipeline: int
    copies: int


def divides(*, architecture: Architecture, tensor: int) -> bool:
    """Whether heads can be dealt to so many GPUs; KV heads are divided or copied evenly."""
    if architecture.heads % tensor or architecture.hidden % tensor:
        return False
    if architecture.mla:  # one latent vector, the same on every GPU
        return True
    shared = architecture.kv_heads
    return shared % tensor == 0 or tensor % shared == 0


def layouts(*, architecture: Architecture, gpus: int, is_nvlink: bool) -> tuple[Layout, ...]:
    """Return the ways to use a machine; stages in a row only where links are slow."""
    stages = (1,) if is_nvlink else STAGES
    return tuple(
        Layout(tensor, pipeline, gpus // (tensor * pipeline))
        for tensor in DEGREES
        for pipeline in stages
        if tensor * pipeline <= gpus
        and pipeline <= architecture.layers
        and (pipeline == 1 or architecture.layers % pipeline == 0)
        and divides(architecture=architecture, tensor=tensor)
    )
