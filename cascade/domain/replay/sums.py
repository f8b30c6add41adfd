"""What a replay keeps while trials pass by: a few sums, and a few numbers for each trial. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass(slots=True)
class StageSums:
    """What a stage did: requests as they are, costs and quality by weight."""

    asked: int = 0
    answered: int = 0
    rejected: int = 0
    failed: int = 0
    pico: float = 0.0
    quality: float = 0.0
    judged: float = 0.0


@dataclass(slots=True)
class IntentSums:
    """What became of the requests of one intent; all but `trials` by weight."""

    trials: int = 0
    pico: float = 0.0
    strongest_pico: float = 0.0
    quality: float = 0.0
    strongest: float = 0.0
    judged: float = 0.0
    weight: float = 0.0
    escalated: float = 0.0


@dataclass(slots=True)
class Columns:
    """Numbers by trial, from which intervals are drawn."""

    weight: array[float] = field(default_factory=lambda: array("d"))
    pico: array[float] = field(default_factory=lambda: array("d"))
    strongest_pico: array[float] = field(default_factory=lambda: array("d"))
    judged_weight: array[float] = field(default_factory=lambda: array("d"))
    quality: array[float] = field(default_factory=lambda: array("d"))
    strongest: array[float] = field(default_factory=lambda: array("d"))
    latency_s: array[float] = field(default_factory=lambda: array("d"))
    latency_weight: array[float] = field(default_factory=lambda: array("d"))
