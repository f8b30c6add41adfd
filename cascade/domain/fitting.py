"""Fit P(right) of each stage: regularised, calibrated on held-out folds, judged on others still."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade.domain.calibrating import FOLDS, Held, chances, platts
from cascade.domain.logistic import Linear, Rows, Vector, fit_logistic
from cascade.domain.router import Platt

LEAST_LABELS = 200
LEAST_RARE = 25
# What sharing a slope must leave of how far a stage's log-loss lies below its base rate's.
LEAST_KEPT = 0.95


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


def fitted_stages(
    names: Sequence[str], given: Sequence[Labelled], penalty: float
) -> tuple[FittedStage, ...]:
    """Fit each stage, or fall back to its base rate where there is too little to learn from."""
    fits = [_unused(name, one) for name, one in zip(names, given, strict=True)]
    held: dict[int, Held] = {}
    for place, one in enumerate(given):
        if not fits[place].needed:
            alone = Held(_held_out(one, penalty), one.labels, one.importance, one.folds)
            fits[place] = _measured(fits[place], alone, chances([alone])[0])
            if fits[place].is_used:
                held[place] = alone
    calibrated, shared = _calibrated(list(held.values()), [fits[place] for place in held])
    found = [FittedStage(None, _always(fit.base_rate), fit) for fit in fits]
    for place, platt, fit in zip(held, calibrated, shared, strict=True):
        one = given[place]
        linear = fit_logistic(one.rows, one.labels, importance=one.importance, penalty=penalty)
        found[place] = FittedStage(linear, platt, fit)
    return tuple(found)


def _calibrated(
    held: Sequence[Held], alone: Sequence[Fit]
) -> tuple[tuple[Platt, ...], Sequence[Fit]]:
    """Calibrate all by one slope, unless that takes from a stage what its fit is worth."""
    shared = [
        _measured(fit, one, chance)
        for fit, one, chance in zip(alone, held, chances(held), strict=True)
    ]
    if all(_worth(new) >= LEAST_KEPT * _worth(old) for new, old in zip(shared, alone, strict=True)):
        return platts(held), shared
    return platts(held, together=False), alone


def _worth(fit: Fit) -> float:
    return (fit.base_log_loss or 0.0) - (fit.log_loss or 0.0)


def _unused(name: str, given: Labelled) -> Fit:
    needed = _needed(given.labels)
    if not needed and np.unique(given.folds).size < FOLDS:
        needed = 1
    rate = _base_rate(given.labels, given.importance)
    return Fit(name, given.labels.size, rate, is_used=False, needed=needed)


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


def _measured(fit: Fit, held: Held, chances: Vector) -> Fit:
    """Judge chances whose fits and calibration had not seen their rows."""
    base = np.full(chances.size, fit.base_rate)
    loss, base_loss = _log_loss(held, chances), _log_loss(held, base)
    ranked = auc(held.scores, held.labels)
    return replace(
        fit,
        is_used=loss < base_loss and ranked > 0.5,
        auc=ranked,
        brier=_brier(held, chances),
        base_brier=_brier(held, base),
        log_loss=loss,
        base_log_loss=base_loss,
    )


def _log_loss(held: Held, chances: Vector) -> float:
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    each = held.labels * np.log(safe) + (1 - held.labels) * np.log(1 - safe)
    return -float(np.average(each, weights=held.importance))


def _brier(held: Held, chances: Vector) -> float:
    return float(np.average((chances - held.labels) ** 2, weights=held.importance))


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
