"""A server on loopback that speaks every upstream's wire, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from cascade.domain.wire import eventstream

WORDS = ("Here", " is", " a", " short", " answer.")
TEXT = "".join(WORDS)
AWS_TIME = "Fri, 21 Nov 2031 09:00:00 GMT"
INPUT_TOKENS, OUTPUT_TOKENS = 12, 6


class Fault(StrEnum):
    """What goes wrong."""

    NONE = "none"
    THROTTLED = "throttled"
    FAILED = "failed"
    REFUSED = "refused"
    HANG = "hang"
    TRICKLE = "trickle"
    CUT = "cut"
    MALFORMED = "malformed"
    ENDLESS = "endless"
    REDIRECT = "redirect"
    UNCOUNTED = "uncounted"
    PACKED = "packed"
    SKEWED = "skewed"


_REFUSALS = {
    Fault.THROTTLED: (429, "ThrottlingException", "Too many requests, please wait."),
    Fault.FAILED: (503, "ServiceUnavailableException", "The service is not able to answer."),
    Fault.REFUSED: (400, "ValidationException", "Input is too long for requested model."),
    Fault.SKEWED: (403, "InvalidSignatureException", "Signature expired: it is 2031 here."),
}


@dataclass(slots=True)
class Pretender:
    """The server: its address, what it does wrong, and what it was sent."""

    url: str = ""
    fault: Fault = Fault.NONE
    bodies: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    gone: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any POST by its path."""
        self.bodies.append(json.loads(await request.read()))
        self.headers.append(dict(request.headers))
        self.connections.add(request.transport)
        path = request.path
        if self.fault is Fault.REDIRECT:
            return web.Response(status=307, headers={"Location": f"{self.url}/elsewhere"})
        if self.fault in _REFUSALS:
            return _refused(*_REFUSALS[self.fault])
        is_streamed = path.endswith("stream") or bool(self.bodies[-1].get("stream"))
        events = _events(path, is_counted=self.fault is not Fault.UNCOUNTED)
        parts = (
            events if is_streamed else [_whole(path, is_counted=self.fault is not Fault.UNCOUNTED)]
        )
        try:
            return await self._send(request, parts, is_streamed=is_streamed)
        except (ConnectionError, asyncio.CancelledError):
            self.gone += 1
            raise

    async def _send(
        self, request: web.Request, parts: list[bytes], *, is_streamed: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        if self.fault is Fault.HANG:
            await asyncio.sleep(3_600)
        if self.fault is Fault.CUT and not is_streamed:
            response.content_length = len(parts[0])
        if self.fault is Fault.PACKED:
            response.headers["Content-Encoding"] = "gzip"
            parts = [gzip.compress(b"".join(parts))]
        await response.prepare(request)
        async for part in _spoilt_parts(self.fault, parts):
            await response.write(part)
        if self.fault is Fault.CUT and request.transport is not None:
            request.transport.close()
        return response


async def _spoilt_parts(fault: Fault, parts: list[bytes]) -> AsyncIterator[bytes]:
    match fault:
        case Fault.CUT:
            kept = parts[:3] if len(parts) > 1 else [parts[0][:20]]
        case Fault.MALFORMED:
            kept = [*parts[:2], _spoilt(parts[-1])]
        case _:
            kept = parts
    if fault is Fault.TRICKLE:
        for byte in b"".join(parts):
            yield bytes([byte])
            await asyncio.sleep(0.05)
    while fault is Fault.ENDLESS:
        yield b" " * 262_144
    for part in kept:
        yield part


def _refused(status: int, code: str, words: str) -> web.Response:
    body = {"message": words, "error": {"message": words, "type": code}}
    headers = {"x-amzn-ErrorType": code} | ({"Retry-After": "7"} if status == 429 else {})
    headers |= {"Date": AWS_TIME} if status == 403 else {}
    return web.json_response(body, status=status, headers=headers)


def _spoilt(part: bytes) -> bytes:
    """Return what no reader understands: JSON cut short, or a frame with a flipped bit."""
    if part.startswith((b"{", b"data:")):
        return b'data: {"choices": [{"delta\n\n'
    return part[:-6] + bytes([part[-6] ^ 1]) + part[-5:]


def _whole(path: str, *, is_counted: bool) -> bytes:
    if path.endswith("/converse"):
        usage = {"inputTokens": 12, "outputTokens": 6, "totalTokens": 18}
        message = {"role": "assistant", "content": [{"text": TEXT}]}
        body = {"output": {"message": message}, "stopReason": "end_turn"}
        return json.dumps(body | ({"usage": usage} if is_counted else {})).encode()
    choice = {"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]} | _openai_usage(is_counted=is_counted)).encode()


def _openai_usage(*, is_counted: bool) -> dict[str, object]:
    usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS}
    return {"usage": usage} if is_counted else {}


def _events(path: str, *, is_counted: bool) -> list[bytes]:
    if path.endswith("/converse-stream"):
        return _converse_events(is_counted=is_counted)
    events = _chat_events(is_counted=is_counted)
    if path.endswith("/invocations-response-stream"):
        # Frames and events need not begin together.
        joined = b"".join(events)
        cut = [joined[at : at + 100] for at in range(0, len(joined), 100)]
        return [_frame("PayloadPart", part) for part in cut]
    return events


def _converse_events(*, is_counted: bool) -> list[bytes]:
    usage = {"inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS, "totalTokens": 18}
    deltas = [{"delta": {"text": word}, "contentBlockIndex": 0} for word in WORDS]
    events: list[tuple[str, object]] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", delta) for delta in deltas]
    events += [("contentBlockStop", {"contentBlockIndex": 0})]
    events += [("messageStop", {"stopReason": "end_turn"})]
    events += [("metadata", {"usage": usage, "metrics": {"latencyMs": 5}} if is_counted else {})]
    return [_frame(kind, json.dumps(body).encode()) for kind, body in events]


def _frame(kind: str, payload: bytes) -> bytes:
    return eventstream.write({":message-type": "event", ":event-type": kind}, payload)


def _chat_events(*, is_counted: bool) -> list[bytes]:
    chunks: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": {"content": word}}]} for word in WORDS
    ]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    chunks += [{"choices": []} | _openai_usage(is_counted=is_counted)]
    written = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    return [*written, b"data: [DONE]\n\n"]


@asynccontextmanager
async def pretender() -> AsyncIterator[Pretender]:
    """Run one on a free port."""
    server = Pretender()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
