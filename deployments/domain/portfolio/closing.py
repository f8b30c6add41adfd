"""Close the gap: what a better selection could still use is searched until nothing is left. Pure.

A selection that beats the best known one cannot spend more excess of reduced score (over each
item's least) than the gap. That leaves few choices of few items; they are searched depth first,
with the allowed excess growing, so that each finished round raises the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployments.domain.portfolio.dual import Dual
from deployments.domain.portfolio.table import Floats, Picks, Table

ROUNDS = (1 / 64, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
MOST_NODES = 20_000  # of a round
MOST_ROWS = 400
NEAR = 1e-5  # share of the score; nearer than this only small problems are searched on
SMALL = 60  # items


@dataclass(slots=True)
class _Search:
    """A depth-first search over the core; `nodes` counts what was looked at."""

    table: Table
    rows: list[int]
    columns: list[list[int]]
    excess: list[list[float]]
    least: Floats  # [depth, limits] the least the items from a depth on use
    base: Floats  # what everything outside of the core uses
    base_score: float
    best_score: float
    picks: Picks
    best: Picks | None = None
    nodes: int = 0

    def run(self, allowed: float) -> bool:
        """Search all selections within the allowed excess; False when the nodes ran out."""
        return self._down(0, self.base, self.base_score, allowed)

    def _down(self, depth: int, used: Floats, score: float, left: float) -> bool:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            return False
        if depth == len(self.rows):
            if score < self.best_score and (used <= self.table.caps).all():
                self.best_score, self.best = score, self.picks.copy()
            return True
        row = self.rows[depth]
        for column, excess in zip(self.columns[depth], self.excess[depth], strict=True):
            if excess > left:
                break
            after = used + self.table.uses[row, column]
            if (after + self.least[depth + 1] > self.table.caps).any():
                continue
            self.picks[row] = column
            further = score + self.table.scores[row, column]
            if not self._down(depth + 1, after, further, left - excess):
                return False
        return True


def closed(
    table: Table, dual: Dual, best: Picks | None, worst: float
) -> tuple[Picks | None, float]:
    """Return the best selection and the bound after the search; None when there is proven none."""
    bound = dual.bound
    for part in ROUNDS:
        score = worst if best is None else table.score_of(best)
        gap = score - bound
        is_near = best is not None and gap <= NEAR * abs(score) and len(table.scores) > SMALL
        if is_near:
            return best, bound
        if gap <= 1e-6:
            return best, bound if best is None else score
        allowed = part * (score - dual.bound)
        found, is_done = _round(table, dual, best, score, allowed)
        best = best if found is None else found
        if not is_done:
            return best, bound
        now = worst if best is None else table.score_of(best)
        bound = max(bound, min(now, dual.bound + allowed))
    return best, bound


def _round(
    table: Table, dual: Dual, best: Picks | None, score: float, allowed: float
) -> tuple[Picks | None, bool]:
    allowed += 1e-6 + 1e-9 * abs(dual.bound)  # what float sums may be off by
    excess = dual.reduced - dual.reduced.min(axis=1, keepdims=True)
    kept = excess <= allowed
    wide = np.flatnonzero(kept.sum(axis=1) > 1)
    spread = np.array([np.sort(excess[row][kept[row]])[1] for row in wide])
    rows = [int(row) for row in wide[np.argsort(-spread, kind="stable")]]
    picks = dual.reduced.argmin(axis=1)
    outside = np.setdiff1d(table.rows, wide)
    columns = [_columns(excess[row], kept[row]) for row in rows]
    least = np.zeros((len(rows) + 1, len(table.caps)))
    for depth in range(len(rows) - 1, -1, -1):
        least[depth] = least[depth + 1] + table.uses[rows[depth], columns[depth]].min(axis=0)
    if len(rows) > MOST_ROWS:
        return None, False
    search = _Search(
        table=table,
        rows=rows,
        columns=columns,
        excess=[
            [float(excess[row, column]) for column in each]
            for row, each in zip(rows, columns, strict=True)
        ],
        least=least,
        base=table.uses[outside, picks[outside]].sum(axis=0),
        base_score=float(table.scores[outside, picks[outside]].sum()),
        best_score=score if best is not None else np.inf,
        picks=picks.copy(),
    )
    is_done = search.run(allowed)
    return search.best, is_done


def _columns(excess: Floats, kept: np.ndarray) -> list[int]:
    order = np.argsort(excess, kind="stable")
    return [int(column) for column in order if kept[column]]
