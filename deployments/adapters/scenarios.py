"""Example portfolios, from deployments/data/scenarios.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data" / "scenarios.json"


def names() -> tuple[str, ...]:
    """Return the names of the scenarios there are."""
    return tuple(scenario["key"] for scenario in _all())


def scenario(key: str) -> Mapping[str, Any]:
    """Return a scenario as the file has it. Raises KeyError when there is none of this name."""
    for found in _all():
        if found["key"] == key:
            return found
    raise KeyError(key)


def _all() -> list[dict[str, Any]]:
    return json.loads(DATA.read_text())["scenarios"]
