"""The two wires that clients speak: OpenAI's chat completions and Bedrock's Converse."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from cascade.domain.invoker import End, Piece
from cascade.domain.packing import packed
from cascade.domain.prices import plain_usd
from cascade.domain.request import Answer, Chat
from cascade.domain.wire import converse, eventstream, openai
from cascade.domain.wire.fields import parse
from cascade.gateway.refusing import Refused
from cascade.gateway.turn import Turn

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks, whatever its wire."""

    chat: Chat
    model: str
    is_streamed: bool
    wants_usage: bool = False


class Stream(Protocol):
    """A streamed response; as streaming.Out, and it can break off."""

    has_begun: bool

    async def piece(self, piece: Piece) -> None:
        """Send a piece."""
        ...

    async def end(self, end: End) -> None:
        """Send the clean end."""
        ...

    async def comment(self, words: str) -> None:
        """Send a sign of life."""
        ...

    async def replace(self, words: str) -> None:
        """Take back what was sent."""
        ...

    async def error(self, refused: Refused) -> None:
        """Break off, so that nobody takes it for an end."""
        ...


class Face(Protocol):
    """One wire; some can take back what was shown."""

    can_replace: ClassVar[bool]

    def read(self, body: bytes) -> Asked:
        """Return what is asked. Raises wire.fields.Fault."""
        ...

    def answer(self, turn: Turn, answer: Answer) -> bytes:
        """Return a whole answer's body."""
        ...

    def refusal(self, refused: Refused) -> tuple[Headers, bytes]:
        """Return a refusal's headers and body."""
        ...

    def stream(self, turn: Turn, asked: Asked, send: Send) -> Stream:
        """Return the stream to a client."""
        ...


def told(turn: Turn, now_s: float) -> Headers:
    """Return the headers that say how a request was answered, as far as it is known by now."""
    cost = turn.pico
    _, baseline = turn.baseline()
    stage = "" if turn.stage is None else turn.policy.stages[turn.stage].name
    values = {
        "x-cascade-decision-id": str(turn.uuid),
        "x-cascade-tier": stage,
        "x-cascade-attempts": str(turn.attempts),
        "x-cascade-cost-usd": plain_usd(cost) if turn.stage is not None else "",
        "x-cascade-saved-usd": plain_usd(baseline - cost) if baseline else "",
        "x-cascade-overhead-ms": f"{turn.overhead_ms(now_s):.2f}",
    }
    if turn.status == "short":
        values["x-cascade-short"] = "true"
    return [(name.encode(), value.encode()) for name, value in values.items() if value]


def waits(refused: Refused) -> Headers:
    """Return Retry-After, when there is something to wait for."""
    if refused.retry_after_s is None:
        return []
    return [(b"retry-after", str(max(1, round(refused.retry_after_s))).encode())]


class _Response:
    """A response that begins with its first piece."""

    content_type = b"text/event-stream"

    def __init__(self, turn: Turn, send: Send) -> None:
        self.turn, self.send, self.has_begun = turn, send, False

    async def _write(self, data: bytes, *, is_last: bool = False) -> None:
        if not self.has_begun:
            self.has_begun = True
            headers = [(b"content-type", self.content_type), (b"cache-control", b"no-store")]
            headers += told(self.turn, time.monotonic())
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            data = self._greeting() + data
        await self.send({"type": "http.response.body", "body": data, "more_body": not is_last})

    def _greeting(self) -> bytes:
        return b""

    def _summary(self) -> dict[str, Any]:
        return {name.decode(): value.decode() for name, value in told(self.turn, time.monotonic())}


class _OpenAIStream(_Response):
    def __init__(self, turn: Turn, asked: Asked, send: Send) -> None:
        super().__init__(turn, send)
        self.writer = openai.Writer(
            answer_id=f"chatcmpl-{turn.uuid.hex}",
            model=asked.model,
            created=turn.at_us // 1_000_000,
            wants_usage=asked.wants_usage,
        )

    def _greeting(self) -> bytes:
        return self.writer.begin()

    async def piece(self, piece: Piece) -> None:
        await self._write(self.writer.piece(piece))

    async def end(self, end: End) -> None:
        summary = f": x-cascade {json.dumps(self._summary())}\n\n".encode()
        await self._write(summary + self.writer.end(end), is_last=True)

    async def comment(self, words: str) -> None:
        await self._write(self.writer.comment(words))

    async def replace(self, words: str) -> None:
        body = json.dumps({"reason": words})
        await self._write(f"event: replace\ndata: {body}\n\n".encode())

    async def error(self, refused: Refused) -> None:
        data = self.writer.error(refused.words, kind=refused.kind, code=refused.code)
        await self._write(data, is_last=True)


class OpenAI:
    """POST /v1/chat/completions."""

    can_replace: ClassVar[bool] = True

    def read(self, body: bytes) -> Asked:
        """Return what is asked."""
        found = openai.read_request(parse(body))
        return Asked(found.chat, found.model, found.is_streamed, found.wants_usage)

    def answer(self, turn: Turn, answer: Answer) -> bytes:
        """Return a whole answer's body."""
        return packed(
            openai.write_answer(
                answer,
                answer_id=f"chatcmpl-{turn.uuid.hex}",
                model=turn.cascade.slug,
                created=turn.at_us // 1_000_000,
            )
        )

    def refusal(self, refused: Refused) -> tuple[Headers, bytes]:
        """Return a refusal's headers and body."""
        body = openai.write_error(
            refused.words, kind=refused.kind, code=refused.code, path=refused.path
        )
        return [JSON, *waits(refused)], packed(body)

    def stream(self, turn: Turn, asked: Asked, send: Send) -> Stream:
        """Return the stream to a client."""
        return _OpenAIStream(turn, asked, send)


_CONVERSE_KINDS = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    413: "ValidationException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


class _ConverseStream(_Response):
    content_type = eventstream.CONTENT_TYPE.encode()

    def __init__(self, turn: Turn, send: Send) -> None:
        super().__init__(turn, send)
        self.writer = converse.Writer()

    def _greeting(self) -> bytes:
        return self.writer.begin()

    async def piece(self, piece: Piece) -> None:
        await self._write(self.writer.piece(piece))

    async def end(self, end: End) -> None:
        took_ms = round((time.monotonic() - self.turn.began_s) * 1000)
        await self._write(self.writer.end(end, latency_ms=took_ms), is_last=True)

    async def comment(self, words: str) -> None:
        """Say nothing: this wire has no comments."""

    async def replace(self, words: str) -> None:
        """Say nothing: nobody can ask for replacement on this wire."""

    async def error(self, refused: Refused) -> None:
        data = self.writer.error(refused.words, kind="modelStreamErrorException")
        await self._write(data, is_last=True)


@dataclass(frozen=True, slots=True)
class Converse:
    """POST /model/{model}/converse and converse-stream."""

    model: str
    is_streamed: bool
    can_replace: ClassVar[bool] = False

    def read(self, body: bytes) -> Asked:
        """Return what is asked."""
        return Asked(converse.read_request(parse(body)), self.model, self.is_streamed)

    def answer(self, turn: Turn, answer: Answer) -> bytes:
        """Return a whole answer's body."""
        took_ms = round((time.monotonic() - turn.began_s) * 1000)
        return packed(converse.write_answer(answer, latency_ms=took_ms))

    def refusal(self, refused: Refused) -> tuple[Headers, bytes]:
        """Return a refusal's headers and body."""
        kind = _CONVERSE_KINDS.get(refused.status, "InternalServerException")
        headers, body = converse.write_error(refused.words, kind=kind)
        named: Iterable[tuple[str, str]] = headers.items()
        coded = [(name.lower().encode(), value.encode()) for name, value in named]
        if not any(name == b"content-type" for name, _ in coded):
            coded.append(JSON)
        return [*coded, *waits(refused)], packed(body)

    def stream(self, turn: Turn, asked: Asked, send: Send) -> Stream:
        """Return the stream to a client."""
        return _ConverseStream(turn, send)
