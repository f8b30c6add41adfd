"""Example support queries, drawn by chance in the mix of scenario C."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data" / "queries.json"


@dataclass(frozen=True, slots=True)
class Query:
    """One query and how hard it is meant to be: simple, medium or complex."""

    text: str
    level: str


@cache
def _told() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


def queries(*, count: int, seed: int) -> Iterator[Query]:
    """Yield queries, the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311
    told = _told()
    levels, shares = told["levels"], [each["share"] for each in told["levels"]]
    for _ in range(count):
        level = draw.choices(levels, weights=shares)[0]
        words = {
            "number": draw.randint(1000, 9999),
            "other": draw.randint(1000, 9999),
            "name": draw.choice(told["names"]),
        }
        yield Query(draw.choice(level["queries"]).format(**words), level["level"])
