"""Thresholds of several gates, each its own, from the safest to the boldest. Pure.

One threshold for all of them is wrong twice: a second stage's answer competes with a dearer one
than the first's does, and with one that also errs. Here a right answer is worth so much money, and
each gate accepts where the score (taken as the chance of being right) is worth more than going on;
that worth falls from step to step. Scores and prices decide and no label does, so that testing the
steps in their order needs no correction for how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.ground import price
from cascade.domain.replay.intervals import Numbers
from cascade.domain.replay.senses import Senses
from cascade.domain.trial import Trial

Places = NDArray[np.int64]
NEVER = 1.0
# A gate decides which others' requests it sees, so the thresholds are found in turns.
TURNS = 3
# The worth of a right answer goes from this share of the strongest's price to that many times it.
LEAST_WORTH, MOST_WORTH, WORTHS = 0.05, 1_000.0, 400


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """By trial and stage: chances of being right and costs in pico-dollars; weights by trial.

    The chance of a gated stage is its score beside those before it. Of the last stage it is its own
    score where it has one, else what the router foresees, else 1.
    """

    chances: Numbers
    costs: Numbers
    weight: Numbers


def thresholds(outlook: Outlook, *, steps: int) -> tuple[tuple[float, ...], ...]:
    """Return at most `steps` + 1 thresholds by gate, from where nothing passes to the boldest.

    Each is at most as high at every gate as the one before. The costs that the scores foresee fall
    from one to the next by about the same, from what the strongest stage alone costs.
    """
    gates = outlook.chances.shape[1] - 1
    found = [(NEVER,) * gates]
    for each in _by_worth(outlook):
        bolder = tuple(min(pair) for pair in zip(each, found[-1], strict=True))
        if bolder != found[-1]:
            found.append(bolder)
    known = np.array(found)
    saved = np.maximum.accumulate([-_spent(outlook, each) for each in found])
    alone = -float(outlook.weight @ outlook.costs[:, -1])
    fair = np.linspace(min(max(alone, saved[0]), saved[-1]), saved[-1], steps)
    wanted = np.concatenate((saved[:1], fair))
    between = [np.interp(wanted, saved, known[:, gate]) for gate in range(gates)]
    return tuple(dict.fromkeys(map(tuple, _floored(np.column_stack(between)).tolist())))


def outlook_of(
    policy: Policy, trials: Sequence[Trial], *, prices: PriceTable, senses: Senses
) -> Outlook:
    """Return what a policy's stages made of trials. Raises Incomplete without a price."""
    models = [stage.target.model for stage in policy.stages]
    chances = [list(_chances(policy, trial, senses)) for trial in trials]
    costs = [
        [price(prices, model, trial.outcomes[model].tokens) for model in models] for trial in trials
    ]
    return Outlook(
        np.array(chances, np.float64).reshape(-1, len(models)),
        np.array(costs, np.float64).reshape(-1, len(models)),
        np.array([trial.weight for trial in trials], np.float64),
    )


def _chances(policy: Policy, trial: Trial, senses: Senses) -> Iterator[float]:
    models = [stage.target.model for stage in policy.stages]
    foreseen = senses.foresee(trial) or (0.0,) * (len(models) - 1) + (1.0,)
    for place, model in enumerate(models):
        is_beside = policy.hears_earlier and place < len(models) - 1
        score = senses.score(trial, model, tuple(models[:place]) if is_beside else ())
        yield foreseen[place] if score is None else score


def _by_worth(outlook: Outlook) -> Iterator[tuple[float, ...]]:
    """Yield the best thresholds for ever less worth of a right answer."""
    if not len(outlook.weight):
        return
    orders = np.argsort(-outlook.chances[:, :-1], axis=0, kind="stable").T
    dearest = float(np.average(outlook.costs[:, -1], weights=outlook.weight)) or 1.0
    for worth in np.geomspace(MOST_WORTH, LEAST_WORTH, WORTHS).tolist():
        yield _best(outlook, orders, worth * dearest)


def _spent(outlook: Outlook, levels: Sequence[float]) -> float:
    """Return what all requests cost with these thresholds."""
    goes_on = (outlook.chances[:, :-1] < np.array(levels)).cumprod(axis=1)
    asked = np.column_stack((np.ones(len(outlook.weight)), goes_on))
    return float(outlook.weight @ (asked * outlook.costs).sum(axis=1))


def _best(outlook: Outlook, orders: Places, worth: float) -> tuple[float, ...]:
    gates = outlook.chances.shape[1] - 1
    levels = [NEVER] * gates
    for _ in range(TURNS):
        onward = worth * outlook.chances[:, -1] - outlook.costs[:, -1]
        for gate in reversed(range(gates)):
            chance, given = outlook.chances[:, gate], worth * outlook.chances[:, gate]
            passed = (outlook.chances[:, :gate] >= np.array(levels[:gate])).any(axis=1)
            gains = np.where(passed, 0.0, outlook.weight * (given - onward))
            levels[gate] = _cut(chance[orders[gate]], gains[orders[gate]])
            onward = np.where(chance >= levels[gate], given, onward) - outlook.costs[:, gate]
    return tuple(levels)


def _cut(scores: Numbers, gains: Numbers) -> float:
    """Return the score from which on accepting gains most; NEVER when it gains nothing.

    The highest score comes first.
    """
    sums = np.cumsum(gains)
    # Those of one score pass together.
    sums[:-1][scores[:-1] == scores[1:]] = -np.inf
    place = int(sums.argmax())
    return float(_floored(scores[place])) if sums[place] > 0 else NEVER


def _floored(scores: Numbers) -> Numbers:
    """Return scores with four digits, none higher than it was."""
    found: Numbers = np.floor(scores * 1e4 + 1e-9) / 1e4
    return found
