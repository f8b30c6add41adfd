"""Head and body of an answer leave in one write, and nothing stays behind."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from cascade.gateway.corked import Corked


class Wire:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.written.append(b"closed")

    def is_closing(self) -> bool:
        return self.written[-1:] == [b"closed"]


async def corked() -> tuple[Wire, Any]:
    wire = Wire()
    return wire, Corked(cast(asyncio.Transport, wire), asyncio.get_running_loop())


def test_what_is_written_in_one_turn_leaves_as_one() -> None:
    async def story() -> None:
        wire, transport = await corked()
        transport.write(b"head")
        transport.write(b"body")
        assert wire.written == []
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert wire.written == [b"headbody", b"next"]

    asyncio.run(story())


def test_a_connection_closes_after_its_last_word_and_is_asked_as_itself() -> None:
    async def story() -> None:
        wire, transport = await corked()
        transport.write(b"last")
        assert not transport.is_closing()
        transport.close()
        await asyncio.sleep(0)
        assert wire.written == [b"last", b"closed"]
        assert transport.is_closing()

    asyncio.run(story())
