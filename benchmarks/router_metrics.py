"""APGR and CPT as RouteLLM measures a router between a weak and a strong model.

After `routellm/evals` (lm-sys/RouteLLM 0b64fdaf): the scores' quantiles are the thresholds, what
scores at or above one goes to the strong model, and accuracy is a line between those points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Share of calls to the strong model (rising, 0 to 1), and the accuracy each of them has."""

    strong_share: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    weak_accuracy: float
    strong_accuracy: float

    @property
    def recovered(self) -> NDArray[np.float64]:
        """Return the share of the gap between the models that is closed at each point (PGR)."""
        return (self.accuracy - self.weak_accuracy) / (self.strong_accuracy - self.weak_accuracy)


def curve(
    scores: NDArray[np.float64],
    weak: NDArray[np.float64],
    strong: NDArray[np.float64],
    *,
    bins: int = BINS,
) -> Curve:
    """Route by each threshold in turn; `weak` and `strong` are 1 where that model was right.

    Raises ValueError when the models are equally good: there is no gap to recover then.
    """
    if weak.mean() == strong.mean():
        message = "Both models are right equally often: there is no gap to recover."
        raise ValueError(message)
    thresholds = np.quantile(scores, np.linspace(0, 1, bins + 1))
    chosen = [scores >= threshold for threshold in thresholds[:-1]]
    chosen.append(scores > thresholds[-1])
    shares = np.array([one.mean() for one in chosen])
    right = np.array([np.where(one, strong, weak).mean() for one in chosen])
    order = np.argsort(shares, kind="stable")
    return Curve(shares[order], right[order], float(weak.mean()), float(strong.mean()))


def apgr(found: Curve) -> float:
    """Return the average share of the gap recovered: 0.5 at random, more than 1 is possible."""
    return float(np.trapezoid(found.recovered, found.strong_share))


def cpt(found: Curve, share: float) -> float:
    """Return the least share of strong calls that recovers `share` of the gap.

    RouteLLM interpolates shares over accuracies, which is only defined while accuracy rises; here
    the first crossing is taken, which is the same wherever it is defined.
    """
    recovered = found.recovered
    past = int(np.argmax(recovered >= share))
    if past == 0:
        return float(found.strong_share[0])
    low, high = recovered[past - 1], recovered[past]
    part = (share - low) / (high - low)
    before = found.strong_share[past - 1]
    return float(before + part * (found.strong_share[past] - before))


@dataclass(frozen=True, slots=True)
class Routed:
    """The three figures of a router; shares 0 to 1."""

    apgr: float
    cpt50: float
    cpt80: float


def routed(
    scores: NDArray[np.float64],
    weak: NDArray[np.float64],
    strong: NDArray[np.float64],
    *,
    bins: int = BINS,
) -> Routed:
    """Return APGR, CPT(50 %) and CPT(80 %) of scores."""
    found = curve(scores, weak, strong, bins=bins)
    return Routed(apgr(found), cpt(found, 0.5), cpt(found, 0.8))


def resampled(
    scores: NDArray[np.float64],
    weak: NDArray[np.float64],
    strong: NDArray[np.float64],
    *,
    seed: int,
    times: int = 1000,
) -> NDArray[np.float64]:
    """Return [times x 3] figures of rows drawn with replacement, for confidence intervals."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(times):
        rows = random.integers(0, scores.size, scores.size)
        one = routed(scores[rows], weak[rows], strong[rows])
        found.append((one.apgr, one.cpt50, one.cpt80))
    return np.array(found)
