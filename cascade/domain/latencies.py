"""Latencies as counts by bucket, which add up over hours as percentiles do not. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping

# Upper bounds in ms: about a third apart, so a percentile read from them is off by less.
BOUNDS_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 65, 80, 100, 130, 170, 220, 300, 400, 500, 650, 800),
    *(1_000, 1_300, 1_700, 2_200, 3_000, 4_000, 5_000, 6_500, 8_000, 10_000, 13_000, 17_000),
    *(22_000, 30_000, 40_000, 60_000, 90_000, 130_000, 200_000, 300_000, 600_000, 900_000),
)


def bucket(ms: float) -> str:
    """Return the bucket of a latency: its upper bound in ms as text; the last takes all above."""
    place = bisect_left(BOUNDS_MS, ms)
    return str(BOUNDS_MS[min(place, len(BOUNDS_MS) - 1)])


def percentile_ms(counts: Mapping[str, int], percent: float) -> int | None:
    """Return the upper bound of the bucket with the nearest-rank percentile; None without any."""
    total = sum(counts.values())
    if not total:
        return None
    rank, seen = max(1, math.ceil(total * percent / 100)), 0
    for bound in sorted(map(int, counts)):
        seen += counts[str(bound)]
        if seen >= rank:
            return bound
    return None
