"""One connection to Valkey on which commands follow each other without waiting for replies.

A request of the gateway runs three or four scripts, and redis-py's pipelines cost more than they
(decision 0042). Packing and reading are hiredis's, the URL is read by redis-py.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import hiredis
from redis import exceptions as reasons
from redis.asyncio.connection import SSLConnection, parse_url

Command = tuple[str | bytes | int | float, ...]


class Line:
    """A connection behind a URL, as in `rediss://:secret@host:6379/2`; opened when it is needed.

    Who waits longer than `timeout_s` gets TimeoutError, and the connection is given up. Over TLS
    the server's certificate is always checked; the URL's `ssl_ca_certs` names whose word counts.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._known: dict[str, Any] = dict(parse_url(url))
        self._timeout_s = timeout_s
        self._wire: _Wire | None = None
        self._opening = asyncio.Lock()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies, a ResponseError where the server refuses; sent again once if cut.

        Raises redis.exceptions.ConnectionError, TimeoutError, or OSError without a server.
        """
        is_new = self._wire is None or self._wire.is_gone
        wire = await self._open()
        try:
            return await wire.ask(commands)
        except reasons.ConnectionError:
            # A connection that rested may be gone without a word, and the next one is not.
            if is_new:
                raise
        return await (await self._open()).ask(commands)

    def close(self) -> None:
        """End the connection."""
        if self._wire is not None:
            self._wire.transport.close()

    async def _open(self) -> _Wire:
        async with self._opening:
            if self._wire is None or self._wire.is_gone:
                try:
                    async with asyncio.timeout(self._timeout_s):
                        self._wire = await self._connected()
                except TimeoutError as late:
                    raise reasons.TimeoutError("No connection was made in time.") from late
            return self._wire

    async def _connected(self) -> _Wire:
        loop, known = asyncio.get_running_loop(), self._known

        def wire() -> _Wire:
            return _Wire(self._timeout_s)

        if path := known.get("path"):
            _, made = await loop.create_unix_connection(wire, path)
        else:
            _, made = await loop.create_connection(
                wire, known.get("host", "localhost"), known.get("port", 6379), ssl=_tls(known)
            )
        try:
            await self._greet(made)
        except BaseException:
            made.transport.abort()
            raise
        return made

    async def _greet(self, wire: _Wire) -> None:
        known, words = self._known, []
        if secret := known.get("password"):
            name = known.get("username")
            words.append(("AUTH", name, secret) if name else ("AUTH", secret))
        if known.get("db"):
            words.append(("SELECT", int(known["db"])))
        for reply in await wire.ask(words) if words else ():
            if isinstance(reply, reasons.ResponseError):
                raise reasons.AuthenticationError(str(reply))


def _tls(known: dict[str, Any]) -> ssl.SSLContext | None:
    if known.get("connection_class") is not SSLConnection:
        return None
    return ssl.create_default_context(cafile=known.get("ssl_ca_certs"))


class _Wire(asyncio.Protocol):
    """An open connection. Replies come in the order of the commands."""

    transport: asyncio.Transport

    def __init__(self, timeout_s: float) -> None:
        self.is_gone = False
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader(
            protocolError=reasons.ConnectionError, replyError=reasons.ResponseError
        )
        self._waiting: deque[_Asked] = deque()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply to each command. Raises ConnectionError or TimeoutError."""
        if self.is_gone:
            raise reasons.ConnectionError("The connection was lost.")
        loop = asyncio.get_running_loop()
        asked = _Asked(loop.create_future(), len(commands))
        self._waiting.append(asked)
        # Its stub knows commands of one word only.
        packed = [hiredis.pack_command(each) for each in commands]  # type: ignore[arg-type]
        self.transport.write(b"".join(packed))
        late = loop.call_later(
            self._timeout_s, self._end, reasons.TimeoutError("No reply came in time.")
        )
        try:
            return await asked.replies
        finally:
            late.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are whole."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                if self._waiting[0].takes(reply):
                    self._waiting.popleft()
        except (reasons.ConnectionError, IndexError) as broken:
            self._end(reasons.ConnectionError(f"The server does not speak as it should: {broken}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        self._end(
            reasons.ConnectionError(f"The connection was lost: {exc or 'the server closed it'}")
        )

    def _end(self, reason: Exception) -> None:
        self.is_gone = True
        waiting, self._waiting = self._waiting, deque()
        for asked in waiting:
            if not asked.replies.done():
                asked.replies.set_exception(reason)
        self.transport.abort()


class _Asked:
    """Replies that are waited for."""

    __slots__ = ("_found", "_left", "replies")

    def __init__(self, replies: asyncio.Future[list[Any]], left: int) -> None:
        self.replies, self._left = replies, left
        self._found: list[Any] = []

    def takes(self, reply: Any) -> bool:
        """Keep a reply; say whether it is the last one."""
        self._found.append(reply)
        if len(self._found) < self._left:
            return False
        if not self.replies.done():
            self.replies.set_result(self._found)
        return True
