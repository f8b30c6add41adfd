"""One process of many clients that spend: with counters, or as one does without them.

`python -m benchmarks.budget_clients URL PLACE CLIENTS ATTEMPTS exact|naive [trouble]`
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import suppress
from uuid import UUID

from redis.asyncio import BlockingConnectionPool, Redis

from cascade.adapters.counters import Counters
from cascade.domain.events import Attempt, encode
from cascade.domain.prices import PICO_A_MICRO
from cascade.domain.request import Tokens
from cascade.domain.scopes import Hold, limits_of, names_of

CENT = 10_000
# Of two thousand requests' worth, at a cent at most each, what every scope may spend. Each binds
# somewhere: the first key before its feature, the first team before its features' sum, and so on.
LIMITS = {
    "key:0": 300 * CENT,
    "feature:1": 700 * CENT,
    "team:2": 1_000 * CENT,
    "organisation": 1_200 * CENT,
}
EXPIRES_S = 3.0
CALL_S = 0.02
NAIVE = "bench:naive:"


def scopes_of(place: int) -> dict[str, int | str]:
    """Return who pays in a process: four keys, two features, two teams, one organisation."""
    return {"key": str(place), "feature": 1 + place // 2, "team": 1 + place % 2}


def event(hold_id: str, place: int, micro: int, outcome: str) -> bytes:
    """Return what is told of an attempt that cost `micro`."""
    return encode(
        Attempt(
            id=UUID(hold_id),
            trial=UUID(int=place),
            at_us=time.time_ns() // 1_000,
            cascade=1,
            policy=1,
            number=1,
            role="stage",
            stage="small",
            model="us.amazon.nova-lite-v1:0",
            outcome=outcome,
            tokens=Tokens(1_000, 100),
            pico=micro * PICO_A_MICRO,
            price_version="1",
            **scopes_of(place),  # type: ignore[arg-type]
        )
    )


async def exact(url: str, place: int, clients: int, attempts: int, *, in_trouble: bool) -> int:
    """Spend with the counters; return how many attempts were granted."""
    counters = Counters(url, timeout_s=30)
    who = scopes_of(place)
    dice = random.Random(place)
    together = asyncio.Barrier(clients)
    limits = limits_of(**who, limits=dict(LIMITS))  # type: ignore[arg-type]
    names = names_of(**who)  # type: ignore[arg-type]

    async def attempt() -> int:
        hold_id = str(UUID(int=dice.getrandbits(128), version=4))
        hold = Hold(hold_id, limits, CENT, EXPIRES_S, event(hold_id, place, CENT // 10, "lost"))
        fate = dice.random() if in_trouble else 1.0
        try:
            if not (await counters.reserve(hold=hold)).is_granted:
                return 0
            await asyncio.sleep(CALL_S * (1 + dice.random()))
            if fate < 0.1:
                return 1  # timed out: nobody settles
            if fate < 0.2:
                raise asyncio.CancelledError
        except asyncio.CancelledError:
            await counters.release(hold_id=hold_id)
            return 1
        micro = dice.randint(CENT // 2, CENT)
        told = event(hold_id, place, micro, "answered")
        await counters.settle(hold_id=hold_id, scopes=names, micro=micro, event=told)
        return 1

    async def client() -> int:
        await together.wait()
        return sum([await attempt() for _ in range(attempts)])

    return sum(await asyncio.gather(*(client() for _ in range(clients))))


async def naive(url: str, place: int, clients: int, attempts: int) -> int:
    """Read what is spent, call, add what it cost: what a check without a hold comes to."""
    server = Redis.from_pool(BlockingConnectionPool.from_url(url, max_connections=32, timeout=60))
    dice = random.Random(place)
    together = asyncio.Barrier(clients)
    names = names_of(**scopes_of(place))  # type: ignore[arg-type]

    async def attempt() -> int:
        spent = await server.mget([NAIVE + name for name in names])
        for name, micro in zip(names, spent, strict=True):
            if name in LIMITS and int(micro or 0) + CENT > LIMITS[name]:
                return 0
        await asyncio.sleep(CALL_S * (1 + dice.random()))
        micro = dice.randint(CENT // 2, CENT)
        for name in names:
            await server.incrby(NAIVE + name, micro)
        return 1

    async def client() -> int:
        await together.wait()
        return sum([await attempt() for _ in range(attempts)])

    return sum(await asyncio.gather(*(client() for _ in range(clients))))


async def main() -> None:
    """Spend as asked, and print how many attempts were granted."""
    url, place, clients, attempts, how, *trouble = sys.argv[1:]
    numbers = (int(place), int(clients), int(attempts))
    if how == "naive":
        granted = await naive(url, *numbers)
    else:
        granted = await exact(url, *numbers, in_trouble=bool(trouble))
    print(granted)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
