"""Train a router from logged trials, and say honestly what it is worth.

Each stage gets its own regularised logistic fit of P(right), calibrated on held-out folds; the
router's score is P(strong right) - P(weak right). Under five-fold cross-validation on RouteLLM's
MMLU (buckets 0 to 4) ridge regression on that difference itself, and one fit of all four cases,
came out the same or lower, and neither can learn from trials of which one stage alone was judged.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.hashing import DIMENSIONS, features
from cascade.domain.logistic import (
    PENALTY,
    Linear,
    Rows,
    Vector,
    fit_logistic,
    rows_of,
    sigmoid,
    sparse,
)
from cascade.domain.router import Platt, Router
from cascade.domain.trial import Trial

__all__ = ["Example", "Fit", "Trained", "auc", "examples_of", "fit_logistic", "train"]

FOLDS = 5
LEAST_LABELS = 200
LEAST_RARE = 25
MOST_EXAMPLES = 20_000
_CALIBRATION_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and how right each stage was: 0 to 1, None where nobody judged it."""

    text: str
    right: tuple[float | None, ...]
    weight: float = 1.0


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
class Trained:
    """A router, and one Fit per stage in the same order."""

    router: Router
    fits: tuple[Fit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """The judged part of the examples of one stage."""

    rows: Rows
    labels: Vector
    importance: Vector
    folds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    linear: Linear | None
    platt: Platt
    fit: Fit


def examples_of(trials: Iterable[Trial], *, models: Sequence[str]) -> tuple[Example, ...]:
    """Return the trials on which at least one of the models was judged; failed calls are not."""
    found = []
    for trial in trials:
        right = tuple(_quality(trial, model) for model in models)
        if any(one is not None for one in right):
            found.append(Example(trial.prompt, right, trial.weight))
    return tuple(found)


def _quality(trial: Trial, model: str) -> float | None:
    outcome = trial.outcomes.get(model)
    return None if outcome is None or outcome.failed else outcome.quality


def train(
    examples: Sequence[Example],
    *,
    stages: Sequence[str],
    version: str,
    seed: int = 0,
    penalty: float = PENALTY,
) -> Trained:
    """Fit one model per stage; the same examples and seed always give the same router.

    Of more than MOST_EXAMPLES examples a random part is used. A stage with too few labels, or one
    whose fit does not beat its base rate on held-out folds, says its base rate for every prompt.
    Raises ValueError when an example does not have one label (or None) from 0 to 1 per stage.
    """
    names = tuple(stages)
    _refuse(examples, names)
    used = _sampled(examples, seed)
    rows = rows_of([features(one.text) for one in used])
    folds = np.array([_fold(one.text, seed) for one in used], np.int64)
    found = [
        _stage(name, _judged(used, rows, folds, place), penalty) for place, name in enumerate(names)
    ]
    return Trained(_router(found, names, version), tuple(one.fit for one in found))


def _refuse(examples: Sequence[Example], stages: tuple[str, ...]) -> None:
    for one in examples:
        given = [label for label in one.right if label is not None]
        if len(one.right) != len(stages) or not all(0 <= label <= 1 for label in given):
            message = (
                f"Each example needs a label from 0 to 1, or None, for each of {len(stages)} "
                f"stages, not {one.right}."
            )
            raise ValueError(message)


def _sampled(examples: Sequence[Example], seed: int) -> Sequence[Example]:
    if len(examples) <= MOST_EXAMPLES:
        return examples
    kept = np.random.default_rng(seed).choice(len(examples), MOST_EXAMPLES, replace=False)
    return [examples[place] for place in sorted(kept.tolist())]


def _fold(text: str, seed: int) -> int:
    """Return the fold of a prompt: one asked twice is never on both sides of a split."""
    return zlib.crc32(f"{seed}:{text}".encode("utf-8", "replace")) % FOLDS


def _judged(
    examples: Sequence[Example], rows: Rows, folds: NDArray[np.int64], place: int
) -> _Labelled:
    right = [one.right[place] for one in examples]
    wanted = np.array([label is not None for label in right], np.bool_)
    weights = np.array([one.weight for one in examples], np.float64)
    return _Labelled(
        rows=rows.kept(wanted),
        labels=np.array([label for label in right if label is not None], np.float64),
        importance=weights[wanted],
        folds=folds[wanted],
    )


def _stage(name: str, given: _Labelled, penalty: float) -> _Stage:
    count = given.labels.size
    rate = _base_rate(given.labels, given.importance)
    needed = _needed(given.labels)
    if needed or np.unique(given.folds).size < FOLDS:
        fit = Fit(name, count, rate, is_used=False, needed=max(needed, 1))
        return _Stage(None, _always(rate), fit)
    scores = _held_out(given, penalty)
    fit = _measured(name, given, scores, rate)
    if not fit.is_used:
        return _Stage(None, _always(rate), fit)
    linear = fit_logistic(given.rows, given.labels, importance=given.importance, penalty=penalty)
    return _Stage(linear, _platt(scores, given.labels, given.importance), fit)


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


def _held_out(given: _Labelled, penalty: float) -> Vector:
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


def _measured(name: str, given: _Labelled, scores: Vector, rate: float) -> Fit:
    """Judge scores that are held out, by a calibration that is held out as well."""
    chances = np.zeros(scores.size)
    for fold in range(FOLDS):
        out = given.folds == fold
        platt = _platt(scores[~out], given.labels[~out], given.importance[~out])
        chances[out] = sigmoid(platt.slope * scores[out] + platt.offset)
    base = np.full(scores.size, rate)
    loss, base_loss = _log_loss(given, chances), _log_loss(given, base)
    return Fit(
        stage=name,
        labels=given.labels.size,
        base_rate=rate,
        is_used=loss < base_loss,
        auc=auc(scores, given.labels),
        brier=_brier(given, chances),
        base_brier=_brier(given, base),
        log_loss=loss,
        base_log_loss=base_loss,
    )


def _log_loss(given: _Labelled, chances: Vector) -> float:
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    each = given.labels * np.log(safe) + (1 - given.labels) * np.log(1 - safe)
    return -float(np.average(each, weights=given.importance))


def _brier(given: _Labelled, chances: Vector) -> float:
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


def _router(found: Sequence[_Stage], names: tuple[str, ...], version: str) -> Router:
    weights = np.zeros((len(names), DIMENSIONS), np.float32)
    biases = np.zeros(len(names), np.float32)
    for place, one in enumerate(found):
        if one.linear is not None:
            weights[place] = one.linear.weights
            biases[place] = one.linear.bias
    return Router(version, names, weights, biases, tuple(one.platt for one in found))
