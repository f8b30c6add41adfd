"""The counters' twin in memory: one process, the same answers. For tests and small trials."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cascade.adapters import scripts
from cascade.adapters.counters import CountersAway
from cascade.domain.scopes import FEATURE, Booking, Hold, Reserved, Standing, month_of_us

MINUTE_S = 60.0
Sums = defaultdict[str, defaultdict[str, int]]


def _sums() -> Sums:
    return defaultdict(lambda: defaultdict(int))


@dataclass(slots=True)
class MemoryCounters:
    """Counters by month and scope, holds by id; `entries` is the stream as (field, event).

    `is_away` makes it answer as a server that is gone does.
    """

    spent: Sums = field(default_factory=_sums)
    held: Sums = field(default_factory=_sums)
    other: Sums = field(default_factory=_sums)
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    is_away: bool = False
    is_built: bool = False
    _holds: dict[str, tuple[Hold, str, float]] = field(default_factory=dict)
    _marks: dict[str, str] = field(default_factory=dict)
    _rates: dict[tuple[str, str], float] = field(default_factory=dict)

    async def reserve(self, *, hold: Hold, now_s: float | None = None) -> Reserved:
        """Hold the worst case for all scopes or none. As Counters.reserve."""
        self._answer()
        scripts.for_reserve(hold, now_s=now_s)
        told = _told(hold.on_loss)
        if not self.is_built:
            raise CountersAway("The counters were lost and are not rebuilt yet.")
        if hold.hold_id in self._marks:
            return Reserved(is_granted=False)
        month = month_of_us(told["at"])
        share, refused = self._checked(hold, month)
        if hold.hold_id in self._holds:
            return Reserved(is_granted=True, spent_share_of_feature=share)
        if refused:
            return Reserved(False, refused, share)
        for scope in hold.scopes:
            self.held[month][scope.name] += hold.micro
        self._holds[hold.hold_id] = (hold, month, _moment(now_s) + hold.expires_s)
        return Reserved(is_granted=True, spent_share_of_feature=share)

    def _checked(self, hold: Hold, month: str) -> tuple[float, str]:
        """Return the feature's share, and the first scope whose limit the hold would break."""
        share, refused = 0.0, ""
        for name, limit in ((each.name, each.limit_micro) for each in hold.scopes):
            if limit is None:
                continue
            used = self.spent[month][name] + self.other[month][name]
            if used + self.held[month][name] + hold.micro > limit:
                refused = refused or name
            if name.startswith(FEATURE):
                share = used / limit if limit else 1.0
        return share, refused

    async def settle(
        self, *, hold_id: str, scopes: Sequence[str], micro: int, event: bytes
    ) -> bool:
        """Replace what is held by what it cost. As Counters.settle."""
        self._answer()
        mark = self._marks.get(hold_id)
        if mark == "lost":
            self._marks[hold_id] = "late"
            self.entries.append(("late", event))
        if mark:
            return False
        told = _told(event)
        if told["micro"] != micro:
            raise ValueError("The charge is not what its event says.")
        names = self._taken(hold_id) or scopes
        self._marks[hold_id] = "settled"
        self._book(names, told, event)
        return True

    async def book(self, bookings: Sequence[Booking]) -> list[Exception | None]:
        """Settle holds and tell events. As Counters.book."""
        return [await self._booked(each) for each in bookings]

    async def _booked(self, one: Booking) -> Exception | None:
        try:
            if one.hold_id:
                await self.settle(
                    hold_id=one.hold_id, scopes=one.scopes, micro=one.micro, event=one.event
                )
            else:
                await self.append(event=one.event)
        except ValueError as refused:
            return refused
        return None

    async def release(self, *, hold_id: str) -> bool:
        """Give a hold back unused. As Counters.release."""
        self._answer()
        if hold_id in self._marks:
            return False
        self._taken(hold_id)
        self._marks[hold_id] = "settled"
        return True

    async def append(self, *, event: bytes) -> None:
        """Tell the stream an event that moves no money."""
        self._answer()
        self.entries.append(("e", event))

    async def sweep(self, *, now_s: float | None = None) -> int:
        """Book the holds that expired as lost. As Counters.sweep."""
        self._answer()
        now = _moment(now_s)
        due = [hold for hold, _, expires in self._holds.values() if expires <= now]
        for hold in due:
            names = self._taken(hold.hold_id)
            self._marks[hold.hold_id] = "lost"
            self._book(names, json.loads(hold.on_loss), hold.on_loss)
        return len(due)

    async def admit(
        self,
        *,
        key: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        tokens: int,
        now_s: float | None = None,
    ) -> float | None:
        """Count a request against a key's rates. As Counters.admit."""
        self._answer()
        now = _moment(now_s)
        wait_s, ends = 0.0, {}
        for name, limit, cost in (
            ("requests", requests_per_minute, 1),
            ("tokens", tokens_per_minute, tokens),
        ):
            if limit is None:
                continue
            taken_s = cost * MINUTE_S / limit
            full = max(self._rates.get((key, name), 0.0), now)
            wait_s = max(wait_s, full + min(taken_s, MINUTE_S) - MINUTE_S - now)
            ends[key, name] = full + taken_s
        # Doubles of seconds since 1970 are good to a quarter of a microsecond.
        if wait_s > 1e-6:
            return wait_s
        self._rates |= ends
        return None

    async def standing(self, *, month: str, names: Collection[str]) -> Mapping[str, Standing]:
        """Return what scopes have spent, held and otherwise booked in a month."""
        self._answer()
        return {
            name: Standing(*(sums[month][name] for sums in (self.spent, self.held, self.other)))
            for name in names
        }

    async def begin(self) -> None:
        """Say that counting starts at nothing."""
        self._answer()
        self.is_built = True

    async def close(self) -> None:
        """Close nothing: there is no connection."""

    def _answer(self) -> None:
        if self.is_away:
            raise CountersAway("The counters' server does not answer.")

    def _taken(self, hold_id: str) -> tuple[str, ...]:
        found = self._holds.pop(hold_id, None)
        if found is None:
            return ()
        hold, month, _ = found
        for scope in hold.scopes:
            self.held[month][scope.name] -= hold.micro
        return tuple(scope.name for scope in hold.scopes)

    def _book(self, names: Sequence[str], told: Mapping[str, Any], event: bytes) -> None:
        month = month_of_us(told["at"])
        for name in names:
            self.spent[month][name] += told["micro"]
        self.entries.append(("e", event))


def _told(event: bytes) -> Mapping[str, Any]:
    told = json.loads(event)
    for name in ("micro", "at"):
        if not isinstance(told.get(name), int):
            raise ValueError(f"The event has no {name}.")
    return dict(told)


def _moment(now_s: float | None) -> float:
    return time.time() if now_s is None else now_s
