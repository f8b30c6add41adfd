"""When a failed call may be made again: full jitter, and never more than a share of all. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.1  # of the traffic: retries must not make a storm of an overload
MOST_SAVED = 20.0
FIRST_S = 0.1
LONGEST_S = 5.0
MOST_RETRIES = 2


@dataclass(slots=True)
class RetryBudget:
    """A tenth of a retry is earned by each first call; a retry costs one."""

    saved: float = 5.0

    def earn(self) -> None:
        """Count a first call."""
        self.saved = min(MOST_SAVED, self.saved + SHARE)

    def spend(self) -> bool:
        """Take one retry; False when there is none."""
        if self.saved < 1:
            return False
        self.saved -= 1
        return True


def pause_s(*, retry: int, draw: float, retry_after_s: float | None) -> float:
    """Return how long to wait before retry number 0, 1, ...; `draw` is uniform from 0 to 1.

    Truncated exponential backoff with full jitter (AWS Architecture Blog, 2015), but never sooner
    than the server asked for.
    """
    longest = min(LONGEST_S, FIRST_S * float(1 << retry))
    return max(draw * longest, retry_after_s or 0.0)
