"""Scripts asked for in one turn of the event loop travel together: one write, one read.

A round trip of its own for each costs more in system calls than in everything else together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from cascade.adapters import scripts

# More than these in one message would make the first of them wait for the last.
MOST_AT_ONCE = 128


class Batches:
    """Runs scripts by name. A caller that is cancelled leaves its script to run all the same."""

    def __init__(self, server: Redis, *, names: Sequence[str]) -> None:
        self._server = server
        self._texts = {name: scripts.text(name) for name in names}
        # Not for secrecy: the server names a script by this digest.
        self._digests = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self._texts.items()
        }
        self._waiting: list[tuple[str, Sequence[Any], asyncio.Future[Any]]] = []
        self._sent: set[asyncio.Task[None]] = set()

    async def run(self, name: str, words: Sequence[Any]) -> Any:
        """Return what a script answers. Raises RedisError, or OSError without a server."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((name, words, reply))
        return await reply

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place in range(0, len(waiting), MOST_AT_ONCE):
            task = asyncio.create_task(self._send(waiting[place : place + MOST_AT_ONCE]))
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)

    async def _send(self, batch: list[tuple[str, Sequence[Any], asyncio.Future[Any]]]) -> None:
        try:
            replies = await self._asked([(name, words) for name, words, _ in batch])
        except (RedisError, OSError) as reason:
            replies = [reason] * len(batch)
        except asyncio.CancelledError:
            for *_, future in batch:
                future.cancel()
            raise
        for (*_, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def _asked(self, batch: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the replies; a server that lost its scripts is given them, and asked again."""
        replies = await self._together(batch)
        unknown = [n for n, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            for text in self._texts.values():
                await self._server.script_load(text)
            again = await self._together([batch[place] for place in unknown])
            for place, reply in zip(unknown, again, strict=True):
                replies[place] = reply
        return replies

    async def _together(self, batch: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        async with self._server.pipeline(transaction=False) as pipeline:
            for name, words in batch:
                pipeline.evalsha(self._digests[name], 0, *words)
            return list(await pipeline.execute(raise_on_error=False))
