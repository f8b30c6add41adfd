"""A measured figure, its limit, and how a table of them reads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# A shared machine makes noise: a limit counts as missed beyond this factor of it.
NOISE = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured: `value` in `unit`, at most `limit` (None: only told), and remarks.

    Beyond `noise` times its limit it is missed; what no machine's load moves has a noise of 1.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    remark: str = ""
    noise: float = NOISE

    @property
    def verdict(self) -> str:
        """Return how it stands against its limit."""
        if self.limit is None:
            return ""
        if self.value <= self.limit:
            return "ok"
        return "noisy" if self.value <= self.limit * self.noise else "MISSED"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of many runs, sorted."""

    seconds: tuple[float, ...]

    def percentile_ms(self, percent: float) -> float:
        """Return the nearest-rank percentile in milliseconds."""
        rank = max(1, math.ceil(len(self.seconds) * percent / 100))
        return self.seconds[rank - 1] * 1000


def timed(work: Callable[[], object], *, runs: int, warm_ups: int = 3) -> Timing:
    """Run something again and again and return how long each run took."""
    for _ in range(warm_ups):
        work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return Timing(tuple(sorted(taken)))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text."""
    wide = max((len(figure.name) for figure in figures), default=0)
    lines = []
    for figure in figures:
        limit = "" if figure.limit is None else f"<= {figure.limit:,g}"
        lines.append(
            f"{figure.name:<{wide}}  {figure.value:>12,.1f} {figure.unit:<4} {limit:>10}  "
            f"{figure.verdict:<6}  {figure.remark}".rstrip()
        )
    return "\n".join(lines)


def missed(figures: Sequence[Figure]) -> tuple[str, ...]:
    """Return the names of those that missed their limit beyond noise."""
    return tuple(figure.name for figure in figures if figure.verdict == "MISSED")
