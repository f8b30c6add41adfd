"""Turn held-out scores into chances (Platt 1999), stages that are alike by one slope.

A router compares stages. Where each has a slope of its own, the slopes' errors add more noise to
the difference than the slopes take away: on RouteLLM's MMLU, six times five folds over buckets 0 to
4, one slope and an offset for each stage recover 0.005 more of the gap (APGR) in every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.logistic import Vector, fit_logistic, sigmoid, sparse
from cascade.domain.router import Platt

FOLDS = 5
# With fewer labels a fit is drawn further to its base rate and needs a steeper slope.
ALIKE = 2.0
_PENALTY = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A stage's log-odds of judged rows, each by a fit that has not seen the row's fold."""

    scores: Vector
    labels: Vector
    importance: Vector
    folds: NDArray[np.int64]

    def kept(self, wanted: NDArray[np.bool_]) -> Held:
        """Return the rows that are wanted."""
        return Held(
            self.scores[wanted], self.labels[wanted], self.importance[wanted], self.folds[wanted]
        )


def platts(held: Sequence[Held], *, together: bool = True) -> tuple[Platt, ...]:
    """Calibrate stages: by one slope when none has ALIKE times the labels of another."""
    sizes = [one.labels.size for one in held]
    if together and sizes and max(sizes) <= ALIKE * min(sizes):
        return _by_one_slope(held)
    return tuple(platt for one in held for platt in _by_one_slope([one]))


def chances(held: Sequence[Held], *, together: bool = True) -> tuple[Vector, ...]:
    """Return each row's chance by a calibration that has not seen its fold either."""
    found = tuple(np.zeros(one.labels.size) for one in held)
    for fold in range(FOLDS):
        learnt = platts([one.kept(one.folds != fold) for one in held], together=together)
        for into, one, platt in zip(found, held, learnt, strict=True):
            out = one.folds == fold
            into[out] = sigmoid(platt.slope * one.scores[out] + platt.offset)
    return found


def _by_one_slope(held: Sequence[Held]) -> tuple[Platt, ...]:
    """Fit the slope (column 0), and what each stage but the first adds to the first's offset."""
    sizes = [one.labels.size for one in held]
    stage = np.repeat(np.arange(len(held)), sizes)
    scores = np.concatenate([one.scores for one in held])
    row, count = np.arange(stage.size), len(held)
    added = stage > 0
    order = np.argsort(np.concatenate((row, row[added])), kind="stable")
    fitted = fit_logistic(
        sparse(
            stage.size,
            count,
            row=np.concatenate((row, row[added]))[order],
            column=np.concatenate((np.zeros(stage.size), stage[added]))[order],
            value=np.concatenate((scores, np.ones(int(added.sum()))))[order],
        ),
        np.concatenate([one.labels for one in held]),
        importance=np.concatenate([one.importance for one in held]),
        penalty=_PENALTY,
        counts=count,
        count_scale=1.0,
    )
    offsets = fitted.bias + np.append(0.0, fitted.weights[1:])
    return tuple(Platt(float(fitted.weights[0]), float(offset)) for offset in offsets)
