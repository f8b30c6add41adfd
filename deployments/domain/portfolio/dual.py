"""A bound that no selection beats: the limits priced into the scores (Lagrange). Pure.

For prices p >= 0 of the limits, each scaled to one, the least of `score + p * share` of every item,
less the sum of p, is at most the score of any selection within the limits. The best prices are
sought by subgradient steps of Polyak's length (Polyak, 1969), towards the best known selection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployments.domain.portfolio.repair import improved, repaired
from deployments.domain.portfolio.table import Floats, Picks, Table

STEPS = 240
PATIENCE = 10
REPAIR_EVERY = 10
CLOSE = 1.03  # of a limit: nearer than this a selection is worth repairing
GUESS = 0.02  # of the bound, as long as no selection is known
ENOUGH = 1e-6


@dataclass(frozen=True, slots=True)
class Dual:
    """The best bound found, its prices, the reduced scores, and the best selection met on the way.

    `picks` is None when none was met that fits; `is_unbounded` when the bound shows that none can.
    """

    bound: float
    prices: Floats
    reduced: Floats
    picks: Picks | None
    is_unbounded: bool = False


def dual_of(table: Table) -> Dual:
    """Return the best bound and the best selection of a fixed number of steps."""
    climb = _Climb(table)
    for step in range(STEPS):
        if not climb.step(step):
            break
    return climb.end()


class _Climb:
    """Where the search for the best prices stands."""

    def __init__(self, table: Table) -> None:
        finite = np.where(np.isfinite(table.scores), table.scores, -np.inf)
        self.table = table
        self.worst = float(finite.max(axis=1).sum())
        self.prices = np.zeros(len(table.caps))
        self.best_bound, self.best_prices = -np.inf, self.prices
        self.best: Picks | None = None
        self.length, self.stalled = 1.0, 0

    def step(self, number: int) -> bool:
        """Look at the present prices and move them; False when there is nothing to gain."""
        table = self.table
        reduced = table.scores + table.shares @ self.prices
        picks = reduced.argmin(axis=1)
        bound = float(reduced[table.rows, picks].sum() - self.prices.sum())
        self.stalled += 1
        if bound > self.best_bound:
            self.best_bound, self.best_prices, self.stalled = bound, self.prices, 0
        if self._shows_that_nothing_fits():
            return False
        shares = table.shares[table.rows, picks].sum(axis=0)
        over = float(shares.max(initial=0.0))
        if over <= 1.0 or (over <= CLOSE and number % REPAIR_EVERY == 0):
            self.best = _better(table, self.best, repaired(table, picks, reduced))
        if self.best is not None and table.score_of(self.best) - self.best_bound <= ENOUGH:
            return False
        return self._move(shares - (table.caps > 0), bound)

    def end(self) -> Dual:
        """Return what was found."""
        table = self.table
        reduced = table.scores + table.shares @ self.best_prices
        if self._shows_that_nothing_fits():
            return Dual(self.best_bound, self.best_prices, reduced, None, is_unbounded=True)
        best = _better(table, self.best, repaired(table, reduced.argmin(axis=1), reduced))
        best = None if best is None else improved(table, best)
        return Dual(self.best_bound, self.best_prices, reduced, best)

    def _shows_that_nothing_fits(self) -> bool:
        return self.best_bound > self.worst + 1e-9 * max(1.0, abs(self.worst))

    def _move(self, slope: Floats, bound: float) -> bool:
        slope = np.where((self.prices <= 0) & (slope < 0), 0.0, slope)
        norm = float(slope @ slope)
        if norm == 0.0:
            return False
        if self.stalled >= PATIENCE:
            self.length, self.stalled, self.prices = self.length / 2, 0, self.best_prices
            return True
        guess = min(self.worst, bound + GUESS * max(1.0, abs(bound)))
        target = guess if self.best is None else self.table.score_of(self.best)
        stride = self.length * max(target - bound, 1e-9) / norm
        self.prices = np.maximum(0.0, self.prices + stride * slope)
        return True


def _better(table: Table, first: Picks | None, second: Picks | None) -> Picks | None:
    if first is None or second is None:
        return second if first is None else first
    return second if table.score_of(second) < table.score_of(first) else first
