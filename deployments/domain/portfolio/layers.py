"""All selections of a core, item by item: only those that may still become the best stay. Pure.

A partial selection goes when another uses no more money and as much of every other limit at no
greater score (the dominance of dynamic programming for knapsacks), and when its excess and what it
leaves unused of priced limits pass what is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployments.domain.portfolio.kernel import Core
from deployments.domain.portfolio.table import Floats, Picks

MOST = 20_000  # partial selections kept at a time; then the search proves nothing any more


@dataclass(frozen=True, slots=True)
class _Layer:
    """Partial selections: what they use and score, and the choice and selection that led here."""

    used: Floats
    score: Floats
    excess: Floats
    before: Picks
    column: Picks

    def only(self, kept: np.ndarray) -> _Layer:
        return _Layer(
            self.used[kept],
            self.score[kept],
            self.excess[kept],
            self.before[kept],
            self.column[kept],
        )


def searched(core: Core, best_score: float) -> tuple[Picks | None, bool]:
    """Return the best selection that scores below `best_score`, and whether all were looked at."""
    nothing = np.zeros(1, dtype=np.int64)
    layer = _Layer(core.used[None, :], np.array([core.score]), np.zeros(1), nothing, nothing)
    layers, is_done = list[_Layer](), True
    for depth in range(len(core.rows)):
        layer = _undominated(_further(core, layer, depth))
        if len(layer.score) > MOST:
            is_done = False
            layer = layer.only(np.argsort(layer.excess, kind="stable")[:MOST])
        layers.append(layer)
    fits = (layer.used <= core.caps).all(axis=1) & (layer.score < best_score)
    if not fits.any():
        return None, is_done
    return _traced(core, layers, int(np.where(fits, layer.score, np.inf).argmin())), is_done


def _further(core: Core, layer: _Layer, depth: int) -> _Layer:
    """Return every partial selection with every choice of the next item that may lead on."""
    count, width = len(layer.score), len(core.columns[depth])
    before, column = np.divmod(np.arange(count * width), width)
    excess = layer.excess[before] + core.excess[depth][column]
    kept = excess <= core.allowed
    before, column, excess = before[kept], column[kept], excess[kept]
    used = layer.used[before] + core.uses[depth][column]
    unused = np.maximum(core.caps - used - core.most[depth + 1], 0.0) @ core.prices
    kept = (used + core.least[depth + 1] <= core.caps).all(axis=1)
    kept &= excess + unused <= core.allowed
    score = layer.score[before] + core.scores[depth][column]
    return _Layer(used, score, excess, before, column).only(kept)


def _undominated(layer: _Layer) -> _Layer:
    """Drop what uses no less of the first limit than another that is no worse, all else alike."""
    if len(layer.score) < 2:
        return layer
    order = np.lexsort((layer.score, *layer.used.T))
    others = layer.used[order, 1:]
    group = np.concatenate(([0], (others[1:] != others[:-1]).any(axis=1).cumsum()))
    rank = np.unique(layer.score[order], return_inverse=True)[1]
    lowered = rank - group * len(rank)  # each group lies below all before it
    least = np.minimum.accumulate(lowered)
    return layer.only(order[np.concatenate(([True], lowered[1:] < least[:-1]))])


def _traced(core: Core, layers: list[_Layer], at: int) -> Picks:
    picks = core.picks.copy()
    for depth in range(len(layers) - 1, -1, -1):
        picks[core.rows[depth]] = core.columns[depth][layers[depth].column[at]]
        at = int(layers[depth].before[at])
    return picks
