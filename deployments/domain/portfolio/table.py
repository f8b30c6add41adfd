"""A problem as arrays: scores and uses of every choice, each limit scaled to one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.domain.portfolio.problem import NothingFits, Problem

Floats = NDArray[np.float64]
Picks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """`scores` [items, choices] (inf where there is no choice), `uses` [items, choices, limits].

    Both hold whole numbers, exact in float64. `shares` is `uses` over `caps`; `caps` [limits].
    """

    names: tuple[str, ...]
    scores: Floats
    uses: Floats
    caps: Floats
    shares: Floats

    @property
    def rows(self) -> Picks:
        """Return an index of all items."""
        return np.arange(len(self.scores))

    def score_of(self, picks: Picks) -> float:
        """Return the sum of the picked scores."""
        return float(self.scores[self.rows, picks].sum())

    def used_by(self, picks: Picks) -> Floats:
        """Return the picked sum of each limit."""
        found: Floats = self.uses[self.rows, picks].sum(axis=0)
        return found

    def fits(self, picks: Picks) -> bool:
        """Say whether picks keep every limit, exactly."""
        return bool((self.used_by(picks) <= self.caps).all())


def table_of(problem: Problem) -> Table:
    """Return the arrays of a problem; choices that break a limit alone are left out.

    Raises NothingFits when an item has no choice left.
    """
    names = tuple(problem.limits)
    caps = np.array([problem.limits[name] for name in names], dtype=np.float64)
    width = max((len(item.choices) for item in problem.items), default=0)
    scores = np.full((len(problem.items), width), np.inf)
    uses = np.zeros((len(problem.items), width, len(names)))
    for row, item in enumerate(problem.items):
        for column, choice in enumerate(item.choices):
            taken = dict(choice.uses) | {"usd": choice.cost_micro_usd}
            uses[row, column] = [taken.get(name, 0) for name in names]
            if (uses[row, column] <= caps).all():
                scores[row, column] = problem.score(choice)
        if not np.isfinite(scores[row]).any():
            raise NothingFits(f"No option of {item.name} keeps the limits alone.", is_proven=True)
    shares = np.divide(uses, caps, out=np.zeros_like(uses), where=caps > 0)
    return Table(names, scores, uses, caps, shares)
