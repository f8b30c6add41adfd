"""Money is held before a call and settled after it, off the path of the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from cascade.adapters.counters import CountersAway
from cascade.domain.events import Attempt, Trial, encode
from cascade.domain.policy import WithoutCounters
from cascade.domain.scopes import Hold, Reserved
from cascade.gateway.turn import Turn

log = logging.getLogger("slipway.gateway")

QUEUE = 20_000
SETTLERS = 64
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

    async def settle(self, *, hold_id: str, scopes: list[str], micro: int, event: bytes) -> bool:
        """Charge what it cost."""
        ...

    async def append(self, *, event: bytes) -> None:
        """Tell an event."""
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
    queue: asyncio.Queue[Attempt | Trial] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    shares: dict[int, float] = field(default_factory=dict)
    local_micro: dict[UUID, int] = field(default_factory=dict)
    workers: list[asyncio.Task[None]] = field(default_factory=list)
    releases: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self) -> None:
        """Start those who settle."""
        self.workers = [asyncio.create_task(self._work()) for _ in range(SETTLERS)]

    async def drain(self, *, within_s: float) -> int:
        """Settle what waits; return how much could not be."""
        try:
            await asyncio.wait_for(self.queue.join(), within_s)
        except TimeoutError:
            log.error("%d events were not told in time; holds expire by themselves", self.waiting)
        if self.releases:
            await asyncio.wait(self.releases, timeout=within_s)
        for worker in self.workers:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)
        return self.waiting

    @property
    def waiting(self) -> int:
        """Return how many events wait to be told."""
        return self.queue.qsize()

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
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            # Its hold expires and is booked as lost: money is never forgotten, a log line may be.
            log.error("The queue of events is full; %s was dropped", event.id)

    async def _work(self) -> None:
        while True:
            event = await self.queue.get()
            try:
                await self._told(event)
            finally:
                self.queue.task_done()

    async def _told(self, event: Attempt | Trial) -> None:
        """Tell an event, however long the counters' server is away."""
        while True:
            try:
                await self._tell(event)
                return
            except CountersAway:
                await asyncio.sleep(AGAIN_S)
            except Exception:
                log.exception("An event could not be told: %s", event.id)
                return

    async def _tell(self, event: Attempt | Trial) -> None:
        if isinstance(event, Trial):
            await self.ledger.append(event=encode(event))
            return
        await self.ledger.settle(
            hold_id=str(event.id),
            scopes=list(event.scopes),
            micro=event.micro,
            event=encode(event),
        )
        self.local_micro.pop(event.id, None)


def _heard(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("Giving back a hold failed", exc_info=task.exception())


def figures(purse: Purse) -> Mapping[str, float]:
    """Return what waits, for the metrics page."""
    return {
        "events_waiting": purse.waiting,
        "uncounted_micro_usd": sum(purse.local_micro.values()),
    }
