"""A breaker for one upstream: by the ratio of failures in a window, with a single probe. Pure.

Times are seconds of one monotonic clock, given by the caller.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

WINDOW_S = 30.0
LEAST_CALLS = 10
OPENS_AT = 0.5
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


class State(StrEnum):
    """What a breaker lets through: all, nothing, or one call to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """Counts what became of calls. It never shortens a pause that already runs."""

    calls: deque[tuple[float, bool]] = field(default_factory=deque)
    failures: int = 0
    open_until: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    is_probing: bool = False
    is_open: bool = False

    def state(self, *, now_s: float) -> State:
        """Return its state."""
        if not self.is_open:
            return State.CLOSED
        return State.OPEN if now_s < self.open_until else State.HALF_OPEN

    def admits(self, *, now_s: float) -> bool:
        """Say whether a call may be made; who is told yes must tell what became of it."""
        match self.state(now_s=now_s):
            case State.CLOSED:
                return True
            case State.OPEN:
                return False
        if self.is_probing:
            return False
        self.is_probing = True
        return True

    def succeeded(self, *, now_s: float) -> None:
        """Count an answer; a probe's answer closes the breaker."""
        if self.is_open:
            self._close()
        self._count(now_s, is_failure=False)

    def failed(
        self, *, now_s: float, retry_after_s: float | None = None, is_probe: bool = True
    ) -> None:
        """Count a failure; enough of them, or a probe's, open the breaker."""
        was_probe = is_probe and self.is_probing
        self.is_probing = self.is_probing and not was_probe
        self._count(now_s, is_failure=True)
        if self.is_open and was_probe:
            self.pause_s = min(LONGEST_PAUSE_S, 2 * self.pause_s)
        elif self.is_open or not self._is_too_much():
            return
        self.is_open = True
        self.open_until = max(self.open_until, now_s + max(self.pause_s, retry_after_s or 0.0))

    def left(self) -> None:
        """Say that an admitted call ended without telling anything (its client left)."""
        self.is_probing = False

    def _close(self) -> None:
        self.is_open = self.is_probing = False
        self.pause_s, self.open_until = FIRST_PAUSE_S, 0.0
        self.calls.clear()
        self.failures = 0

    def _count(self, now_s: float, *, is_failure: bool) -> None:
        self.calls.append((now_s, is_failure))
        self.failures += is_failure
        while self.calls and self.calls[0][0] < now_s - WINDOW_S:
            self.failures -= self.calls.popleft()[1]

    def _is_too_much(self) -> bool:
        count = len(self.calls)
        return count >= LEAST_CALLS and self.failures >= OPENS_AT * count
