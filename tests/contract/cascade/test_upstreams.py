"""One contract for what answers chats: Bedrock and SageMaker in the sandbox, and the twin."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from cascade.adapters import memory
from cascade.adapters.memory import Act, MemoryUpstream
from cascade.adapters.upstreams import open_upstreams
from cascade.domain.connection import Connection
from cascade.domain.invoker import End, Piece, Trouble, Upstream, UpstreamFailed
from cascade.domain.policy import Kind, Target
from cascade.domain.request import (
    Answer,
    Chat,
    Message,
    Part,
    Speaker,
    Stop,
    Tokens,
    Tool,
    ToolCall,
)
from portal import aws
from portal.signing import Keychain
from tests.fixtures.servers import Sandbox, wait_until

NOVA = "us.amazon.nova-micro-v1:0"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130"
QUICK = {"latency_scale": 0, "endpoint_s": 0}
CALM = {"throttle": 0, "lost_answer": 0, "services": None, "seed": 7}
PROMPT = "Where is my order? [slipway tokens=40]"
ANSWER = Answer("Word" + " word" * 39, Stop.END, Tokens(input=17, output=40))
FIND = Tool(
    "find_order",
    schema={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
)
CALLED = Answer("", Stop.TOOL, Tokens(17, 9), (ToolCall("t1", "find_order", '{"id": 7}'),))
CUT_SHORT = Answer("Word word word", Stop.LENGTH, Tokens(input=17, output=3))


@dataclass(frozen=True, slots=True)
class World:
    """A target that answers, one that nobody knows, and ways to fail."""

    target: Target
    unknown: Target
    throttle: Callable[[], object]
    lose: Callable[[], object]
    twin: MemoryUpstream | None
    sandbox: Sandbox


def twin_of(sandbox: Sandbox) -> World:
    unknown = memory.failing(Trouble.REFUSED, "No such model.", status=400)
    twin = MemoryUpstream(
        usual=Act(answer=ANSWER),
        by_address={
            "nobody": [unknown],
            "short": [Act(answer=CUT_SHORT)],
            "tool": [Act(answer=CALLED)],
        },
    )

    def throttle() -> None:
        twin.usual = memory.throttled()

    def lose() -> None:
        twin.usual = memory.failing(Trouble.BROKEN)

    target = Target(Kind.BEDROCK, "m", "a")
    return World(target, Target(Kind.BEDROCK, "m", "nobody"), throttle, lose, twin, sandbox)


def endpoint() -> str:
    """Deploy an endpoint that answers, and return its name."""
    name = f"cascade-{uuid.uuid4().hex[:8]}"
    client = aws.client("sagemaker")
    client.create_model(
        ModelName=name,
        PrimaryContainer={"Image": IMAGE, "Environment": {"SM_VLLM_MODEL": "org/Llama-3.1-8B"}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/serving",
    )
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.g5.xlarge"}
    client.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant | {"InitialInstanceCount": 1}]
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait_until(
        lambda: client.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService",
        what="the endpoint is made",
    )
    return name


@pytest.fixture(params=["memory", Kind.BEDROCK, Kind.SAGEMAKER])
def world(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[World]:
    if request.param == "memory":
        yield twin_of(sandbox)
        return
    sandbox.reset()
    sandbox.put("delays", QUICK)
    kind = request.param
    address = NOVA if kind is Kind.BEDROCK else endpoint()
    yield World(
        Target(kind, "m", address),
        Target(kind, "m", "us.nobody.model-v1:0" if kind is Kind.BEDROCK else "nobody"),
        lambda: sandbox.put("faults", {**CALM, "throttle": 1.0}),
        lambda: sandbox.put("faults", {**CALM, "lost_answer": 1.0}),
        None,
        sandbox,
    )
    sandbox.put("faults", CALM)
    sandbox.reset()


def chat(text: str = PROMPT, **wish: object) -> Chat:
    return Chat(messages=(Message(Speaker.USER, (Part(text=text),)),), **wish)  # type: ignore[arg-type]


async def whole(upstream: Upstream, target: Target, asked: Chat) -> Answer:
    return await upstream.ask(target, asked, within_s=10)


async def streamed(upstream: Upstream, target: Target, asked: Chat) -> Answer:
    """Return what was streamed as a whole answer."""
    text, calls = "", {}
    async for piece in upstream.stream(target, asked, within_s=10):
        if isinstance(piece, End):
            return Answer(text, piece.stop, piece.tokens, tuple(calls.values()))
        assert isinstance(piece, Piece)
        text += piece.text
        if said := piece.tool_call:
            begun = calls.setdefault(piece.tool_index, said)
            if begun is not said:
                longer = replace(begun, arguments=begun.arguments + said.arguments)
                calls[piece.tool_index] = longer
    raise AssertionError("a stream ended without End")


def hear(world: World, way: Callable[..., object], target: Target, asked: Chat) -> Answer:
    async def run() -> Answer:
        if world.twin is not None:
            return await way(world.twin, target, asked)  # type: ignore[misc, no-any-return]
        upstreams = open_upstreams(
            connection=Connection(region="us-east-1", endpoint_url=world.sandbox.url),
            keychain=Keychain(),
            environ={},
        )
        try:
            upstream = upstreams.by_kind[target.kind]
            return await way(upstream, target, asked)  # type: ignore[misc, no-any-return]
        finally:
            await upstreams.close()

    return asyncio.run(run())


WAYS = pytest.mark.parametrize("way", [whole, streamed])


@WAYS
def test_a_chat_is_answered_with_the_tokens_that_are_paid(
    world: World, way: Callable[..., object]
) -> None:
    heard = hear(world, way, world.target, chat())
    assert heard.text
    assert heard.stop is Stop.END
    assert heard.tokens.output == 40
    assert heard.tokens.input > 5


def test_a_stream_says_what_the_whole_answer_says(world: World) -> None:
    assert hear(world, streamed, world.target, chat()) == hear(world, whole, world.target, chat())


@WAYS
def test_an_answer_at_its_limit_says_so(world: World, way: Callable[..., object]) -> None:
    target = Target(Kind.BEDROCK, "m", "short") if world.twin else world.target
    heard = hear(world, way, target, chat(max_output_tokens=3))
    assert (heard.stop, heard.tokens.output) == (Stop.LENGTH, 3)


@WAYS
def test_a_required_tool_is_called_and_its_result_can_be_sent_back(
    world: World, way: Callable[..., object]
) -> None:
    if world.target.kind is Kind.SAGEMAKER:
        pytest.skip("the sandbox's containers call no tools")
    target = Target(Kind.BEDROCK, "m", "tool") if world.twin else world.target
    asked = chat(tools=(FIND,), tool_choice="required")
    heard = hear(world, way, target, asked)
    call = heard.tool_calls[0]
    assert (heard.stop, call.name) == (Stop.TOOL, "find_order")
    assert set(json.loads(call.arguments)) == {"id"}
    said = Message(Speaker.ASSISTANT, tool_calls=heard.tool_calls)
    result = Message(Speaker.TOOL, (Part(text="On its way"),), answers_call=call.call_id)
    going_on = replace(asked, messages=(*asked.messages, said, result), tool_choice="auto")
    assert hear(world, way, world.target, going_on).stop is Stop.END


@WAYS
def test_what_is_throttled_says_so(world: World, way: Callable[..., object]) -> None:
    world.throttle()
    with pytest.raises(UpstreamFailed) as caught:
        hear(world, way, world.target, chat())
    assert caught.value.trouble is Trouble.THROTTLED
    assert caught.value.words


@WAYS
def test_a_lost_answer_is_a_passing_trouble(world: World, way: Callable[..., object]) -> None:
    world.lose()
    with pytest.raises(UpstreamFailed) as caught:
        hear(world, way, world.target, chat())
    assert caught.value.trouble in {Trouble.BROKEN, Trouble.OVERLOADED}


@WAYS
def test_what_nobody_knows_is_refused_with_its_words(
    world: World, way: Callable[..., object]
) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        hear(world, way, world.unknown, chat())
    assert caught.value.trouble is Trouble.REFUSED
    assert caught.value.status == 400
    assert caught.value.words


def test_credentials_are_those_of_boto3s_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "three")
    found = Keychain()()
    assert (found.access_key, found.secret_key, found.token) == ("one", "two", "three")
