"""Either set of counters, driven alike, and what the tests of both ask for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from redis import Redis

from cascade.adapters.counters import Counters
from cascade.adapters.counters_memory import MemoryCounters
from cascade.domain.events import Attempt, encode
from cascade.domain.prices import PICO_A_MICRO
from cascade.domain.request import Tokens
from cascade.domain.scopes import Hold, Standing, limits_of, names_of

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
NAMES = names_of(key="ab12cd34", feature=7, team=3)
KEY, FEATURE, TEAM, ORGANISATION = NAMES
CENT = 10_000


class Driver(Protocol):
    """Either set of counters, and a look at its stream."""

    counters: Any

    def entries(self) -> list[tuple[str, dict[str, Any]]]: ...
    def book_elsewhere(self, name: str, micro: int) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.counters = MemoryCounters()

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        return [(field, json.loads(event)) for field, event in self.counters.entries]

    def book_elsewhere(self, name: str, micro: int) -> None:
        self.counters.other["2026-11"][name] = micro


class InValkey:
    def __init__(self, url: str) -> None:
        self.url = url
        self.counters = Counters(url)

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        with Redis.from_url(self.url) as server:
            rows = server.xrange("cascade:events")
        return [(f.decode(), json.loads(e)) for _, body in rows for f, e in body.items()]

    def book_elsewhere(self, name: str, micro: int) -> None:
        with Redis.from_url(self.url) as server:
            server.hset("cascade:other:2026-11", name, micro)


def play(driver: Driver, story: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run a story with counters that count from nothing."""

    async def whole() -> Any:
        await driver.counters.begin()
        try:
            return await story(driver.counters)
        finally:
            await driver.counters.close()

    return asyncio.run(whole())


def event(hold_id: str, micro: int, *, at: datetime = NOVEMBER, outcome: str = "answered") -> bytes:
    return encode(
        Attempt(
            id=UUID(hold_id),
            trial=UUID(int=1),
            at_us=int(at.timestamp() * 1_000_000),
            cascade=1,
            feature=7,
            team=3,
            key="ab12cd34",
            policy=1,
            number=1,
            role="stage",
            stage="small",
            model="nova",
            outcome=outcome,
            tokens=Tokens(input=100, output=10),
            pico=micro * PICO_A_MICRO,
            price_version="1",
        )
    )


def hold(
    micro: int = CENT,
    *,
    limits: dict[str, int | None] | None = None,
    at: datetime = NOVEMBER,
    lost: int = CENT // 10,
    expires_s: float = 60,
    hold_id: str = "",
) -> Hold:
    hold_id = hold_id or str(uuid4())
    return Hold(
        hold_id=hold_id,
        scopes=limits_of(key="ab12cd34", feature=7, team=3, limits=limits or {}),
        micro=micro,
        expires_s=expires_s,
        on_loss=event(hold_id, lost, at=at, outcome="lost"),
    )


async def settle(counters: Any, held: Hold, micro: int, *, at: datetime = NOVEMBER) -> bool:
    return await counters.settle(
        hold_id=held.hold_id, scopes=NAMES, micro=micro, event=event(held.hold_id, micro, at=at)
    )


async def november(counters: Any) -> dict[str, Standing]:
    return await counters.standing(month="2026-11", names=NAMES)
