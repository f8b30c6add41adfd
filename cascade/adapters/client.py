"""A small client of the gateway, as any program would be one: plain and streamed requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aiohttp

from cascade.adapters.queries import Query

TELLS = ": x-cascade "


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: the status, who answered, and the seconds it took."""

    query: Query
    status: int
    stage: str
    decision_id: str
    cost_usd: str
    seconds: float
    is_streamed: bool
    words: str = ""


async def ask_all(
    asked: Iterable[Query], *, url: str, key: str, model: str, at_once: int, streamed_every: int
) -> list[Heard]:
    """Ask every query, `at_once` at a time, each `streamed_every`-th as a stream."""
    gate = asyncio.Semaphore(at_once)
    timeout = aiohttp.ClientTimeout(total=120)
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def one(place: int, query: Query) -> Heard:
            async with gate:
                streams = bool(streamed_every) and place % streamed_every == 0
                return await _ask(session, query, url=url, model=model, is_streamed=streams)

        return await asyncio.gather(*(one(at, each) for at, each in enumerate(asked)))


async def _ask(
    session: aiohttp.ClientSession, query: Query, *, url: str, model: str, is_streamed: bool
) -> Heard:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": query.text}],
        "stream": is_streamed,
        "max_tokens": 400,
    }
    began = time.monotonic()
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as reply:
            text = await reply.text()
            told = _told(text) if is_streamed and reply.status == 200 else reply.headers
            took = time.monotonic() - began
            words = "" if reply.status == 200 else text[:300]
            return _heard(query, reply.status, told, took, is_streamed, words)
    except (aiohttp.ClientError, TimeoutError) as reason:
        return _heard(query, 0, {}, time.monotonic() - began, is_streamed, str(reason))


def _told(text: str) -> Mapping[str, str]:
    for line in text.splitlines():
        if line.startswith(TELLS):
            return dict(json.loads(line.removeprefix(TELLS)))
    return {}


def _heard(
    query: Query,
    status: int,
    told: Mapping[str, str],
    seconds: float,
    is_streamed: bool,
    words: str,
) -> Heard:
    return Heard(
        query=query,
        status=status,
        stage=told.get("x-cascade-tier", ""),
        decision_id=told.get("x-cascade-decision-id", ""),
        cost_usd=told.get("x-cascade-cost-usd", "0"),
        seconds=seconds,
        is_streamed=is_streamed,
        words=words,
    )
