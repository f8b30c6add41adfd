"""A Bedrock on loopback that costs next to nothing: prepared answers after a fixed time."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import cycle

from cascade.domain.invoker import End, Piece
from cascade.domain.request import Stop, Tokens
from cascade.domain.wire import converse, eventstream

ANSWER_S = 0.030
BETWEEN_S = 0.004
TEXT = (
    "Your order left our warehouse this morning and arrives tomorrow before noon. "
    "You can follow the order under Orders in your account, and change its address there."
)
# Nothing that a gateway remembers of one answer may help it with the next.
TEXTS = tuple(TEXT.replace("order left", f"order {4_000 + at} left") for at in range(500))
TOKENS = Tokens(input=40, output=34)


def _plain(text: str) -> bytes:
    body = json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 40, "outputTokens": 34, "totalTokens": 74},
            "metrics": {"latencyMs": 30},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


PLAIN = cycle(_plain(text) for text in TEXTS)
HEAD = (
    f"HTTP/1.1 200 OK\r\ncontent-type: {eventstream.CONTENT_TYPE}\r\n"
    "transfer-encoding: chunked\r\n\r\n"
).encode()


def _frames() -> list[bytes]:
    writer = converse.Writer()
    words = TEXT.split(" ")
    pieces = [words[0], *(f" {word}" for word in words[1:])]
    return [
        writer.begin(),
        *(writer.piece(Piece(text=piece)) for piece in pieces),
        writer.end(End(Stop.END, TOKENS), latency_ms=30),
    ]


class Model(asyncio.Protocol):
    """Answers one request after the other on a connection."""

    def __init__(self) -> None:
        self.waiting = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep who is answered."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.waiting) < end + 4 + length:
                return
            self.waiting = self.waiting[end + 4 + length :]
            if b"converse-stream" in head.split(b"\r\n", 1)[0]:
                task = asyncio.ensure_future(self._stream())
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            else:
                asyncio.get_running_loop().call_later(ANSWER_S, self.transport.write, next(PLAIN))

    async def _stream(self) -> None:
        await asyncio.sleep(ANSWER_S)
        self.transport.write(HEAD)
        for frame in FRAMES:
            self.transport.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            await asyncio.sleep(BETWEEN_S)
        self.transport.write(b"0\r\n\r\n")


FRAMES = _frames()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
