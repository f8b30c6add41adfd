"""Spending counters of the gateway in Valkey: reserve, settle, sweep, admit, one script each.

All entries of the event stream are written by the script that moves the money, so counters and
events cannot disagree. The server's clock rules unless a moment is given (as tests do): gateways
whose clocks differ share one. Redis's cluster mode is not for this: the keys lie on one server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from cascade.adapters import scripts
from cascade.adapters.batching import Batches, is_passing
from cascade.adapters.line import Line
from cascade.domain.scopes import Booking, Hold, Reserved, ScopeLimit, Standing

__all__ = ["Counters", "CountersAway", "Hold", "Reserved", "ScopeLimit", "Standing"]

NAMES = ("reserve", "settle", "sweep", "admit", "append")


class CountersAway(Exception):
    """Nobody can say what may be spent: the server is away, or lost its counters."""


class Counters:
    """The counters behind a URL, as in `redis://host:6379/2` or `unix:///path/valkey.sock?db=2`.

    Every method raises CountersAway when the server does not answer in time, and may be repeated
    after that: holds have ids, and events have ids that the drain knows again.
    """

    def __init__(self, url: str, *, connections: int = 4, timeout_s: float = 1.0) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 1),
        )
        self.server: Redis = Redis.from_pool(pool)
        self._line = Line(url, timeout_s=timeout_s)
        self._batches = Batches(self._line, names=NAMES)

    async def reserve(self, *, hold: Hold, now_s: float | None = None) -> Reserved:
        """Hold an attempt's worst case for all its scopes, or for none and say whose limit it is.

        Asked twice for one id, it holds once. A hold that was settled or given back is refused,
        with no scope named. Who is cancelled while asking may hold all the same: `release` it.
        """
        granted, refused, share = await self._run("reserve", scripts.for_reserve(hold, now_s=now_s))
        return Reserved(bool(granted), refused.decode(), float(share))

    async def settle(
        self, *, hold_id: str, scopes: Sequence[str], micro: int, event: bytes
    ) -> bool:
        """Replace what is held by what it cost and tell the stream, in one step; once for each id.

        `micro` is what the event says. False when nothing moved: it was settled before, or it
        expired and was booked as lost; then its true figures are told as a late entry, which the
        drain makes an alert of. Without its hold (lost with the server) it is booked on `scopes`.
        """
        words = [hold_id, micro, event, *scopes]
        return await self._run("settle", words) == 1

    async def book(self, bookings: Sequence[Booking]) -> list[Exception | None]:
        """Settle holds and tell events, many at once; return by place what could not be booked.

        Nobody waits for it, so it travels with the next question that somebody waits for.
        """
        scripts_ = [
            ("settle", [each.hold_id, each.micro, each.event, *each.scopes])
            if each.hold_id
            else ("append", [each.event])
            for each in bookings
        ]
        replies = await self._answer(self._batches.begin(scripts_, can_wait=True))
        return [_refusal(each) if isinstance(each, ResponseError) else None for each in replies]

    async def release(self, *, hold_id: str) -> bool:
        """Give a hold back unused, for a call that was never made; a reserve that follows fails."""
        return await self._run("settle", [hold_id, 0, b""]) == 1

    async def append(self, *, event: bytes) -> None:
        """Tell the stream an event that moves no money."""
        await self._run("append", [event])

    async def sweep(self, *, now_s: float | None = None) -> int:
        """Book the holds that expired as lost, each with its event; return how many."""
        swept, found = 0, scripts.A_SWEEP
        while found == scripts.A_SWEEP:
            found = await self._run("sweep", [scripts.milliseconds(now_s), scripts.A_SWEEP])
            swept += found
        return swept

    def admit(
        self,
        *,
        key: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        tokens: int,
        now_s: float | None = None,
    ) -> Awaitable[float | None]:
        """Ask at once; wait for the seconds after which to retry, None when it was counted.

        A free minute's allowance may come at once; a request of more tokens than a minute allows
        passes when the minute is free and is paid off after. Limits are whole numbers from 1 on.
        """
        limits = ["" if each is None else each for each in (requests_per_minute, tokens_per_minute)]
        words = [key, scripts.milliseconds(now_s), *limits, tokens]
        return _Wait(self, self._batches.begin([("admit", words)]))

    async def heard(self, asked: asyncio.Future[list[Any]]) -> Any:
        """Return the answer of the one script that was asked for."""
        (reply,) = await self._answer(asked)
        if isinstance(reply, ResponseError):
            raise _refusal(reply)
        return reply

    async def standing(self, *, month: str, names: Collection[str]) -> Mapping[str, Standing]:
        """Return what scopes have spent, held and otherwise booked in a month, as in `2026-11`."""
        listed = list(names)
        keys = (scripts.spent_key(month), scripts.held_key(month), scripts.other_key(month))
        columns = [await self._answer(self.server.hmget(key, listed)) for key in keys]
        rows = zip(*columns, strict=True)
        return {
            name: Standing(*(int(each or 0) for each in row))
            for name, row in zip(listed, rows, strict=True)
        }

    async def begin(self) -> None:
        """Say that counting starts at nothing: for a server that never counted before.

        Where rows exist, `usecases.counters.rebuild` says it instead.
        """
        await self._answer(self.server.set(scripts.BUILT, "1", nx=True))

    async def close(self) -> None:
        """Close all connections."""
        self._line.close()
        await self.server.aclose(close_connection_pool=True)

    async def _run(self, name: str, words: Sequence[Any]) -> Any:
        return await self._answer(self._batches.run(name, words))

    async def _answer(self, asked: Any) -> Any:
        try:
            return await cast(Awaitable[Any], asked)
        except ResponseError as refusal:
            raise _refusal(refusal) from refusal
        except (RedisError, OSError) as reason:
            raise CountersAway(f"The counters' server does not answer: {reason}") from reason


@dataclass(frozen=True, slots=True)
class _Wait:
    """An answer of `admit` on its way; nobody needs to look at it."""

    counters: Counters
    asked: asyncio.Future[list[Any]]

    def __await__(self) -> Generator[Any, None, float | None]:
        wait_ms = yield from self.counters.heard(self.asked).__await__()
        return wait_ms / 1000 if wait_ms else None


def _refusal(reply: ResponseError) -> Exception:
    words = str(reply)
    if is_passing(reply):
        return CountersAway(f"The counters' server cannot answer now: {words[:200]}")
    if "NOTBUILT" in words:
        return CountersAway("The counters were lost and are not rebuilt yet.")
    if "DISAGREE" in words:
        return ValueError("The charge is not what its event says.")
    if "EVENT" in words:
        return ValueError("The event lacks at or micro.")
    return reply
