"""The client's side of a request: what it sends, and whether it still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from cascade.domain.request import Answer
from cascade.gateway.refusing import Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]
MOST_BYTES = 10 * 1024 * 1024


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def body(receive: Receive) -> bytes:
    """Return the whole body. Raises Refused for more than MOST_BYTES."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "cut_request", "The request broke off.")
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise Refused(
                413,
                "too_large",
                f"A request has at most {MOST_BYTES // 1024 // 1024} MiB; send less text or fewer "
                "images.",
            )
        parts.append(bytes(part))
        if not message.get("more_body"):
            return b"".join(parts)


async def unless_left(work: Coroutine[Any, Any, Answer], receive: Receive) -> Answer:
    """Return what work makes, or cancel it when the client leaves. Raises ClientLeft."""
    me = asyncio.current_task()
    leaving = asyncio.ensure_future(_left(receive))
    has_left = False

    def gone(done: asyncio.Future[None]) -> None:
        nonlocal has_left
        if me is not None and not done.cancelled():
            has_left = True
            me.cancel()

    leaving.add_done_callback(gone)
    try:
        return await work
    except asyncio.CancelledError:
        if has_left and me is not None and not me.uncancel():
            raise ClientLeft from None
        raise
    finally:
        leaving.remove_done_callback(gone)
        leaving.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
