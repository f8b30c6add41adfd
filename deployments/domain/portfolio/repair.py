"""From a selection that breaks limits to one that keeps them, and to a better one. Pure."""

from __future__ import annotations

import numpy as np

from deployments.domain.portfolio.table import Floats, Picks, Table

MOST_SWAPS = 120


def repaired(table: Table, picks: Picks, reduced: Floats) -> Picks | None:
    """Swap the choices that cost least for what they free, until every limit holds.

    None when no swap frees anything without breaking another limit.
    """
    picks, rows = picks.copy(), table.rows
    used = table.used_by(picks)
    for _ in range(len(picks) + MOST_SWAPS):
        over = used > table.caps
        if not over.any():
            return picks
        now = table.uses[rows, picks][:, None, :]
        after = used - now + table.uses
        scale = np.where(table.caps > 0, table.caps, 1.0)
        relief = ((now - table.uses)[:, :, over] / scale[over]).sum(axis=2)
        loss = reduced - reduced[rows, picks][:, None]
        harms = ((after > np.maximum(used, table.caps)) & ~over).any(axis=2)
        usable = (relief > 0) & ~harms & np.isfinite(loss)
        rate = np.divide(loss, relief, out=np.full_like(loss, np.inf), where=usable)
        row, column = divmod(int(rate.argmin()), rate.shape[1])
        if not np.isfinite(rate[row, column]):
            return None
        used = used - table.uses[row, picks[row]] + table.uses[row, column]
        picks[row] = column
    return None


def improved(table: Table, picks: Picks) -> Picks:
    """Take the single swap that gains most and fits, until none gains."""
    picks, rows = picks.copy(), table.rows
    used = table.used_by(picks)
    for _ in range(MOST_SWAPS):
        gain = table.scores[rows, picks][:, None] - table.scores
        after = used - table.uses[rows, picks][:, None, :] + table.uses
        gain = np.where((after <= table.caps).all(axis=2), gain, -np.inf)
        row, column = divmod(int(gain.argmax()), gain.shape[1])
        if gain[row, column] <= 0:
            break
        used = after[row, column]
        picks[row] = column
    return picks
