"""The core of a problem: the few choices that a selection better than the best known may use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployments.domain.portfolio.dual import Dual
from deployments.domain.portfolio.table import Floats, Picks, Table


@dataclass(frozen=True, slots=True)
class Core:
    """Items with more than one choice left, those that decide most first.

    `columns`, `excess`, `scores` and `uses` are by item of `rows`, of its choices that are left;
    `least` and `most` [depth, limits] are what the items from a depth on use at least and at most.
    `picks`, `used` and `score` are of all other items; `prices` [limits] of one unit of a limit.
    """

    rows: tuple[int, ...]
    columns: tuple[Picks, ...]
    excess: tuple[Floats, ...]
    scores: tuple[Floats, ...]
    uses: tuple[Floats, ...]
    least: Floats
    most: Floats
    caps: Floats
    prices: Floats
    picks: Picks
    used: Floats
    score: float
    allowed: float


def core_of(table: Table, dual: Dual, allowed: float) -> Core:
    """Return the core for an allowed excess, in units of the score."""
    allowed += 1e-6 + 1e-9 * abs(dual.bound)  # what float sums may be off by
    excess = dual.reduced - dual.reduced.min(axis=1, keepdims=True)
    kept = excess <= allowed
    wide = np.flatnonzero(kept.sum(axis=1) > 1)
    spread = np.array([np.sort(excess[row][kept[row]])[1] for row in wide])
    rows = tuple(int(row) for row in wide[np.argsort(-spread, kind="stable")])
    columns = tuple(np.flatnonzero(kept[row]) for row in rows)
    uses = tuple(table.uses[row, each] for row, each in zip(rows, columns, strict=True))
    picks = dual.reduced.argmin(axis=1)
    outside = np.setdiff1d(table.rows, wide)
    return Core(
        rows=rows,
        columns=columns,
        excess=tuple(excess[row, each] for row, each in zip(rows, columns, strict=True)),
        scores=tuple(table.scores[row, each] for row, each in zip(rows, columns, strict=True)),
        uses=uses,
        least=_from_each_depth([each.min(axis=0) for each in uses], len(table.caps)),
        most=_from_each_depth([each.max(axis=0) for each in uses], len(table.caps)),
        caps=table.caps,
        prices=np.divide(
            dual.prices, table.caps, out=np.zeros_like(dual.prices), where=table.caps > 0
        ),
        picks=picks,
        used=table.uses[outside, picks[outside]].sum(axis=0),
        score=float(table.scores[outside, picks[outside]].sum()),
        allowed=allowed,
    )


def _from_each_depth(each: list[Floats], limits: int) -> Floats:
    found = np.zeros((len(each) + 1, limits))
    for depth in range(len(each) - 1, -1, -1):
        found[depth] = found[depth + 1] + each[depth]
    return found
