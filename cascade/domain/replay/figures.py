"""What a replay found, as figures: whole, by stage and by intent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cascade.domain.baselines import Baseline
from cascade.domain.replay.intervals import Interval


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A stage: how often it was asked and answered, rejected or failed, and what it cost."""

    stage: str
    model: str
    asked: int
    answered: int
    rejected: int
    failed: int
    pico: int
    quality: float | None


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """The trials of one intent; shares 0 to 1."""

    intent: str
    trials: int
    pico: int
    saved: float
    quality: float | None
    strongest_quality: float | None
    escalated: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """A policy over trials, every overhead in its cost.

    `trials` were counted, `left_out` (reason to count) could not be followed. Costs are sums in
    pico-dollars, each trial by its weight; of `supposed` trials a call is in it of whose answer
    nothing is known, and of `unheard` ones nobody knows whether two answers say the same, though
    the policy asks for it: in a log they are supposed, in a file their scores stand as they are.
    `saved` is the share saved against the strongest stage alone, `quality` the mean of judged
    answers, `lost` the strongest's quality less it (negative: better), paired by trial.
    Latencies are 0 when no trial measured them.
    """

    trials: int
    left_out: Mapping[str, int]
    judged: int
    pico: int
    strongest_pico: int
    by_role: Mapping[str, int]
    saved: Interval
    quality: Interval
    strongest_quality: Interval
    lost: Interval
    escalations: int
    short: int
    failed: int
    latency_p50_s: float
    latency_p95_s: float
    stages: tuple[StageFigures, ...]
    intents: tuple[IntentFigures, ...]
    baselines: tuple[Baseline, ...]
    price_version: str
    seed: int
    notes: tuple[str, ...] = field(default=())
    supposed: int = 0
    unheard: int = 0

    @property
    def relative_quality(self) -> float:
        """Return its quality as a share of the strongest stage's; 0 when that is nothing."""
        whole = self.strongest_quality.value
        return self.quality.value / whole if whole else 0.0
