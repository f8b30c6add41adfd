"""Of more arrivals than may be sent, an even choice. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

Arrival = tuple[float, int, int]


def thin(arrivals: Iterable[Arrival], most: int) -> tuple[int, Sequence[Arrival]]:
    """Count the arrivals and keep at most `most`, spread as evenly over them as binary allows.

    Each arrival's index is ranked by its bit-reversed value: a low-discrepancy order, so any
    prefix of it samples the whole stretch. Memory stays at `most` entries.
    """
    kept: list[tuple[int, int, Arrival]] = []
    total = 0
    for index, arrival in enumerate(arrivals):
        total += 1
        entry = (-int(f"{index:032b}"[::-1], 2), index, arrival)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        elif entry[0] > kept[0][0]:
            heapq.heapreplace(kept, entry)
    return total, [arrival for _, _, arrival in sorted(kept, key=lambda entry: entry[1])]
