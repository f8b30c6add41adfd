"""The catalog, read from the product's data files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from deployments.domain.catalog import (
    Catalog,
    CpuMachine,
    Figure,
    FirstByte,
    Image,
    Machine,
    Model,
    ModelUnit,
)
from deployments.domain.records import from_json

DATA = Path(__file__).resolve().parent.parent / "data"


@cache
def load() -> Catalog:
    """Return the catalog of this release; raises KeyError when a row lacks a field."""
    models, machines = _read("models"), _read("instances")
    images, overheads, containers = _read("images"), _read("overheads"), _read("containers")
    figures = (*overheads["figures"], *containers["figures"], *models["figures"])
    return Catalog(
        models=tuple(from_json(Model, row) for row in models["models"]),
        machines=tuple(from_json(Machine, row) for row in machines["instances"]),
        images=tuple(from_json(Image, row) for row in images["images"]),
        figures=tuple(from_json(Figure, row) for row in figures),
        model_unit=from_json(ModelUnit, models["model_unit"]),
        first_byte=from_json(FirstByte, models["first_byte"]),
        cpu_machines=tuple(from_json(CpuMachine, row) for row in machines["cpu"]),
        fargate_sizes=tuple(from_json(CpuMachine, row) for row in containers["fargate"]),
    )


def _read(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return body
