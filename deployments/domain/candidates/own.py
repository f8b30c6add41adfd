"""A team's own weights as a model of the catalogue. Pure."""

from __future__ import annotations

from dataclasses import replace

from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Architecture, Model
from deployments.domain.workload import CustomModel


def custom_model(custom: CustomModel, question: Question) -> Model:
    """Return a team's own weights as a model: the architecture of its base, or the nearest size.

    A model of unknown base is scaled from the nearest open one: layers, heads and KV stay.
    """
    base = base_of(custom, question)
    architecture = base.architecture
    if architecture is None:
        raise ValueError(f"{base.model_id} has no architecture.")
    parameters = int(custom.parameters_billion * 10**9)
    return replace(
        base,
        model_id="custom",
        name=f"Own weights ({custom.parameters_billion.normalize():f}B)",
        provider="own",
        architecture=replace(architecture, parameters=_at_least(parameters, architecture)),
        quality=None,
        hub_id="",
        note=f"Architecture taken from {base.name}.",
    )


def _at_least(parameters: int, architecture: Architecture) -> int:
    return max(parameters, architecture.embedding_parameters + 1_000_000)


def base_of(custom: CustomModel, question: Question) -> Model:
    """Return the open model that own weights were made from, or the nearest in size."""
    named = question.catalog.by_id.get(custom.base_model)
    if named is not None and named.architecture is not None:
        return named
    wanted = int(custom.parameters_billion * 10**9)
    images = question.workload.images_per_request > 0
    pool = [m for m in question.catalog.weights if m.vision or not images]
    return min(pool, key=lambda m: abs(_parameters(m) - wanted))


def _parameters(model: Model) -> int:
    return model.architecture.parameters if model.architecture else 0
