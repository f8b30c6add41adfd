"""What the findings of the rules say of an answer before anybody labelled one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cascade.domain.gate.findings import Finding

# Judgements, not measurements, until a scorer is trained: an answer no rule objects to is good 24
# times in 25, and each full finding costs these log-odds. On recorded GSM8K answers a wrong sum
# turns odds of 2.4 to 1 into 1 to 7, which is where the weight of arithmetic is from.
START = 3.2
WEIGHTS = {
    "cut": 2.0,
    "tool_missing": 4.0,
    "tool_unfit": 2.5,
    "grounding": 3.0,
    "arithmetic": 3.5,
    "hedging": 5.0,
    "repetition": 6.0,
    "language": 4.0,
    "topic": 4.5,
}
FEWEST = 1e-3


def chance(findings: Sequence[Finding]) -> float:
    """Return P(good) by hand-set weights."""
    odds = START - sum(weight(one) for one in findings)
    return max(FEWEST, 1 / (1 + math.exp(-odds)))


def weight(finding: Finding) -> float:
    """Return what a finding costs, in log-odds; one that exists at all costs a third of it."""
    return WEIGHTS.get(finding.rule, 0.0) * (1 + 2 * finding.amount) / 3
