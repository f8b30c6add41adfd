"""Fit P(right) of one stage: regularised, calibrated on held-out folds, judged on others still."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.logistic import Linear, Rows, Vector, fit_logistic, sigmoid, sparse
from cascade.domain.router import Platt

FOLDS = 5
LEAST_LABELS = 200
LEAST_RARE = 25
_CALIBRATION_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class Fit:
    """What one stage's model is worth on labels it had not seen.

    `base_rate` is the mean label; Brier score and log-loss stand beside those of always saying the
    base rate. `needed` is how many more labels it takes before anything is fitted; the numbers
    are None until then. When `is_used` is False the router says the base rate.
    """

    stage: str
    labels: int
    base_rate: float
    is_used: bool
    needed: int = 0
    auc: float | None = None
    brier: float | None = None
    base_brier: float | None = None
    log_loss: float | None = None
    base_log_loss: float | None = None

    @property
    def told(self) -> str:
        """Return it as a sentence."""
        if self.needed:
            return f"{self.stage} needs {self.needed} more labels; until then its base rate is used"
        if not self.is_used:
            return f"{self.stage}: prompts do not tell right from wrong; its base rate is used"
        return f"{self.stage}: AUC {self.auc:.3f} on {self.labels} labels"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The judged part of the examples of one stage."""

    rows: Rows
    labels: Vector
    importance: Vector
    folds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FittedStage:
    """A stage's log-odds (None: the base rate only), their calibration, and what they are worth."""

    linear: Linear | None
    platt: Platt
    fit: Fit


def fitted_stage(name: str, given: Labelled, penalty: float) -> FittedStage:
    """Fit a stage, or fall back to its base rate where there is too little to learn from."""
    count = given.labels.size
    rate = _base_rate(given.labels, given.importance)
    needed = _needed(given.labels)
    if needed or np.unique(given.folds).size < FOLDS:
        fit = Fit(name, count, rate, is_used=False, needed=max(needed, 1))
        return FittedStage(None, _always(rate), fit)
    scores = _held_out(given, penalty)
    fit = _measured(name, given, scores, rate)
    if not fit.is_used:
        return FittedStage(None, _always(rate), fit)
    linear = fit_logistic(given.rows, given.labels, importance=given.importance, penalty=penalty)
    return FittedStage(linear, _platt(scores, given.labels, given.importance), fit)


def _base_rate(labels: Vector, importance: Vector) -> float:
    """Return the mean label, drawn to a half by two: 0.5 without labels, never 0 or 1."""
    if not labels.size:
        return 0.5
    mean = float(np.average(labels, weights=importance))
    return (mean * labels.size + 1) / (labels.size + 2)


def _needed(labels: Vector) -> int:
    """Return how many more labels are needed to have enough, and enough of the rarer kind."""
    right = float(labels.sum())
    rare = min(right, labels.size - right)
    share = (rare + 1) / (labels.size + 2)
    missing = math.ceil(max(0.0, LEAST_RARE - rare) / share)
    return max(0, LEAST_LABELS - labels.size, missing)


def _held_out(given: Labelled, penalty: float) -> Vector:
    """Return each row's log-odds by a fit that has not seen its fold."""
    scores = np.zeros(given.labels.size)
    for fold in range(FOLDS):
        out = given.folds == fold
        fitted = fit_logistic(
            given.rows.kept(~out),
            given.labels[~out],
            importance=given.importance[~out],
            penalty=penalty,
        )
        scores[out] = fitted.log_odds(given.rows.kept(out))
    return scores


def _platt(scores: Vector, labels: Vector, importance: Vector) -> Platt:
    """Fit slope and offset to held-out scores (Platt 1999)."""
    rows = sparse(
        scores.size, 1, row=np.arange(scores.size), column=np.zeros(scores.size), value=scores
    )
    fitted = fit_logistic(
        rows,
        labels,
        importance=importance,
        penalty=_CALIBRATION_PENALTY,
        counts=1,
        count_scale=1.0,
    )
    return Platt(float(fitted.weights[0]), fitted.bias)


def _measured(name: str, given: Labelled, scores: Vector, rate: float) -> Fit:
    """Judge scores that are held out, by a calibration that is held out as well."""
    chances = np.zeros(scores.size)
    for fold in range(FOLDS):
        out = given.folds == fold
        platt = _platt(scores[~out], given.labels[~out], given.importance[~out])
        chances[out] = sigmoid(platt.slope * scores[out] + platt.offset)
    base = np.full(scores.size, rate)
    loss, base_loss = _log_loss(given, chances), _log_loss(given, base)
    ranked = auc(scores, given.labels)
    return Fit(
        stage=name,
        labels=given.labels.size,
        base_rate=rate,
        is_used=loss < base_loss and ranked > 0.5,
        auc=ranked,
        brier=_brier(given, chances),
        base_brier=_brier(given, base),
        log_loss=loss,
        base_log_loss=base_loss,
    )


def _log_loss(given: Labelled, chances: Vector) -> float:
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    each = given.labels * np.log(safe) + (1 - given.labels) * np.log(1 - safe)
    return -float(np.average(each, weights=given.importance))


def _brier(given: Labelled, chances: Vector) -> float:
    return float(np.average((chances - given.labels) ** 2, weights=given.importance))


def auc(scores: Vector, labels: Vector) -> float:
    """Return the chance that a right one scores above a wrong one, ties half (Mann-Whitney).

    Labels count as right from a half up; 0.5 when there is one kind only.
    """
    right = labels >= 0.5
    kinds = int(right.sum()), int((~right).sum())
    if not all(kinds):
        return 0.5
    _, place, many = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(many)
    ranks = (last - (many - 1) / 2)[place]
    above = ranks[right].sum() - kinds[0] * (kinds[0] + 1) / 2
    return float(above / (kinds[0] * kinds[1]))


def _always(rate: float) -> Platt:
    return Platt(0.0, math.log(rate / (1 - rate)))
