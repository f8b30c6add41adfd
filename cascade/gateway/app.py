"""The ASGI application: routes, limits, one task for each request, and what is done after it."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

from cascade.domain.wire.fields import Fault
from cascade.gateway import after, client, doors, faces, refusing, telling
from cascade.gateway.calls import Caller
from cascade.gateway.client import Receive
from cascade.gateway.faces import Asked, Face, Send
from cascade.gateway.flow import Flow
from cascade.gateway.money import Purse
from cascade.gateway.refusing import Refused
from cascade.gateway.snapshot import Cascade, Holder, Key
from cascade.gateway.streaming import CutOff
from cascade.gateway.turn import Turn, likely_tokens

Scope = dict[str, Any]
MOST_IN_FLIGHT = 1_000
# The largest body over a line of 3 Mbit/s; who sends nothing may not keep a place for ever.
BODY_S = 30.0
CONVERSE = re.compile(r"/model/([^/]{1,500})/(converse|converse-stream)")


@dataclass(slots=True)
class Gateway:
    """Everything a process answers with; an ASGI application."""

    holder: Holder
    caller: Caller
    purse: Purse
    rated: doors.Rated
    most_in_flight: int = MOST_IN_FLIGHT
    body_s: float = BODY_S
    in_flight: int = 0
    is_draining: bool = False
    is_cut: bool = False
    under_way: set[asyncio.Task[Any]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    later: set[asyncio.Task[None]] = field(default_factory=set)
    draw: random.Random = field(default_factory=random.Random)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method, path = scope["method"], scope["path"]
        if method == "POST" and (face := _face(scope, path)) is not None:
            await self._answered(face, scope, receive, send)
        elif method == "GET":
            await _reply(send, *self._told(scope, path))
        else:
            await _reply(send, *telling.nothing(method, path))

    # Requests of models

    async def _answered(self, face: Face, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._room()
        except Refused as refused:
            await _reply(send, refused.status, *face.refusal(refused))
            return
        self.in_flight += 1
        began_s, task = time.monotonic(), asyncio.current_task()
        assert task is not None
        self.under_way.add(task)
        try:
            await self._one(face, scope, receive, send, began_s)
        except Refused as refused:
            self.counts[f"http_{refused.status}"] += 1
            await _reply(send, refused.status, *face.refusal(refused))
        finally:
            self.under_way.discard(task)
            self.in_flight -= 1

    def cut(self) -> None:
        """End what is under way: each client is told so, each call is written down."""
        self.is_cut = True
        for task in self.under_way:
            task.cancel()

    def _room(self) -> None:
        if self.is_draining:
            raise refusing.draining()
        if self.in_flight >= self.most_in_flight:
            raise refusing.too_busy(f"{self.in_flight} requests are under way here")
        if self.purse.is_full:
            raise refusing.too_busy(f"{self.purse.waiting} charges wait to be counted here")

    async def _one(
        self, face: Face, scope: Scope, receive: Receive, send: Send, began_s: float
    ) -> None:
        snapshot = self.holder.current
        if snapshot is None:
            raise refusing.no_policies()
        key, cascade = doors.who(scope["headers"], snapshot)
        try:
            async with asyncio.timeout(self.body_s):
                body = await client.body(receive)
            asked = face.read(body)
        except TimeoutError as late:
            raise Refused(
                408, "slow_request", f"The request did not come within {self.body_s:g} s."
            ) from late
        except Fault as fault:
            raise Refused(400, "invalid_request", fault.words, path=fault.path) from fault
        only = doors.stage_asked(cascade, asked.model)
        turn = self._turn(scope, asked, key, cascade, began_s)
        turn.may_replace = face.can_replace and REPLACES in scope["headers"]
        tokens = likely_tokens(asked.chat) + (asked.chat.max_output_tokens or 0)
        turn.admission = await self.rated.asked(key, tokens=tokens, now_s=time.monotonic())
        await self._walked(face, turn, asked, only, receive, send)

    def _turn(self, scope: Scope, asked: Asked, key: Key, cascade: Cascade, began_s: float) -> Turn:
        assert self.holder.current is not None
        uuid = uuid4()
        # A stage that is named is one of the live policy; a canary may have others.
        names_none = doors.stage_asked(cascade, asked.model) is None
        is_canary = (
            names_none and cascade.canary is not None and falls_in(uuid, cascade.canary_share)
        )
        version = cascade.canary if is_canary and cascade.canary else cascade.live
        return Turn(
            uuid=uuid,
            at_us=time.time_ns() // 1000,
            began_s=began_s,
            snapshot=self.holder.current,
            cascade=cascade,
            version=version,
            key=key,
            chat=asked.chat,
            is_canary=is_canary,
            is_streamed=asked.is_streamed,
        )

    async def _walked(
        self,
        face: Face,
        turn: Turn,
        asked: Asked,
        only: int | None,
        receive: Receive,
        send: Send,
    ) -> None:
        """Walk the request, unless its client leaves; whatever happens is written down."""
        out = face.stream(turn, asked, send) if asked.is_streamed else None
        flow = Flow(self.caller, turn, out, only)
        try:
            answer = await client.unless_left(flow.run(), receive)
            if out is None:
                headers = [faces.JSON, *faces.told(turn, time.monotonic())]
                await _reply(send, 200, headers, face.answer(turn, answer))
        except (client.ClientLeft, asyncio.CancelledError, OSError) as left:
            turn.status, turn.http = "cancelled", 499
            if self.is_cut and isinstance(left, asyncio.CancelledError):
                await _told_so(turn, out)
        except CutOff as cut:
            turn.status, turn.http = "failed", 502
            if out is not None:
                await out.error(refusing.by_upstreams(cut.failed, "the stream was cut"))
        except Refused as refused:
            turn.status = "refused" if refused.code in BUDGET_CODES else "failed"
            turn.http = refused.status
            turn.is_let_in = refused.code != doors.RATE_USED_UP
            if out is None or not out.has_begun:
                raise
            await out.error(refused)
        finally:
            self._afterwards(turn)

    def _afterwards(self, turn: Turn) -> None:
        """Log the request, after the calls that nobody waits for; not who was turned away."""
        if not turn.is_let_in:
            return
        self.counts[turn.status] += 1
        now_s = time.monotonic()
        side = after.wanted(turn, draw=self.draw)
        if not side or self.is_draining or len(self.later) >= self.most_in_flight:
            self.purse.tell(turn.trial(now_s))
            return
        trial = turn.trial(now_s)
        self._soon(after.done(self.caller, self.purse, turn, trial, side))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    def _told(self, scope: Scope, path: str) -> telling.Page:
        match path:
            case "/livez":
                return telling.alive()
            case "/readyz":
                return telling.readiness(self.holder, is_draining=self.is_draining)
            case "/metrics":
                return telling.metrics(
                    self.caller, self.purse, in_flight=self.in_flight, counts=self.counts
                )
            case "/v1/models":
                return telling.models(scope["headers"], self.holder.current)
        return telling.nothing("GET", path)


REPLACES = (b"x-cascade-replace", b"1")
BUDGET_CODES = ("insufficient_quota", "budget_unknown")


def falls_in(uuid: UUID, share: float) -> bool:
    """Say whether a request belongs to a share of all, the same for the same id."""
    return uuid.int % 1_000_003 < share * 1_000_003


def _face(scope: Scope, path: str) -> Face | None:
    if path == "/v1/chat/completions":
        return faces.OpenAI()
    raw = scope.get("raw_path") or path.encode()
    found = CONVERSE.fullmatch(raw.decode("latin-1").partition("?")[0])
    if found is None:
        return None
    return faces.Converse(unquote(found[1]), is_streamed=found[2] == "converse-stream")


async def _told_so(turn: Turn, out: faces.Stream | None) -> None:
    """Tell a client that this process cannot wait for its answer."""
    turn.http = 503
    if out is None or not out.has_begun:
        raise refusing.draining()
    await out.error(refusing.draining())


async def _reply(send: Send, status: int, headers: faces.Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
