"""One world for each kind of upstream: the real ones against a pretender, and the twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from cascade.adapters import memory
from cascade.adapters.bedrock_runtime import Bedrock
from cascade.adapters.calls import open_session
from cascade.adapters.memory import Act, MemoryUpstream
from cascade.adapters.openai_compatible import OpenAICompatible
from cascade.adapters.sagemaker_runtime import SageMaker
from cascade.domain.connection import Connection
from cascade.domain.invoker import End, Piece, Trouble, Upstream, UpstreamFailed
from cascade.domain.policy import Kind, Target
from cascade.domain.request import Answer, Chat, Message, Part, Speaker, Stop, Tokens
from portal.signing import Keys
from tests.contract.cascade.servers import TEXT, Fault, pretender

CHAT = Chat(messages=(Message(speaker=Speaker.USER, parts=(Part(text="Hello"),)),))
ANSWER = Answer(text=TEXT, stop=Stop.END, tokens=Tokens(input=12, output=6))
DEADLINE_S = 0.4
ACTS = {
    Fault.NONE: Act(answer=ANSWER),
    Fault.THROTTLED: memory.throttled(retry_after_s=7.0),
    Fault.FAILED: memory.failing(Trouble.OVERLOADED, status=503),
    Fault.REFUSED: memory.failing(Trouble.REFUSED, status=400),
    Fault.HANG: Act(hangs=True),
    Fault.TRICKLE: Act(answer=ANSWER, after_s=2.0, between_s=0.3),
    Fault.CUT: memory.cut(after_pieces=2, answer=ANSWER),
    Fault.MALFORMED: memory.cut(after_pieces=2, answer=ANSWER),
    Fault.UNCOUNTED: memory.cut(after_pieces=5, answer=ANSWER),
}


@dataclass(frozen=True, slots=True)
class World:
    """An upstream, what to ask it for, and a way to make it misbehave."""

    upstream: Upstream
    target: Target
    will: Callable[[Fault], None]
    seen_leaving: Callable[[], int]
    connections: Collection[object] = ()
    headers: Sequence[Mapping[str, str]] = ()


def keys() -> Keys:
    return Keys("key", "secret")


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def worlds(kind: str) -> AsyncIterator[World]:
    """Make the world of one kind of upstream inside the running loop."""
    if kind == "memory":
        twin = MemoryUpstream()

        def script(fault: Fault) -> None:
            twin.usual = ACTS[fault]

        script(Fault.NONE)
        target = Target(kind=Kind.BEDROCK, model="m", address="a")
        yield World(twin, target, script, lambda: twin.left)
        return
    async with pretender() as server, open_session(connect_s=1.0) as session:
        connection = Connection(region="us-east-1", endpoint_url=server.url)

        def make(fault: Fault) -> None:
            server.fault = fault

        made = {"session": session, "connection": connection, "clock": clock}
        found: dict[str, tuple[Upstream, Target]] = {
            "bedrock": (Bedrock(keys=keys, **made), Target(Kind.BEDROCK, "m", "us.some:0")),
            "sagemaker": (SageMaker(keys=keys, **made), Target(Kind.SAGEMAKER, "m", "chat")),
            "openai": (
                OpenAICompatible(environ={}, **made),
                Target(Kind.OPENAI, "m", f"{server.url}/v1"),
            ),
        }
        upstream, target = found[kind]
        yield World(upstream, target, make, lambda: server.gone, server.connections, server.headers)


KINDS = ("memory", "bedrock", "sagemaker", "openai")
REAL = KINDS[1:]


def within(kind: str, body: Callable[[World], Awaitable[None]]) -> None:
    """Run a test's body in a loop of its own, for at most ten seconds."""

    async def run() -> None:
        async with worlds(kind) as world:
            await asyncio.wait_for(body(world), 10)

    asyncio.run(run())


async def hear(world: World) -> tuple[str, End | None]:
    text, end = "", None
    async for piece in world.upstream.stream(world.target, CHAT, within_s=5):
        assert end is None
        if isinstance(piece, Piece):
            text += piece.text
        else:
            end = piece
    return text, end


async def trouble(world: World, way: str, *, within_s: float = DEADLINE_S) -> UpstreamFailed:
    """Return how a request fails, and let no End come before."""

    async def ask() -> None:
        if way == "whole":
            await world.upstream.ask(world.target, CHAT, within_s=within_s)
            return
        async for piece in world.upstream.stream(world.target, CHAT, within_s=within_s):
            assert not isinstance(piece, End)

    with pytest.raises(UpstreamFailed) as caught:
        await ask()
    assert caught.value.words
    return caught.value
