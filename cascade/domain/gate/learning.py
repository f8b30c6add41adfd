"""Train a scorer of answers from labelled trials, and say honestly what it is worth.

The dense places are scaled and penalised as chosen by cross-validation over buckets 0 to 4 of the
recorded GSM8K, CRUX and BFCL answers (`python -m benchmarks gate`).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.gate.scorer import Scorer
from cascade.domain.gate.signs import COLUMNS, PLACES, hashed
from cascade.domain.hashing import Hashed
from cascade.domain.logistic import Linear, Rows, Vector, fit_logistic, rows_of, sigmoid
from cascade.domain.request import Answer, Chat
from cascade.domain.router import Platt
from cascade.domain.training import Fit, auc

FOLDS = 5
PENALTY = 1.0
PLACE_SCALE = 0.2
LEAST_LABELS = 200
LEAST_RARE = 25
MOST_EXAMPLES = 20_000
_CALIBRATION_PENALTY = 1e-3
_NAME = "gate"


@dataclass(frozen=True, slots=True)
class Example:
    """An answer and how right it was, 0 to 1; `weight` is the inverse of its chance to be kept."""

    chat: Chat
    answer: Answer
    right: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The scorer and what it is worth; None where its labels do not (yet) tell right from wrong.

    Without a scorer the hand-set weights of the rules are used.
    """

    scorer: Scorer | None
    fit: Fit


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    rows: Rows
    labels: Vector
    importance: Vector
    folds: NDArray[np.int64]


def train(examples: Sequence[Example], *, version: str, seed: int = 0) -> Trained:
    """Fit P(right) of an answer; the same examples and seed always give the same scorer.

    Of more than MOST_EXAMPLES a random part is used. Raises ValueError when a label does not lie
    from 0 to 1.
    """
    if not all(0 <= one.right <= 1 for one in examples):
        message = "Each example needs a label from 0 to 1."
        raise ValueError(message)
    used = _sampled(examples, seed)
    needed = _needed([one.right for one in used])
    if needed:
        rate = (sum(one.right for one in used) + 1) / (len(used) + 2)
        return Trained(None, Fit(_NAME, len(used), rate, is_used=False, needed=needed))
    given = _labelled(used, seed)
    scores = _held_out(given)
    platt = _platt(scores, given.labels, given.importance)
    fit = _measured(given, scores)
    if not fit.is_used:
        return Trained(None, fit)
    whole = fitted(given.rows, given.labels, importance=given.importance)
    return Trained(Scorer(version, whole.weights.astype(np.float32), whole.bias, platt), fit)


def fitted(rows: Rows, labels: Vector, *, importance: Vector | None = None) -> Linear:
    """Return the linear fit of rows of `signs.hashed`, as chosen for the gate."""
    return fit_logistic(
        rows,
        labels,
        importance=importance,
        penalty=PENALTY,
        counts=PLACES,
        count_scale=PLACE_SCALE,
    )


def _sampled(examples: Sequence[Example], seed: int) -> Sequence[Example]:
    if len(examples) <= MOST_EXAMPLES:
        return examples
    kept = np.random.default_rng(seed).choice(len(examples), MOST_EXAMPLES, replace=False)
    return [examples[place] for place in sorted(kept.tolist())]


def _needed(labels: Sequence[float]) -> int:
    """Return about how many more labels there must be, and of the rarer kind."""
    right = sum(labels)
    rare = min(right, len(labels) - right)
    share = (rare + 1) / (len(labels) + 2)
    return max(0, LEAST_LABELS - len(labels), int(np.ceil(max(0.0, LEAST_RARE - rare) / share)))


def _labelled(examples: Sequence[Example], seed: int) -> _Labelled:
    """Return rows and labels; a question asked twice is never on both sides of a split."""
    folds = [
        zlib.crc32(f"{seed}:{one.chat.text}".encode("utf-8", "replace")) % FOLDS for one in examples
    ]
    return _Labelled(
        rows=rows_of([hashed(one.chat, one.answer) for one in examples], columns=COLUMNS),
        labels=np.array([one.right for one in examples], np.float64),
        importance=np.array([one.weight for one in examples], np.float64),
        folds=np.array(folds, np.int64),
    )


def _held_out(given: _Labelled) -> Vector:
    """Return each row's log-odds by a fit that has not seen its fold."""
    scores = np.zeros(given.labels.size)
    for fold in np.unique(given.folds):
        out = given.folds == fold
        linear = fitted(
            given.rows.kept(~out), given.labels[~out], importance=given.importance[~out]
        )
        scores[out] = linear.log_odds(given.rows.kept(out))
    return scores


def _platt(scores: Vector, labels: Vector, importance: Vector) -> Platt:
    """Fit slope and offset to held-out scores (Platt 1999)."""
    column = np.zeros(1, np.int32)
    rows = rows_of([Hashed(column, np.array([one], np.float32)) for one in scores], columns=1)
    linear = fit_logistic(
        rows,
        labels,
        importance=importance,
        penalty=_CALIBRATION_PENALTY,
        counts=1,
        count_scale=1.0,
    )
    return Platt(float(linear.weights[0]), linear.bias)


def _measured(given: _Labelled, scores: Vector) -> Fit:
    """Judge scores that are held out, by a calibration that is held out as well."""
    chances = np.zeros(scores.size)
    for fold in np.unique(given.folds):
        out = given.folds == fold
        platt = _platt(scores[~out], given.labels[~out], given.importance[~out])
        chances[out] = sigmoid(platt.slope * scores[out] + platt.offset)
    rate = float(np.average(given.labels, weights=given.importance))
    base = np.full(scores.size, rate)
    loss, base_loss = _log_loss(given, chances), _log_loss(given, base)
    return Fit(
        stage=_NAME,
        labels=given.labels.size,
        base_rate=rate,
        is_used=loss < base_loss,
        auc=auc(scores, given.labels),
        brier=float(np.average((chances - given.labels) ** 2, weights=given.importance)),
        base_brier=float(np.average((base - given.labels) ** 2, weights=given.importance)),
        log_loss=loss,
        base_log_loss=base_loss,
    )


def _log_loss(given: _Labelled, chances: Vector) -> float:
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    each = given.labels * np.log(safe) + (1 - given.labels) * np.log(1 - safe)
    return -float(np.average(each, weights=given.importance))
