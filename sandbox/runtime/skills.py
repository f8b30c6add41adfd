"""How likely a pretend model is to answer a question well, and how it fails when it does not."""

import functools
import json
import math
import random
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent / "data" / "skills.json"
_MARKER = re.compile(r"\[slipway difficulty=(0(?:\.\d{1,4})?|1(?:\.0{1,4})?)\]")
_READ = 4_000
_MOST = 1.1


class Lapse(StrEnum):
    """What a bad answer looks like."""

    HEDGE = "hedge"
    STRAY = "stray"
    LOOP = "loop"


@functools.cache
def _table() -> dict[str, Any]:
    return dict(json.loads(_DATA.read_text()))


@functools.cache
def skill(model_id: str) -> float:
    """Return how hard a question may be before the model fails every other time."""
    for row in _table()["families"]:
        if row["part"] in model_id:
            return float(row["skill"])
    return float(_table()["usual_skill"])


def difficulty(prompt: str) -> float:
    """Return how hard a prompt is, 0 to 1.1: what `[slipway difficulty=0.8]` says, or by words."""
    if marks := _MARKER.findall(prompt[-_READ:]):
        return float(marks[-1])
    words = set(re.findall(r"[a-z]{3,12}", prompt[-_READ:].lower()))
    weights = _table()["hard_words"]
    return float(min(_MOST, _table()["easy"] + sum(weights.get(word, 0.0) for word in words)))


def lapse(model_id: str, prompt: str, chance: random.Random) -> Lapse | None:
    """Return how this answer goes wrong; None when it is a good one."""
    edge = _table()["steepness"] * (skill(model_id) - difficulty(prompt))
    if chance.random() < 1 / (1 + math.exp(-edge)):
        return None
    return chance.choices(tuple(Lapse), weights=(5, 3, 2))[0]
