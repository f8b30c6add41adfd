"""uvicorn's HTTP/1.1, with the head and the body of an answer in one write.

uvicorn writes them one after the other, and each write is a system call and a packet of its own.
What is written in one turn of the event loop leaves together here, at the turn's end.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """A client's connection."""

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        """Begin."""
        super().connection_made(cast(asyncio.Transport, Corked(transport, self.loop)))


class Corked:
    """A transport that keeps what is written until the loop's next turn; the rest is as it was."""

    __slots__ = ("_loop", "_transport", "_waiting")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Let bytes leave soon."""
        if not self._waiting:
            self._loop.call_soon(self._leave)
        self._waiting.append(data)

    def close(self) -> None:
        """Close when everything has left."""
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))

    def __getattr__(self, name: str) -> Any:
        """Be the transport in everything else."""
        return getattr(self._transport, name)
