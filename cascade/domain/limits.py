"""Rates by the generic cell rate algorithm: one number for each key and limit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE_S = 60.0
MOST_KEYS = 10_000


@dataclass(slots=True)
class Rates:
    """When each limit is paid off, in seconds of the caller's clock (ITU-T I.371's GCRA)."""

    paid_at_s: dict[tuple[str, str], float] = field(default_factory=dict)

    def wait_s(
        self, key: str, *, limits: Mapping[str, tuple[int, int]], now_s: float
    ) -> float | None:
        """Count a request and return None, or return how long to wait and count nothing.

        `limits` maps a limit's name to what the request takes of it and its allowance a minute. A
        free minute's allowance may be used at once.
        """
        wait = 0.0
        next_at = {}
        for name, (taken, allowed) in limits.items():
            begins = max(now_s, self.paid_at_s.get((key, name), now_s))
            cost = taken * MINUTE_S / allowed
            next_at[(key, name)] = begins + cost
            if begins > now_s:
                wait = max(wait, begins + min(cost, MINUTE_S) - now_s - MINUTE_S)
        if wait > 0:
            return wait
        self._make_room(now_s)
        self.paid_at_s.update(next_at)
        return None

    def _make_room(self, now_s: float) -> None:
        if len(self.paid_at_s) < MOST_KEYS:
            return
        self.paid_at_s = {name: at for name, at in self.paid_at_s.items() if at > now_s}
