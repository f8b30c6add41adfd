"""The lowest of several cost lines over the load, with the exact loads where it changes. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

ZERO = Decimal(0)
MOST_WHOLE = 500  # above so many machines one more is under 0.2 %, and growth is taken as smooth


@dataclass(frozen=True, slots=True)
class Line:
    """USD a month over the load: `constant + slope x load + unit x machines`.

    A machine is needed for each started `step` of load (requests/s), and at least `least` of them;
    no step, no machines.
    """

    key: str
    slope: Decimal
    constant: Decimal = ZERO
    unit: Decimal = ZERO
    step: Decimal = ZERO
    least: int = 1

    def at(self, load: Decimal) -> Decimal:
        """Return USD a month at a load."""
        return self._straight(load)[0] + self._straight(load)[1] * load

    def _straight(self, inside: Decimal) -> tuple[Decimal, Decimal]:
        """Return constant and slope of the piece that holds this load."""
        if not self.step:
            return self.constant, self.slope
        machines = (inside / self.step).to_integral_value(ROUND_CEILING)
        if machines > max(MOST_WHOLE, self.least):
            return self.constant, self.slope + self.unit / self.step
        return self.constant + self.unit * max(machines, Decimal(self.least)), self.slope

    def steps(self, start: Decimal, end: Decimal) -> list[Decimal]:
        """Return the loads between two at which another machine is needed."""
        if not self.step:
            return []
        first = max(self.least, int(start / self.step))
        last = min(max(MOST_WHOLE, self.least), int(end / self.step))
        found = (self.step * count for count in range(first, last + 1))
        return [load for load in found if start < load < end]

    def piece(self, inside: Decimal) -> tuple[str, Decimal, Decimal]:
        """Return key, constant and slope around a load that is no step."""
        return self.key, *self._straight(inside)


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start` requests/s on `key` is the cheapest; `usd` is its cost just after `start`."""

    start: Decimal
    key: str
    usd: Decimal


def lowest(lines: Sequence[Line], *, start: Decimal, end: Decimal) -> tuple[Segment, ...]:
    """Return which line is lowest from which load on, between two loads. Exact up to MOST_WHOLE."""
    if not lines:
        return ()
    edges = sorted({start, end, *(step for line in lines for step in line.steps(start, end))})
    found: list[Segment] = []
    for left, right in itertools.pairwise(edges):
        middle = (left + right) / 2
        pieces = [line.piece(middle) for line in lines]
        for segment in _inside(pieces, left, right):
            if not found or found[-1].key != segment.key:
                found.append(segment)
    return tuple(found)


def _inside(
    pieces: Sequence[tuple[str, Decimal, Decimal]], left: Decimal, right: Decimal
) -> list[Segment]:
    """Return the lowest of straight pieces between two loads: each change is to a flatter one."""
    found = []
    here = left
    best = min(pieces, key=lambda piece: (piece[1] + piece[2] * left, piece[2]))
    while True:
        found.append(Segment(here, best[0], best[1] + best[2] * here))
        flatter = [
            ((piece[1] - best[1]) / (best[2] - piece[2]), piece[2], piece)
            for piece in pieces
            if piece[2] < best[2]
        ]
        crossing = min(flatter, key=lambda each: each[:2], default=None)
        if crossing is None or not here <= crossing[0] < right:
            return found
        here, best = crossing[0], crossing[2]
