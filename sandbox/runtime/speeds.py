"""How fast each model answers and how much it takes, from data/models.json."""

import functools
import json
import math
import os
import random
from dataclasses import dataclass
from pathlib import Path

from sandbox import state

_DATA = Path(__file__).parent.parent / "data" / "models.json"
_Z_95 = 1.6448536269514722
"""The 95th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One model's latency and limits."""

    model_id: str
    ttft_ms_p50: float
    ttft_ms_p95: float
    output_tokens_per_s: float
    max_output_tokens: int
    context_window_tokens: int
    output_quota_burndown: int


@dataclass(frozen=True, slots=True)
class ModelUnit:
    """What one provisioned model unit carries."""

    requests_per_minute: int
    tokens_per_minute: int


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one answer takes."""

    ttft_s: float
    per_token_s: float

    def total_s(self, output_tokens: int) -> float:
        """Return the seconds until the last token."""
        return self.ttft_s + self.per_token_s * output_tokens


@functools.cache
def _table() -> dict[str, Speed]:
    rows = json.loads(_DATA.read_text())["models"]
    return {
        row["model_id"]: Speed(**{name: row[name] for name in Speed.__dataclass_fields__})
        for row in rows
    }


def speed(model_id: str) -> Speed:
    """Return a model's row; raises KeyError for a model without one."""
    return _table()[model_id]


@functools.cache
def model_unit() -> ModelUnit:
    """Return the assumed capacity of a model unit."""
    row = json.loads(_DATA.read_text())["model_unit"]
    return ModelUnit(row["requests_per_minute"], row["tokens_per_minute"])


def draw(model: Speed, dice: random.Random) -> Latency:
    """Draw one latency: lognormal time to first token through p50 and p95, steady tokens after."""
    sigma = math.log(model.ttft_ms_p95 / model.ttft_ms_p50) / _Z_95
    ttft_ms = model.ttft_ms_p50 * math.exp(sigma * dice.gauss(0.0, 1.0))
    return Latency(ttft_ms / 1000, 1 / model.output_tokens_per_s)


def scale() -> float:
    """Return the share of a drawn latency that is really waited."""
    chosen = state.delays().get("latency_scale")
    return float(os.environ.get("SANDBOX_LATENCY_SCALE", "1.0")) if chosen is None else chosen
