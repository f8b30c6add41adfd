"""Money is held before a call and settled after it, off the path of the answer."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol
from uuid import UUID

from cascade.adapters.counters import CountersAway
from cascade.domain.events import Attempt, Trial, encode
from cascade.domain.policy import WithoutCounters
from cascade.domain.scopes import Booking, Hold, Reserved
from cascade.gateway.turn import Turn

log = logging.getLogger("slipway.gateway")

MOST_WAITING = 20_000
MOST_AT_ONCE = 128
AGAIN_S = 0.5
# What a process may spend on its own word while nobody can count, in micro-dollars (1 USD).
LOCAL_MICRO = 1_000_000
# How long after its deadline a call's hold lasts, before it is booked as lost.
LATE_S = 30.0


class Ledger(Protocol):
    """The counters, as the gateway needs them."""

    async def reserve(self, *, hold: Hold) -> Reserved:
        """Hold money."""
        ...

    async def book(self, bookings: Sequence[Booking]) -> list[Exception | None]:
        """Charge what attempts cost and tell events; return what could not be, by place."""
        ...

    async def release(self, *, hold_id: str) -> bool:
        """Give money back."""
        ...


class NoMoney(Exception):
    """A limit would be passed; `scope` says whose."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class Uncounted(Exception):
    """Nobody can say what may be spent, and the policy spends nothing then."""


@dataclass(slots=True)
class Purse:
    """Holds, settles and tells; what was spent uncounted is told when counting is possible again.

    `shares` is what each feature has spent of its month's limit, as last heard.
    """

    ledger: Ledger
    events: deque[Attempt | Trial] = field(default_factory=deque)
    shares: dict[int, float] = field(default_factory=dict)
    local_micro: dict[UUID, int] = field(default_factory=dict)
    teller: asyncio.Task[None] | None = None
    one_by_one: int = 0
    has_some: asyncio.Event = field(default_factory=asyncio.Event)
    is_told: asyncio.Event = field(default_factory=asyncio.Event)
    releases: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self) -> None:
        """Start who tells what happened."""
        self.is_told.set()
        self.teller = asyncio.create_task(self._work())

    async def drain(self, *, within_s: float) -> int:
        """Settle what waits; return how much could not be."""
        try:
            await asyncio.wait_for(self.is_told.wait(), within_s)
        except TimeoutError:
            log.error("%d events were not told in time; holds expire by themselves", self.waiting)
        if self.releases:
            await asyncio.wait(self.releases, timeout=within_s)
        if self.teller is not None:
            self.teller.cancel()
            await asyncio.gather(self.teller, return_exceptions=True)
        return self.waiting

    @property
    def is_full(self) -> bool:
        """Say whether so much waits to be told that no more requests should be taken."""
        return len(self.events) >= MOST_WAITING

    @property
    def waiting(self) -> int:
        """Return how many events wait to be told."""
        return len(self.events)

    async def hold(self, turn: Turn, attempt: Attempt, *, micro: int, seconds: float) -> None:
        """Hold the most an attempt can cost. Raises NoMoney or Uncounted.

        `attempt` is what is booked when this process dies before it settles.
        """
        hold = Hold(
            hold_id=str(attempt.id),
            scopes=turn.scopes,
            micro=micro,
            expires_s=seconds + LATE_S,
            on_loss=encode(attempt),
        )
        try:
            granted = await self.ledger.reserve(hold=hold)
        except CountersAway as away:
            self._hold_locally(turn, attempt, micro, away)
            return
        except asyncio.CancelledError:
            self._later(hold.hold_id)
            raise
        self.shares[turn.cascade.feature_id] = granted.spent_share_of_feature
        if not granted.is_granted:
            raise NoMoney(granted.refused_scope)

    def _hold_locally(self, turn: Turn, attempt: Attempt, micro: int, away: CountersAway) -> None:
        """Spend on this process's own word, or raise Uncounted.

        Nobody heard the answer, so it may be held all the same. Only a call that is not made gives
        that back: a hold given back is over, and what its call costs could not be charged.
        """
        why = ""
        if turn.policy.without_counters is WithoutCounters.REFUSE:
            why = str(away)
        elif sum(self.local_micro.values()) + micro > LOCAL_MICRO:
            why = "This process has spent what it may without being counted."
        if why:
            self._later(str(attempt.id))
            raise Uncounted(why) from away
        self.local_micro[attempt.id] = micro

    def give_back(self, attempt: Attempt) -> None:
        """Give back what was held for a call that is not made."""
        self.local_micro.pop(attempt.id, None)
        self._later(str(attempt.id))

    def _later(self, hold_id: str) -> None:
        """Give back what may have been held while its asker left."""
        task = asyncio.ensure_future(self._release(hold_id))
        # The loop alone would not keep it from being collected.
        self.releases.add(task)
        task.add_done_callback(self.releases.discard)
        task.add_done_callback(_heard)

    async def _release(self, hold_id: str) -> None:
        try:
            await self.ledger.release(hold_id=hold_id)
        except CountersAway:
            log.warning("The hold %s was not given back; it expires", hold_id)

    def settle(self, attempt: Attempt) -> None:
        """Let an attempt be charged, soon."""
        if attempt.id in self.local_micro:
            self.local_micro[attempt.id] = attempt.micro
        self._put(attempt)

    def tell(self, trial: Trial) -> None:
        """Let a request be logged, soon."""
        self._put(trial)

    def _put(self, event: Attempt | Trial) -> None:
        self.events.append(event)
        self.is_told.clear()
        self.has_some.set()

    async def _work(self) -> None:
        while True:
            await self.has_some.wait()
            while self.events:
                await self._tell()
            self.has_some.clear()
            self.is_told.set()

    async def _tell(self) -> None:
        """Tell the oldest events; those stay that the counters' server did not hear."""
        batch = list(islice(self.events, 1 if self.one_by_one else MOST_AT_ONCE))
        self.one_by_one = max(0, self.one_by_one - 1)
        refused = await self._booked(batch)
        if refused is None:  # One that cannot be told may not take the others with it.
            self.one_by_one = len(batch)
            return
        for _ in batch:
            self.events.popleft()
        unheard = []
        for event, reason in zip(batch, refused, strict=True):
            if isinstance(reason, CountersAway):
                unheard.append(event)
                continue
            if reason is not None:
                log.error("An event could not be told: %s", event.id, exc_info=reason)
            self.local_micro.pop(event.id, None)
        if unheard:
            self.events.extendleft(reversed(unheard))
            await asyncio.sleep(AGAIN_S)

    async def _booked(self, batch: Sequence[Attempt | Trial]) -> Sequence[Exception | None] | None:
        """Return what could not be booked, by place; None when several were refused together."""
        try:
            return await self.ledger.book([_booking(each) for each in batch])
        except CountersAway as away:
            return [away] * len(batch)
        except Exception as bug:
            return None if len(batch) > 1 else [bug]


def _booking(event: Attempt | Trial) -> Booking:
    if isinstance(event, Trial):
        return Booking(encode(event))
    return Booking(encode(event), str(event.id), event.micro, event.scopes)


def _heard(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("Giving back a hold failed", exc_info=task.exception())


def figures(purse: Purse) -> Mapping[str, float]:
    """Return what waits, for the metrics page."""
    return {
        "events_waiting": purse.waiting,
        "uncounted_micro_usd": sum(purse.local_micro.values()),
    }
