"""Facts of serving language models, read from the product's data files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from deployments.domain.planner.architecture import Architecture
from deployments.domain.planner.facts import (
    Accelerator,
    Constant,
    EngineGeneration,
    Precision,
    ServingFacts,
    ServingMachine,
    Spread,
)
from deployments.domain.records import from_json

DATA = Path(__file__).resolve().parent.parent / "data"


@cache
def load() -> ServingFacts:
    """Return the serving facts of this release; raises KeyError when a row lacks a field."""
    hardware, serving = _read("accelerators"), _read("serving")
    return ServingFacts(
        architectures=tuple(
            from_json(Architecture, row) for row in _read("architectures")["architectures"]
        ),
        accelerators=tuple(from_json(Accelerator, row) for row in hardware["accelerators"]),
        machines=tuple(from_json(ServingMachine, row) for row in hardware["machines"]),
        precisions=tuple(from_json(Precision, row) for row in serving["precisions"]),
        engines=tuple(from_json(EngineGeneration, row) for row in serving["engines"]),
        constants=tuple(from_json(Constant, row) for row in serving["constants"]),
        spreads=tuple(from_json(Spread, row) for row in serving["spreads"]),
    )


def _read(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return body
