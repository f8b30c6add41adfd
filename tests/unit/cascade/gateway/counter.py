"""A gateway with everything in memory, and a client that speaks ASGI to it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cascade.adapters.counters_memory import MemoryCounters
from cascade.adapters.memory import Act, MemoryUpstream
from cascade.domain.events import Attempt, Trial, decode
from cascade.domain.policy import Kind
from cascade.domain.request import Answer, Stop, Tokens
from cascade.gateway import doors
from cascade.gateway.app import Gateway
from cascade.gateway.calls import Caller
from cascade.gateway.money import Purse
from cascade.gateway.snapshot import Holder

SECRET = "slwk_0123abcd_" + "x" * 32
SMALL, MEDIUM, LARGE = "m.small", "m.medium", "m.large"
PRICES = {SMALL: (1, 5), MEDIUM: (3, 15), LARGE: (5, 25)}
MONTHS_LIMIT = 1_000_000_000
GOOD = (
    "Your order left our warehouse this morning and arrives tomorrow before noon. "
    "You can follow the order under Orders in your account."
)
HEDGE = "I'm sorry, but I can't help with that."
QUESTION = "Where is my order, and when does the order arrive?"


def said(text: str, *, tokens: Tokens | None = None) -> Answer:
    """Return a whole answer."""
    return Answer(text, Stop.END, tokens or Tokens(input=40, output=30))


def policy(**changed: Any) -> dict[str, Any]:
    """Return a policy of three stages as JSON."""
    stages = [
        {
            "name": name,
            "target": {"kind": "bedrock", "model": model, "address": model},
            "threshold": threshold,
            "timeout_s": 2.0,
        }
        for name, model, threshold in (
            ("small", SMALL, 0.6),
            ("medium", MEDIUM, 0.6),
            ("large", LARGE, 0.6),
        )
    ]
    return {"stages": stages, "shadow_share": 0.0, "deadline_s": 4.0} | changed


def asking(threshold: float) -> list[dict[str, Any]]:
    """Return the stages of a policy that asks for this much of every answer."""
    return [{**stage, "threshold": threshold} for stage in policy()["stages"]]


def snapshot(
    body: Mapping[str, Any] | None = None,
    *,
    version: int = 1,
    key: Mapping[str, Any] | None = None,
    limits: Mapping[str, int | None] | None = None,
    canary: Mapping[str, Any] | None = None,
) -> str:
    """Return a snapshot of one cascade and one key."""
    made = {
        "digest": hashlib.sha256(SECRET.encode()).hexdigest(), "cascade": 3,
        "requests_per_minute": None, "tokens_per_minute": None, "max_output_tokens": None,
        "monthly_micro": None, "expires_at": None, "revoked": False,
    } | dict(key or {})  # fmt: skip
    bounds = {
        "feature_micro": None, "team_micro": None, "organisation_micro": MONTHS_LIMIT
    } | dict(limits or {})  # fmt: skip
    tariffs = {
        model: {
            "input": usd * 10**12, "output": out * 10**12, "cached": usd * 10**11,
            "long_from": 0, "long": None, "is_hourly": False,
        }
        for model, (usd, out) in PRICES.items()
    }  # fmt: skip
    return json.dumps(
        {
            "version": version, "made_at": "2026-11-21T09:00:00+00:00", "region": "us-east-1",
            "prices": {"version": "p1", "as_of": "2026-11-20", "tariffs": tariffs},
            "cascades": {
                "3": {
                    "slug": "chat", "feature": {"id": 5, "slug": "chatbot"},
                    "team": {"id": 7, "slug": "chat"}, "environment": "production",
                    "limits": bounds, "weights": {}, "canary": canary,
                    "live": {"number": 1, "policy": dict(body or policy())},
                }
            },
            "keys": {"0123abcd": made},
        }
    )  # fmt: skip


@dataclass(slots=True)
class Reply:
    """What came back; `is_whole` says that the response ended as HTTP responses do."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: list[bytes] = field(default_factory=list)
    is_whole: bool = False

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Desk:
    """The gateway, and what stands behind it."""

    gateway: Gateway
    upstream: MemoryUpstream
    counters: MemoryCounters

    async def ask(
        self,
        text: str = QUESTION,
        *,
        leaves_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        path: str = "/v1/chat/completions",
        **more: Any,
    ) -> Reply:
        """Ask as OpenAI's client does."""
        asked = {"model": "auto", "messages": [{"role": "user", "content": text}]} | more
        body = raw if raw is not None else json.dumps(asked).encode()
        sent = {"authorization": f"Bearer {SECRET}"} | dict(headers or {})
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        reply, is_read = Reply(), False

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if not is_read:
                is_read = True
                return {"type": "http.request", "body": body, "more_body": False}
            await asyncio.sleep(3600 if leaves_after_s is None else leaves_after_s)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
                return
            reply.parts.append(message["body"])
            reply.is_whole = not message.get("more_body")

        await self.gateway(scope, receive, send)
        reply.body = b"".join(reply.parts)
        return reply

    async def get(self, path: str, **headers: str) -> Reply:
        """Read a page of the gateway."""
        reply = Reply()

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
            else:
                reply.body += message["body"]

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "GET", "path": path, "headers": named}
        await self.gateway(scope, receive, send)
        return reply

    async def settled(self) -> tuple[list[Attempt], list[Trial]]:
        """Wait until everything is told; return the attempts and trials of the stream."""
        if self.gateway.later:
            await asyncio.wait(self.gateway.later)
        await self.gateway.purse.is_told.wait()
        found = [decode(event) for _, event in self.counters.entries]
        attempts = [each for each in found if isinstance(each, Attempt)]
        return attempts, [each for each in found if isinstance(each, Trial)]

    @property
    def held(self) -> int:
        """Return the micro-dollars that are still held."""
        return sum(micro for month in self.counters.held.values() for micro in month.values())

    def scripts(self, **acts: list[Act]) -> None:
        """Say what each stage's model does."""
        names = {"small": SMALL, "medium": MEDIUM, "large": LARGE}
        self.upstream.by_address |= {names[name]: each for name, each in acts.items()}


@asynccontextmanager
async def desk(body: str | None = None, *, most_in_flight: int = 100) -> AsyncIterator[Desk]:
    """Yield a gateway that answers."""
    counters = MemoryCounters()
    await counters.begin()
    upstream = MemoryUpstream(usual=Act(answer=said(GOOD)))
    purse = Purse(counters)
    purse.begin()
    holder = Holder()
    assert holder.offer(body or snapshot())
    caller = Caller(dict.fromkeys(Kind, upstream), purse)
    gateway = Gateway(holder, caller, purse, doors.Rated(counters), most_in_flight=most_in_flight)
    try:
        yield Desk(gateway, upstream, counters)
    finally:
        await purse.drain(within_s=1)


def run(work: Callable[[Desk], Coroutine[Any, Any, None]], body: str | None = None) -> None:
    """Let a gateway work; in the end nothing is held."""

    async def inside() -> None:
        async with desk(body) as found:
            await work(found)
            await asyncio.gather(*found.gateway.purse.releases)
            await found.settled()
            assert found.held == 0

    asyncio.run(inside())
