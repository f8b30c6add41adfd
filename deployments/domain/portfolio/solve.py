"""The best selection of one option for each feature, with the proof of how good it is. Pure."""

from __future__ import annotations

import numpy as np

from deployments.domain.portfolio.closing import closed
from deployments.domain.portfolio.dual import dual_of
from deployments.domain.portfolio.problem import NothingFits, Problem, Solution
from deployments.domain.portfolio.table import table_of


def solve(problem: Problem) -> Solution:
    """Return the best selection found and the bound that no other passes.

    Small problems are solved to the end (gap 0); large ones within a fixed amount of work. Raises
    NothingFits, which says whether that is proven.
    """
    if not problem.items:
        return Solution((), 0, 0.0, dict.fromkeys(problem.limits, 0.0))
    table = table_of(problem)
    dual = dual_of(table)
    if dual.is_unbounded:
        raise NothingFits("Together no selection keeps the limits.", is_proven=True)
    finite = np.where(np.isfinite(table.scores), table.scores, -np.inf)
    worst = float(finite.max(axis=1).sum()) + 1.0
    picks, bound = closed(table, dual, dual.picks, worst)
    if picks is None:
        raise NothingFits("No selection keeps the limits.", is_proven=bound >= worst - 1e-6)
    chosen = tuple(
        item.choices[int(column)] for item, column in zip(problem.items, picks, strict=True)
    )
    return Solution(
        picks=chosen,
        score=sum(problem.score(each) for each in chosen),
        bound=bound,
        prices={
            name: float(price / cap) if cap > 0 else 0.0
            for name, price, cap in zip(table.names, dual.prices, table.caps, strict=True)
        },
    )
