"""chat.completion.chunk events, written for clients and read from servers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.request import Stop, ToolCall
from cascade.domain.wire import sse
from cascade.domain.wire.fields import broken, compact, heard
from cascade.domain.wire.openai.answers import (
    FINISHES,
    MOST_CALLS,
    read_stop,
    read_tokens,
    write_error,
    write_tokens,
)

DONE = b"data: [DONE]\n\n"


class Writer:
    """Writes one answer's events. Only `end` says [DONE]: a cut stream never looks finished."""

    def __init__(self, *, answer_id: str, model: str, created: int, wants_usage: bool) -> None:
        head = compact(
            {
                "id": answer_id,
                "object": "chat.completion.chunk",
                "created": created,
                "model": model,
            }
        )
        self._head = f"data: {head[:-1]},"
        self._tail = (',"usage":null}' if wants_usage else "}") + "\n\n"
        self._wants_usage = wants_usage

    def begin(self) -> bytes:
        """Return the first event, which says who speaks."""
        return self._chunk('{"role":"assistant","content":""}')

    def piece(self, piece: Piece) -> bytes:
        """Return a piece of the answer."""
        call = piece.tool_call
        if call is None:
            return self._chunk(f'{{"content":{compact(piece.text)}}}')
        delta: dict[str, Any] = {"index": piece.tool_index}
        if call.call_id:
            delta |= {"id": call.call_id, "type": "function"}
        named = {"name": call.name} if call.name else {}
        delta["function"] = named | {"arguments": call.arguments}
        return self._chunk(compact({"tool_calls": [delta]}))

    def end(self, end: End) -> bytes:
        """Return the closing events: why it ended, the tokens if wanted, and [DONE]."""
        closing = self._chunk("{}", f'"{FINISHES[end.stop]}"')
        if self._wants_usage:
            usage = compact(write_tokens(end.tokens))
            closing += f'{self._head}"choices":[],"usage":{usage}}}\n\n'.encode()
        return closing + DONE

    def error(self, words: str, *, kind: str, code: str | None = None) -> bytes:
        """Return the event that ends a broken stream; no [DONE] follows it."""
        return (
            f"event: error\ndata: {compact(write_error(words, kind=kind, code=code))}\n\n".encode()
        )

    def comment(self, words: str) -> bytes:
        """Return a comment, which clients pass over: it keeps connections alive."""
        return f": {words}\n\n".encode()

    def _chunk(self, delta: str, finish: str = "null") -> bytes:
        choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}'
        return f'{self._head}"choices":[{choice}]{self._tail}'.encode()


class Reader:
    """Reads one answer's events: bytes in, pieces out, and one End at [DONE]."""

    def __init__(self) -> None:
        self._events = sse.Reader()
        self._finish: object = None
        self._usage: object = None
        self._called: set[int] = set()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Say whether the stream came to its clean end."""
        return self._is_over

    def feed(self, data: bytes) -> Iterator[Piece | End]:
        """Yield what these bytes complete. Raises UpstreamFailed for what is no such stream."""
        for event in self._events.feed(data):
            if self._is_over:
                return
            if event.data == "[DONE]":
                self._is_over = True
                yield End(stop=self._stop(), tokens=read_tokens(self._usage))
            else:
                yield from self._chunk(heard(event.data))

    def cut(self) -> UpstreamFailed:
        """Return the failure of a stream that ended before its end, with the tokens it told."""
        tokens = read_tokens(self._usage) if isinstance(self._usage, dict) else None
        return UpstreamFailed(Trouble.BROKEN, "The stream was cut before its end.", tokens=tokens)

    def _stop(self) -> Stop:
        return read_stop(self._finish, has_calls=bool(self._called))

    def _chunk(self, chunk: dict[str, Any]) -> Iterator[Piece]:
        if chunk.get("error"):
            raise _told(chunk["error"])
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        if choices is not None and not isinstance(choices, list):
            broken("The model's server sent a chunk without choices.")
        for choice in choices or ():
            if not isinstance(choice, dict):
                broken("The model's server sent a choice that is no object.")
            self._finish = choice.get("finish_reason") or self._finish
            delta = choice.get("delta")
            if isinstance(delta, dict):
                yield from self._delta(delta)

    def _delta(self, delta: dict[str, Any]) -> Iterator[Piece]:
        content = delta.get("content")
        if content is not None and not isinstance(content, str):
            broken("The model's server sent content that is no text.")
        if content:
            yield Piece(text=content)
        calls = delta.get("tool_calls") or ()
        if not isinstance(calls, list | tuple):
            broken("The model's server sent tool calls that are no list.")
        for call in calls:
            yield self._call(call)

    def _call(self, sent: object) -> Piece:
        place = sent.get("index", 0) if isinstance(sent, dict) else None
        if not isinstance(sent, dict) or not isinstance(place, int) or not 0 <= place < MOST_CALLS:
            broken("The model's server sent a tool call without its index.")
        self._called.add(place)
        named = sent.get("function")
        named = named if isinstance(named, dict) else {}
        call = ToolCall(
            call_id=_word(sent.get("id")),
            name=_word(named.get("name")),
            arguments=_word(named.get("arguments")),
        )
        return Piece(tool_call=call, tool_index=place)


def _word(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        broken("The model's server sent a tool call whose parts are no texts.")
    return value


def _told(error: object) -> UpstreamFailed:
    """Return what a server says went wrong in the middle of its stream."""
    words = error.get("message") if isinstance(error, dict) else error
    return UpstreamFailed(Trouble.BROKEN, str(words)[:_MOST_WORDS])


_MOST_WORDS = 1_000
