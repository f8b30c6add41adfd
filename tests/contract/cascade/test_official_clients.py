"""What is written for clients is what OpenAI's client and boto3 read, unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import boto3
import openai
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from cascade.domain.invoker import End, Piece
from cascade.domain.request import Answer, Chat, Stop, Tokens, ToolCall
from cascade.domain.wire import converse, eventstream, fields
from cascade.domain.wire import openai as chats

TEXT = Answer("On its way \N{DELIVERY TRUCK}.", Stop.END, Tokens(input=30, output=8, cached=10))
CALL = ToolCall("call_1", "find_order", '{"id": 7}')
CALLED = Answer("I look.", Stop.TOOL, Tokens(input=30, output=8), (CALL,))
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "find_order",
        "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
    },
}
ASKED: Any = [{"role": "user", "content": "Where is my order?"}]


def answer_to(chat: Chat) -> Answer:
    return CALLED if chat.tools else TEXT


def pieces(answer: Answer) -> list[Piece]:
    said = [Piece(text=letter) for letter in answer.text]
    for place, call in enumerate(answer.tool_calls):
        said.append(Piece(tool_call=ToolCall(call.call_id, call.name, ""), tool_index=place))
        said += [
            Piece(tool_call=ToolCall("", "", mark), tool_index=place) for mark in call.arguments
        ]
    return said


async def complete(request: web.Request) -> web.StreamResponse:
    try:
        asked = chats.read_request(fields.parse(await request.read()))
    except fields.Fault as wrong:
        error = chats.write_error(wrong.words, kind="invalid_request_error", path=wrong.path)
        return web.json_response(error, status=400)
    answer = answer_to(asked.chat)
    if not asked.is_streamed:
        body = chats.write_answer(answer, answer_id="a1", model=asked.model, created=7)
        return web.json_response(body)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    writer = chats.Writer(
        answer_id="a1", model=asked.model, created=7, wants_usage=asked.wants_usage
    )
    await response.write(writer.comment("waiting") + writer.begin())
    for piece in pieces(answer):
        await response.write(writer.piece(piece))
        if asked.model == "cut":
            await response.write(writer.error("The stream was cut.", kind="upstream_error"))
            return response
    await response.write(writer.end(End(answer.stop, answer.tokens)))
    return response


async def models(request: web.Request) -> web.Response:
    return web.json_response(chats.write_models(["support"], created=7, owner="slipway"))


async def conversed(request: web.Request) -> web.StreamResponse:
    try:
        chat = converse.read_request(fields.parse(await request.read()))
    except fields.Fault as wrong:
        headers, body = converse.write_error(str(wrong), kind="ValidationException")
        return web.json_response(body, status=400, headers=headers)
    return web.json_response(converse.write_answer(answer_to(chat), latency_ms=5))


async def converse_streamed(request: web.Request) -> web.StreamResponse:
    answer = answer_to(converse.read_request(fields.parse(await request.read())))
    response = web.StreamResponse(headers={"Content-Type": eventstream.CONTENT_TYPE})
    await response.prepare(request)
    writer = converse.Writer()
    await response.write(writer.begin())
    for piece in pieces(answer):
        await response.write(writer.piece(piece))
        if request.match_info["model"] == "cut":
            await response.write(writer.error("It was cut.", kind="modelStreamErrorException"))
            return response
    await response.write(writer.end(End(answer.stop, answer.tokens), latency_ms=5))
    return response


@asynccontextmanager
async def gateway() -> AsyncIterator[str]:
    """Serve both wires from a script, on a free port."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/model/{model}/converse", conversed)
    app.router.add_post("/model/{model}/converse-stream", converse_streamed)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def with_openai(body: Callable[[openai.AsyncOpenAI], Awaitable[None]]) -> None:
    async def run() -> None:
        async with (
            gateway() as url,
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client,
        ):
            await asyncio.wait_for(body(client), 20)

    asyncio.run(run())


def with_boto3(body: Callable[[Any], None]) -> None:
    async def run() -> None:
        async with gateway() as url:
            client = boto3.client(
                "bedrock-runtime",
                region_name="us-east-1",
                endpoint_url=url,
                config=Config(retries={"max_attempts": 0}),
            )
            await asyncio.wait_for(asyncio.to_thread(body, client), 20)
            client.close()

    asyncio.run(run())


def test_openais_client_reads_a_whole_answer() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        found = await client.chat.completions.create(model="support", messages=ASKED)
        assert found.choices[0].message.content == TEXT.text
        assert found.choices[0].finish_reason == "stop"
        assert found.usage is not None
        assert (found.usage.prompt_tokens, found.usage.total_tokens) == (30, 38)
        assert found.usage.prompt_tokens_details is not None
        assert found.usage.prompt_tokens_details.cached_tokens == 10

    with_openai(body)


def test_openais_client_reads_a_tools_call() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        found = await client.chat.completions.create(model="support", messages=ASKED, tools=[TOOL])
        assert found.choices[0].finish_reason == "tool_calls"
        call: Any = (found.choices[0].message.tool_calls or [])[0]
        assert (call.id, call.function.name, call.function.arguments) == (
            "call_1",
            "find_order",
            '{"id": 7}',
        )

    with_openai(body)


def test_openais_client_reads_a_stream_with_its_usage() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(
            model="support", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        said = [c.choices[0].delta.content or "" for c in chunks if c.choices]
        assert "".join(said) == TEXT.text
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens == 38

    with_openai(body)


def test_openais_client_puts_a_streamed_tools_call_together() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        async with client.chat.completions.stream(
            model="support", messages=ASKED, tools=[TOOL]
        ) as stream:
            found = await stream.get_final_completion()
        call: Any = (found.choices[0].message.tool_calls or [])[0]
        assert found.choices[0].message.content == "I look."
        assert (call.id, call.function.arguments) == ("call_1", '{"id": 7}')

    with_openai(body)


def test_openais_client_raises_for_a_stream_that_broke() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model="cut", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError, match="was cut"):
            _ = [chunk async for chunk in stream]

    with_openai(body)


def test_openais_client_raises_what_was_asked_wrong() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="support", messages=ASKED, temperature=9)
        assert caught.value.param == "temperature"
        assert "from 0 to 2" in caught.value.message

    with_openai(body)


def test_openais_client_lists_the_models() -> None:
    async def body(client: openai.AsyncOpenAI) -> None:
        assert [model.id async for model in client.models.list()] == ["support"]

    with_openai(body)


TURNS = [{"role": "user", "content": [{"text": "Where is my order?"}]}]
SPEC = {"name": "find_order", "inputSchema": {"json": {"type": "object"}}}
TOOLS = {"tools": [{"toolSpec": SPEC}]}


def test_boto3_reads_a_whole_answer() -> None:
    def body(client: Any) -> None:
        found = client.converse(modelId="support", messages=TURNS)
        assert found["output"]["message"]["content"] == [{"text": TEXT.text}]
        assert (found["stopReason"], found["metrics"]["latencyMs"]) == ("end_turn", 5)
        assert found["usage"]["cacheReadInputTokens"] == 10

    with_boto3(body)


def test_boto3_reads_a_tools_call() -> None:
    def body(client: Any) -> None:
        found = client.converse(modelId="support", messages=TURNS, toolConfig=TOOLS)
        used = found["output"]["message"]["content"][1]["toolUse"]
        assert used == {"toolUseId": "call_1", "name": "find_order", "input": {"id": 7}}

    with_boto3(body)


def test_boto3_reads_a_stream() -> None:
    def body(client: Any) -> None:
        found = client.converse_stream(modelId="support", messages=TURNS, toolConfig=TOOLS)
        with closing(found["stream"]) as stream:
            events = list(stream)
        deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
        assert "".join(delta.get("text", "") for delta in deltas) == "I look."
        given = "".join(delta.get("toolUse", {}).get("input", "") for delta in deltas)
        assert given == '{"id": 7}'
        assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}
        assert events[-1]["metadata"]["usage"]["totalTokens"] == 38

    with_boto3(body)


def test_boto3_sends_images_and_hears_what_was_asked_wrong() -> None:
    def body(client: Any) -> None:
        picture = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
        fine = client.converse(modelId="m", messages=[{"role": "user", "content": [picture]}])
        assert fine["stopReason"] == "end_turn"
        with pytest.raises(ClientError, match=r"messages\.0\.content") as caught:
            client.converse(modelId="m", messages=[{"role": "user", "content": []}])
        assert caught.value.response["Error"]["Code"] == "ValidationException"

    with_boto3(body)


def test_boto3_raises_for_a_stream_that_broke() -> None:
    def body(client: Any) -> None:
        found = client.converse_stream(modelId="cut", messages=TURNS)
        with closing(found["stream"]) as stream, pytest.raises(EventStreamError, match="was cut"):
            list(stream)

    with_boto3(body)
