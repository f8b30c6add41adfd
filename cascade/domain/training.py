"""Train a router from logged trials, and say honestly what it is worth.

Each stage gets its own regularised logistic fit of P(right), calibrated on held-out folds; the
router's score is P(strong right) - P(weak right). Under five-fold cross-validation on RouteLLM's
MMLU (buckets 0 to 4) ridge regression on that difference itself, and one fit of all four cases,
came out the same or lower, and neither can learn from trials of which one stage alone was judged.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.calibrating import FOLDS
from cascade.domain.fitting import Fit, FittedStage, Labelled, auc, fitted_stages
from cascade.domain.hashing import DIMENSIONS, features
from cascade.domain.logistic import PENALTY, Rows, fit_logistic, rows_of
from cascade.domain.router import Router
from cascade.domain.trial import Trial

__all__ = ["Example", "Fit", "Trained", "auc", "examples_of", "fit_logistic", "train"]

MOST_EXAMPLES = 20_000


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and how right each stage was: 0 to 1, None where nobody judged it."""

    text: str
    right: tuple[float | None, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A router, and one Fit per stage in the same order."""

    router: Router
    fits: tuple[Fit, ...]


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
    judged = [_judged(used, rows, folds, place) for place in range(len(names))]
    found = fitted_stages(names, judged, penalty)
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
) -> Labelled:
    right = [one.right[place] for one in examples]
    wanted = np.array([label is not None for label in right], np.bool_)
    weights = np.array([one.weight for one in examples], np.float64)
    return Labelled(
        rows=rows.kept(wanted),
        labels=np.array([label for label in right if label is not None], np.float64),
        importance=weights[wanted],
        folds=folds[wanted],
    )


def _router(found: Sequence[FittedStage], names: tuple[str, ...], version: str) -> Router:
    weights = np.zeros((len(names), DIMENSIONS), np.float32)
    biases = np.zeros(len(names), np.float32)
    for place, one in enumerate(found):
        if one.linear is not None:
            weights[place] = one.linear.weights
            biases[place] = one.linear.bias
    return Router(version, names, weights, biases, tuple(one.platt for one in found))
