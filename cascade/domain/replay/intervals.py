"""Figures with their 95 % intervals, by paired bootstrap or, for very many trials, by the normal.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
# Beyond this many trials the normal approximation is as good and a hundred times quicker.
MANY = 5000
_Z95 = 1.959964
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


NOTHING = Interval(0.0, 0.0, 0.0)


def ratio(above: Numbers, below: Numbers, weights: Numbers, *, seed: int) -> Interval:
    """Return sum(w x above) / sum(w x below) over trials, each pair drawn together.

    `below` of ones gives a weighted mean. Zero when there is nothing below.
    """
    over, under = above * weights, below * weights
    whole = float(under.sum())
    if whole == 0:
        return NOTHING
    if len(over) > MANY:
        return quick_ratio(above, below, weights)
    value = float(over.sum()) / whole
    drawn = _resampled(over, under, seed=seed)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def quick_ratio(above: Numbers, below: Numbers, weights: Numbers) -> Interval:
    """Return the same by the normal approximation (delta method), without drawing."""
    over, under = above * weights, below * weights
    whole = float(under.sum())
    if whole == 0:
        return NOTHING
    value = float(over.sum()) / whole
    spread = float(np.sqrt(np.sum((over - value * under) ** 2))) / abs(whole)
    return Interval(value, value - _Z95 * spread, value + _Z95 * spread)


def mean(values: Numbers, weights: Numbers, *, seed: int) -> Interval:
    """Return the weighted mean over trials."""
    return ratio(values, np.ones_like(values), weights, seed=seed)


def percentile(values: Numbers, weights: Numbers, percent: float) -> float:
    """Return the smallest value at or below which `percent` of the weight lies; 0 of nothing."""
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, reached[-1] * percent / 100 * (1 - 1e-12)))
    return float(values[order[min(place, len(order) - 1)]])


def _resampled(over: Numbers, under: Numbers, *, seed: int) -> Numbers:
    """Return the ratio in each of `RESAMPLES` draws with replacement."""
    rng = np.random.default_rng(seed)
    count = len(over)
    found = np.empty(RESAMPLES)
    for place in range(RESAMPLES):
        drawn = rng.integers(0, count, count)
        whole = under[drawn].sum()
        found[place] = over[drawn].sum() / whole if whole else 0.0
    return found
