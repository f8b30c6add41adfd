"""Close the gap: what a better selection could still use is searched until nothing is left. Pure.

A selection that beats the best known one cannot spend more excess of reduced score (over each
item's least) and unused priced limits together than the gap. That leaves few choices of few items;
they are laid over each other item by item, with the allowed excess growing, so that each finished
round raises the bound.
"""

from __future__ import annotations

import numpy as np

from deployments.domain.portfolio.dual import Dual
from deployments.domain.portfolio.kernel import core_of
from deployments.domain.portfolio.layers import searched
from deployments.domain.portfolio.table import Picks, Table

ROUNDS = (1 / 64, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
MOST_ROWS = 400
NEAR = 1e-5  # share of the score; nearer than this only small problems are searched on
SMALL = 60  # items


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
        core = core_of(table, dual, allowed)
        if len(core.rows) > MOST_ROWS:
            return best, bound
        found, is_done = searched(core, np.inf if best is None else score)
        best = best if found is None else found
        if not is_done:
            return best, bound
        now = worst if best is None else table.score_of(best)
        bound = max(bound, min(now, dual.bound + allowed))
    return best, bound
