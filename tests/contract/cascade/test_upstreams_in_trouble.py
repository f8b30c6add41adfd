"""Whatever an upstream does wrong, it is a typed failure within the deadline; the twin agrees."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest

from cascade.adapters.bedrock_runtime import Bedrock
from cascade.adapters.calls import open_session
from cascade.adapters.openai_compatible import OpenAICompatible
from cascade.adapters.sagemaker_runtime import SageMaker
from cascade.domain.connection import Connection
from cascade.domain.invoker import End, Trouble, Upstream, UpstreamFailed
from cascade.domain.policy import Kind, Target
from cascade.domain.request import Chat, Message, Part, Speaker
from tests.contract.cascade.servers import TEXT, Fault, pretender
from tests.contract.cascade.worlds import (
    ANSWER,
    CHAT,
    DEADLINE_S,
    KINDS,
    REAL,
    World,
    clock,
    hear,
    keys,
    trouble,
    within,
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_answer_has_its_text_its_stop_and_its_tokens(kind: str) -> None:
    async def body(world: World) -> None:
        assert await world.upstream.ask(world.target, CHAT, within_s=5) == ANSWER

    within(kind, body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_says_the_same_and_ends_once(kind: str) -> None:
    async def body(world: World) -> None:
        assert await hear(world) == (TEXT, End(stop=ANSWER.stop, tokens=ANSWER.tokens))

    within(kind, body)


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.THROTTLED, Trouble.THROTTLED),
        (Fault.FAILED, Trouble.OVERLOADED),
        (Fault.REFUSED, Trouble.REFUSED),
        (Fault.HANG, Trouble.TIMED_OUT),
        (Fault.TRICKLE, Trouble.TIMED_OUT),
        (Fault.CUT, Trouble.BROKEN),
        (Fault.MALFORMED, Trouble.BROKEN),
        (Fault.UNCOUNTED, Trouble.BROKEN),
    ],
)
def test_every_fault_is_a_typed_failure(
    kind: str, way: str, fault: Fault, expected: Trouble
) -> None:
    async def body(world: World) -> None:
        world.will(fault)
        begun = time.monotonic()
        failed = await trouble(world, way)
        assert failed.trouble is expected
        assert failed.retry_after_s == (7.0 if fault is Fault.THROTTLED else None)
        # Long after the deadline would be wrong; the machine may be slow.
        assert time.monotonic() - begun < DEADLINE_S + 4

    within(kind, body)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_failure_the_next_request_is_answered(kind: str) -> None:
    async def body(world: World) -> None:
        for fault in (Fault.CUT, Fault.HANG, Fault.MALFORMED):
            world.will(fault)
            await trouble(world, "stream")
            world.will(Fault.NONE)
            assert await world.upstream.ask(world.target, CHAT, within_s=5) == ANSWER

    within(kind, body)


@pytest.mark.parametrize("kind", KINDS)
def test_who_leaves_a_stream_early_ends_it_upstream_too(kind: str) -> None:
    async def body(world: World) -> None:
        if kind != "memory":
            world.will(Fault.TRICKLE)
        stream = world.upstream.stream(world.target, CHAT, within_s=60)
        async with aclosing(stream):  # type: ignore[type-var]
            asked = asyncio.ensure_future(anext(stream))
            await asyncio.wait({asked}, timeout=0.3)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        for _ in range(100):
            if world.seen_leaving():
                break
            await asyncio.sleep(0.03)
        assert world.seen_leaving() == 1

    within(kind, body)


@pytest.mark.parametrize("kind", KINDS)
def test_many_tasks_ask_at_once(kind: str) -> None:
    async def body(world: World) -> None:
        asked = (world.upstream.ask(world.target, CHAT, within_s=5) for _ in range(50))
        assert await asyncio.gather(*asked) == [ANSWER] * 50

    within(kind, body)


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", REAL)
def test_what_never_ends_is_read_only_so_far(kind: str, way: str) -> None:
    async def body(world: World) -> None:
        world.will(Fault.ENDLESS)
        failed = await trouble(world, way, within_s=8)
        assert failed.trouble is Trouble.BROKEN

    within(kind, body)


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", REAL)
def test_a_redirect_is_refused_and_nothing_is_sent_elsewhere(kind: str, way: str) -> None:
    async def body(world: World) -> None:
        world.will(Fault.REDIRECT)
        assert (await trouble(world, way)).trouble is Trouble.REFUSED

    within(kind, body)


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", REAL)
def test_what_is_packed_is_never_unpacked(kind: str, way: str) -> None:
    async def body(world: World) -> None:
        world.will(Fault.PACKED)
        assert (await trouble(world, way)).trouble is Trouble.BROKEN

    within(kind, body)


@pytest.mark.parametrize("kind", REAL)
def test_a_prompt_of_megabytes_is_sent(kind: str) -> None:
    async def body(world: World) -> None:
        long = Chat(messages=(Message(Speaker.USER, (Part(text="word " * 1_000_000),)),))
        assert await world.upstream.ask(world.target, long, within_s=9) == ANSWER

    within(kind, body)


@pytest.mark.parametrize("kind", ["bedrock", "sagemaker"])
def test_after_a_signature_was_refused_for_its_time_the_next_has_awss_time(kind: str) -> None:
    async def body(world: World) -> None:
        world.will(Fault.SKEWED)
        assert (await trouble(world, "whole")).trouble is Trouble.OVERLOADED
        world.will(Fault.NONE)
        await world.upstream.ask(world.target, CHAT, within_s=5)
        assert world.headers[0]["x-amz-date"] < "2030"
        assert world.headers[1]["x-amz-date"] > "203111"

    within(kind, body)


@pytest.mark.parametrize("kind", REAL)
def test_where_nothing_listens_no_connection_is_made(kind: str) -> None:
    async def body() -> None:
        async with open_session(connect_s=1.0) as session:
            nowhere = "http://127.0.0.1:9"
            made = {
                "session": session,
                "connection": Connection(region="us-east-1", endpoint_url=nowhere),
                "clock": clock,
            }
            upstream: Upstream = {
                "bedrock": lambda: Bedrock(keys=keys, **made),
                "sagemaker": lambda: SageMaker(keys=keys, **made),
                "openai": lambda: OpenAICompatible(environ={}, **made),
            }[kind]()
            with pytest.raises(UpstreamFailed) as caught:
                await upstream.ask(Target(Kind.OPENAI, "m", nowhere), CHAT, within_s=5)
            assert caught.value.trouble is Trouble.UNREACHABLE

    asyncio.run(body())


@pytest.mark.parametrize("kind", REAL)
def test_one_connection_serves_one_request_after_the_other(kind: str) -> None:
    async def body(world: World) -> None:
        for _ in range(3):
            await hear(world)
            await world.upstream.ask(world.target, CHAT, within_s=5)
        assert len(world.connections) == 1

    within(kind, body)


def test_an_api_key_goes_to_the_server_it_was_given_for_and_to_no_other() -> None:
    async def body() -> None:
        async with pretender() as own, pretender() as other, open_session(connect_s=1.0) as session:
            upstream = OpenAICompatible(
                session=session,
                connection=Connection(region="", key_names={own.url: "OWN_KEY"}),
                environ={"OWN_KEY": "hush"},
                clock=clock,
            )
            for server in (own, other):
                target = Target(Kind.OPENAI, "m", f"{server.url}/v1")
                assert await upstream.ask(target, CHAT, within_s=5) == ANSWER
        assert own.headers[0]["Authorization"] == "Bearer hush"
        assert "Authorization" not in other.headers[0]
        assert "hush" not in str(other.headers)

    asyncio.run(body())
