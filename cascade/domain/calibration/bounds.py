"""Lower bounds on what a policy will reach, from labelled trials. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from cascade.domain.replay.intervals import Numbers

_STEPS = 60
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Labelled values in short: their mean and spread, and how many equal trials they are worth.

    `trials` is Kish's effective number for weighted trials: (sum w)^2 / sum w^2.
    """

    mean: float
    spread: float
    trials: float


def weigh(values: Numbers, weights: Numbers, *, worst: float | None = None) -> Evidence:
    """Return the evidence in weighted values.

    With `worst`, one trial more of that value is added: the loss that was not seen yet. Without
    it a few trials that all went well would look as if nothing could go wrong.
    """
    if worst is not None:
        typical = float(weights.mean()) if len(weights) else 1.0
        values, weights = np.append(values, worst), np.append(weights, typical)
    whole = float(weights.sum())
    if whole <= 0:
        return Evidence(0.0, 0.0, 0.0)
    mean = float((values * weights).sum()) / whole
    spread = math.sqrt(float((weights * (values - mean) ** 2).sum()) / whole)
    return Evidence(mean, spread, whole**2 / float((weights**2).sum()))


def lower_bound(evidence: Evidence, *, confidence: float, ahead: int | None = None) -> float:
    """Return what the mean exceeds with this confidence, by Student's t.

    With `ahead` it is what the mean of that many further requests exceeds: their own luck is
    counted in, so the bound lies lower. Minus infinity of fewer than two trials.
    """
    if evidence.trials < 2:
        return -math.inf
    error = evidence.spread * math.sqrt(1 / (evidence.trials - 1) + (1 / ahead if ahead else 0.0))
    return evidence.mean - student(confidence, evidence.trials - 1) * error


def labels_needed(evidence: Evidence, *, confidence: float, power: float = 0.8) -> int | None:
    """Return how many labels show a mean above zero with this power; None when it is not above."""
    if evidence.mean <= 0:
        return None
    reach = NORMAL.inv_cdf(confidence) + NORMAL.inv_cdf(power)
    return max(2, math.ceil((reach * evidence.spread / evidence.mean) ** 2))


def student(confidence: float, freedom: float) -> float:
    """Return a quantile of Student's t by the Cornish-Fisher series (Abramowitz-Stegun 26.7.5)."""
    normal = NORMAL.inv_cdf(confidence)
    square = normal * normal
    first = normal * (square + 1) / 4
    second = normal * ((5 * square + 16) * square + 3) / 96
    third = normal * (((3 * square + 19) * square + 17) * square - 15) / 384
    return normal + first / freedom + second / freedom**2 + third / freedom**3


def clopper_pearson(good: int, trials: int, *, confidence: float) -> float:
    """Return the exact lower bound on a share of which `good` of `trials` were seen."""
    if good <= 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_least(good, trials, middle) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def _at_least(good: int, trials: int, share: float) -> float:
    """Return P(X >= good) of a binomial."""
    if share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    whole = math.lgamma(trials + 1)
    return math.fsum(
        math.exp(
            whole
            - math.lgamma(seen + 1)
            - math.lgamma(trials - seen + 1)
            + seen * math.log(share)
            + (trials - seen) * math.log1p(-share)
        )
        for seen in range(good, trials + 1)
    )
