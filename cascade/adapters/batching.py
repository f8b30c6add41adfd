"""Scripts asked for in one turn of the event loop travel together: one write, one read.

A round trip of its own for each costs more in system calls than in everything else together. What
nobody waits for goes with the next message, or alone after a moment.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from hashlib import sha1
from itertools import islice
from typing import Any

from redis.exceptions import ResponseError

from cascade.adapters import scripts
from cascade.adapters.line import Line

# How the server's refusals begin, its own and those of a command inside a script.
_PASSING = re.compile(
    r"(?:OOM|READONLY|MISCONF|LOADING|BUSY|MASTERDOWN|NOREPLICAS|NOAUTH|NOPERM|TRYAGAIN)\b"
)
Script = tuple[str, Sequence[Any]]
_Asked = tuple[Sequence[Script], asyncio.Future[list[Any]]]

# More than these in one message would make the first of them wait for the last.
MOST_AT_ONCE = 128
# So long what can wait waits for company.
CAN_WAIT_S = 0.005


class Batches:
    """Runs scripts by name. A caller that is cancelled leaves its script to run all the same."""

    def __init__(self, line: Line, *, names: Sequence[str]) -> None:
        self._line = line
        self._texts = {name: scripts.text(name) for name in names}
        # Not for secrecy: the server names a script by this digest.
        self._digests = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self._texts.items()
        }
        self._waiting: list[_Asked] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sent: set[asyncio.Task[None]] = set()
        self._leaves: asyncio.Handle | None = None
        self._is_urgent = False

    async def run(self, name: str, words: Sequence[Any]) -> Any:
        """Return what a script answers. Raises RedisError, or OSError without a server."""
        (reply,) = await self.begin([(name, words)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def begin(
        self, scripts: Sequence[Script], *, can_wait: bool = False
    ) -> asyncio.Future[list[Any]]:
        """Return what brings the answers of scripts, a ResponseError where one is refused.

        It raises as `run` does when there are no answers.
        """
        loop = self._loop
        if loop is None or not loop.is_running():  # Asking which one runs is a system call.
            loop = self._loop = asyncio.get_running_loop()
        replies: asyncio.Future[list[Any]] = loop.create_future()
        self._waiting.append((scripts, replies))
        if can_wait and self._leaves is None:
            self._leaves = loop.call_later(CAN_WAIT_S, self._flush)
        elif not can_wait and not self._is_urgent:
            if self._leaves is not None:
                self._leaves.cancel()
            self._is_urgent, self._leaves = True, loop.call_soon(self._flush)
        return replies

    def _flush(self) -> None:
        self._is_urgent, self._leaves = False, None
        waiting, self._waiting = self._waiting, []
        for place in range(0, len(waiting), MOST_AT_ONCE):
            task = asyncio.create_task(self._send(waiting[place : place + MOST_AT_ONCE]))
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)

    async def _send(self, batch: list[_Asked]) -> None:
        try:
            found = iter(await self._asked([each for scripts, _ in batch for each in scripts]))
        except Exception as reason:  # Whatever it is, nobody may wait for ever.
            for _, future in batch:
                if not future.done():
                    future.set_exception(reason)
                    future.exception()  # Who asked may have gone; then there is nothing to log.
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        for asked, future in batch:
            replies = list(islice(found, len(asked)))
            if not future.done():
                future.set_result(replies)

    async def _asked(self, batch: Sequence[Script]) -> list[Any]:
        """Return the replies; a server that lost its scripts is given them, and asked again."""
        replies = await self._together(batch)
        if any(is_passing(reply) for reply in replies):
            # Another server may have taken over: the next question opens a new connection.
            self._line.close()
        unknown = [place for place, reply in enumerate(replies) if _lacks_script(reply)]
        if unknown:
            await self._line.ask([("SCRIPT", "LOAD", text) for text in self._texts.values()])
            again = await self._together([batch[place] for place in unknown])
            for place, reply in zip(unknown, again, strict=True):
                replies[place] = reply
        return replies

    async def _together(self, batch: Sequence[Script]) -> list[Any]:
        return await self._line.ask(
            [("EVALSHA", self._digests[name], 0, *words) for name, words in batch]
        )


def is_passing(reply: object) -> bool:
    """Say whether a server refused for a reason that passes: full, loading, taken over."""
    return isinstance(reply, ResponseError) and bool(_PASSING.match(str(reply)))


def _lacks_script(reply: Any) -> bool:
    return isinstance(reply, ResponseError) and str(reply).startswith("NOSCRIPT")
