"""ConverseStream events, written for clients and read from Bedrock. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.request import Stop, Tokens, ToolCall
from cascade.domain.wire import eventstream
from cascade.domain.wire.converse.answers import REASONS, read_stop, read_tokens, write_tokens
from cascade.domain.wire.eventstream import Frame
from cascade.domain.wire.fields import broken, compact, heard

# The exceptions that Bedrock sends inside a stream.
_TROUBLES = {
    "throttlingException": Trouble.THROTTLED,
    "validationException": Trouble.REFUSED,
    "serviceUnavailableException": Trouble.OVERLOADED,
    "internalServerException": Trouble.OVERLOADED,
    "modelStreamErrorException": Trouble.BROKEN,
}
_MOST_WORDS = 1_000
_TEXT_BLOCK = -1


class Writer:
    """Writes one answer's events; a block is opened and closed around pieces of one kind."""

    def __init__(self) -> None:
        self._block = -1
        self._open: int | None = None

    def begin(self) -> bytes:
        """Return the first event, which says who speaks."""
        return _event("messageStart", {"role": "assistant"})

    def piece(self, piece: Piece) -> bytes:
        """Return a piece of the answer, with the block around it opened where one begins."""
        call = piece.tool_call
        if call is None:
            return self._turn_to(_TEXT_BLOCK) + self._delta({"text": piece.text})
        opening = self._turn_to(piece.tool_index)
        if call.call_id:
            start = {"toolUse": {"toolUseId": call.call_id, "name": call.name}}
            body = {"start": start, "contentBlockIndex": self._block}
            opening += _event("contentBlockStart", body)
        if not call.arguments:
            return opening
        return opening + self._delta({"toolUse": {"input": call.arguments}})

    def end(self, end: End, *, latency_ms: int) -> bytes:
        """Return the closing events: why it ended, and the tokens."""
        usage = {"usage": write_tokens(end.tokens), "metrics": {"latencyMs": latency_ms}}
        stop = _event("messageStop", {"stopReason": REASONS[end.stop]})
        return self._close() + stop + _event("metadata", usage)

    def error(self, words: str, *, kind: str) -> bytes:
        """Return the exception that ends a broken stream, such as modelStreamErrorException."""
        headers = {
            ":message-type": "exception",
            ":exception-type": kind,
            ":content-type": "application/json",
        }
        return eventstream.write(headers, compact({"message": words}).encode())

    def _turn_to(self, kind: int) -> bytes:
        if self._open == kind:
            return b""
        closing = self._close()
        self._open = kind
        self._block += 1
        return closing

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("contentBlockStop", {"contentBlockIndex": self._block})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._block})


def _event(kind: str, body: dict[str, Any]) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return eventstream.write(headers, compact(body).encode())


class Reader:
    """Reads one answer's frames: bytes in, pieces out, and one End when the tokens are told."""

    def __init__(self) -> None:
        self._frames = eventstream.Reader()
        self._reason: object = None
        self._tools: dict[object, int] = {}
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Say whether the stream came to its clean end."""
        return self._is_over

    def feed(self, data: bytes) -> Iterator[Piece | End]:
        """Yield what these bytes complete. Raises UpstreamFailed for what is no such stream."""
        for frame in self._frames.feed(data):
            if self._is_over:
                return
            found = self._take(frame)
            if found is not None:
                yield found

    def cut(self) -> UpstreamFailed:
        """Return the failure of a stream that ended before its end."""
        return UpstreamFailed(Trouble.BROKEN, "The stream was cut before its end.")

    def _take(self, frame: Frame) -> Piece | End | None:
        if frame.headers.get(":message-type") != "event":
            raise _told(frame)
        body = heard(frame.payload)
        match frame.headers.get(":event-type"):
            case "contentBlockDelta":
                return self._delta(body)
            case "contentBlockStart":
                return self._start(body)
            case "messageStop":
                self._reason = body.get("stopReason")
            case "metadata":
                return self._end(read_tokens(body.get("usage")))
        return None

    def _end(self, tokens: Tokens) -> End:
        stop: Stop = read_stop(self._reason, tokens)
        self._is_over = True
        return End(stop=stop, tokens=tokens)

    def _start(self, body: dict[str, Any]) -> Piece | None:
        start = body.get("start")
        use = start.get("toolUse") if isinstance(start, dict) else None
        if use is None:
            return None
        call_id = use.get("toolUseId") if isinstance(use, dict) else None
        name = use.get("name") if isinstance(use, dict) else None
        block = body.get("contentBlockIndex")
        if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(block, int)):
            broken("Bedrock sent a tool call without id, name or index.")
        place = self._tools[block] = len(self._tools)
        call = ToolCall(call_id=call_id, name=name, arguments="")
        return Piece(tool_call=call, tool_index=place)

    def _delta(self, body: dict[str, Any]) -> Piece | None:
        delta = body.get("delta")
        if not isinstance(delta, dict):
            broken("Bedrock sent a delta that is no object.")
        text, use = delta.get("text"), delta.get("toolUse")
        if isinstance(text, str):
            return Piece(text=text) if text else None
        if use is None:
            return None
        block = body.get("contentBlockIndex")
        given = use.get("input") if isinstance(use, dict) else None
        if not isinstance(block, int) or block not in self._tools or not isinstance(given, str):
            broken("Bedrock sent a piece of a tool call that it never began.")
        call = ToolCall(call_id="", name="", arguments=given)
        return Piece(tool_call=call, tool_index=self._tools[block])


def _told(frame: Frame) -> UpstreamFailed:
    """Return what Bedrock says went wrong in the middle of a stream."""
    kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code", "")
    try:
        words = str(heard(frame.payload).get("message", ""))
    except UpstreamFailed:
        words = frame.headers.get(":error-message", "")
    trouble = _TROUBLES.get(kind, Trouble.BROKEN)
    return UpstreamFailed(trouble, (words or kind or "The stream broke.")[:_MOST_WORDS])
