"""Requests to a gateway, or to the models behind it: at a steady rate, many, or streamed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp

SECRET = "slwk_0123abcd_" + "b" * 32
QUESTION = "Where is my order, and when does the order arrive?"
WARM_UP = 500
_NUMBERS = count(10_000)


@dataclass(frozen=True, slots=True)
class Place:
    """The running gateway and its upstream."""

    gateway: str
    upstream: str
    pid: int
    secret: str = SECRET


@dataclass(frozen=True, slots=True)
class Load:
    """What a load measured: milliseconds sorted, the gateway's own part sorted, failures."""

    took_ms: Sequence[float]
    own_ms: Sequence[float]
    errors: int
    rate: float

    def at(self, share: float) -> float:
        """Return a percentile of the time a request took."""
        return at_share(self.took_ms, share)


def at_share(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
    )


def _asked(place: Place, *, is_direct: bool, streams: bool = False) -> tuple[str, dict[str, Any]]:
    # No two requests ask the same.
    question = QUESTION.replace("my order", f"my order {next(_NUMBERS)}")
    if is_direct:
        verb = "converse-stream" if streams else "converse"
        body = {"messages": [{"role": "user", "content": [{"text": question}]}]}
        return f"{place.upstream}/model/m.small/{verb}", {"json": body}
    body = {"model": "chat", "messages": [{"role": "user", "content": question}], "stream": streams}
    headers = {"authorization": f"Bearer {place.secret}"}
    return f"{place.gateway}/v1/chat/completions", {"json": body, "headers": headers}


async def steady(place: Place, *, rate: int, seconds: int, is_direct: bool = False) -> Load:
    """Send requests at a steady rate, whatever becomes of those before."""
    took: list[float] = []
    own: list[float] = []
    errors = 0

    async def one(session: aiohttp.ClientSession) -> None:
        nonlocal errors
        url, sent = _asked(place, is_direct=is_direct)
        began = time.perf_counter()
        try:
            async with session.post(url, **sent) as reply:
                await reply.read()
                errors += reply.status != 200
                own.append(float(reply.headers.get("x-cascade-overhead-ms", "nan")))
        except (aiohttp.ClientError, TimeoutError):
            errors += 1
        took.append(1000 * (time.perf_counter() - began))

    async with _session() as session:
        tasks = []
        began = time.perf_counter()
        for number in range(rate * seconds):
            wait = began + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(session)))
        await asyncio.gather(*tasks)
        lasted = time.perf_counter() - began
    kept = took[WARM_UP:] if len(took) > 4 * WARM_UP else took
    return Load(
        sorted(kept), sorted(each for each in own if each == each), errors, len(took) / lasted
    )


async def many(place: Place, requests: int, at_once: int = 32) -> None:
    """Send many requests, some at a time."""
    left = iter(range(requests))

    async def some(session: aiohttp.ClientSession) -> None:
        for _ in left:
            url, sent = _asked(place, is_direct=False)
            async with session.post(url, **sent) as reply:
                await reply.read()

    async with _session() as session:
        await asyncio.gather(*(some(session) for _ in range(at_once)))


async def first_words(
    place: Place, *, word: bytes = b"Your", is_direct: bool = False, times: int = 100
) -> list[float]:
    """Return the milliseconds until a word of streams came, the first one unless told otherwise."""
    found = []
    async with _session() as session:
        for _ in range(times):
            url, sent = _asked(place, is_direct=is_direct, streams=True)
            began = time.perf_counter()
            async with session.post(url, **sent) as reply:
                heard = b""
                async for part in reply.content.iter_any():
                    heard += part
                    if word in heard:
                        found.append(1000 * (time.perf_counter() - began))
                        break
                async for _part in reply.content.iter_any():
                    pass
    return found
