"""A logged request with what each stage made of it: what replays, calibrations and training read.

Pure. A trial may come from live traffic, from a shadow call, or from an uploaded file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cascade.domain.gate.agreement import Agreement
from cascade.domain.request import Tokens


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one stage's model made of a trial.

    `quality` is 1 for right, 0 for wrong, between for graded answers, None when nobody judged it.
    `score` is the gate's score as logged, None when the gate must be run on `text`. When it was
    given, the answers of the models `heard` counted in it; `alone` is the score without them.
    `like` says by model how far another answer to the same request says the same.
    """

    quality: float | None
    tokens: Tokens
    latency_s: float | None = None
    text: str = ""
    score: float | None = None
    failed: str = ""
    alone: float | None = None
    heard: tuple[str, ...] = ()
    like: Mapping[str, Agreement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """One request: its prompt, its intent (a label to group by), and outcomes by model key.

    `weight` is the inverse of the chance with which it was kept: 1 for all, 50 for a 2 % sample.
    """

    trial_id: str
    prompt: str
    outcomes: Mapping[str, Outcome]
    intent: str = ""
    bucket: int = 0
    weight: float = 1.0
    at: datetime | None = None
    schema: Mapping[str, object] = field(default_factory=dict)
