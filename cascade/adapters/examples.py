"""Example cascades, from cascade/data/examples.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data" / "examples.json"


def example_of(scenario: str) -> Mapping[str, Any] | None:
    """Return the cascade that belongs to a scenario; None when it has none."""
    rows: list[Mapping[str, Any]] = json.loads(DATA.read_text("utf-8"))["examples"]
    return next((row for row in rows if row["scenario"] == scenario), None)
