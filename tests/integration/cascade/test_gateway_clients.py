"""A real gateway process, asked by the clients that people have: OpenAI's and boto3's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest import mock

import boto3
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract.cascade.servers import TEXT
from tests.fixtures.gateways import Case, Gateway, Place, certificate, place, published
from tests.fixtures.servers import wait_until

ANSWERS = Case(1)
CALLS = Case(2, ("tool", "tool", "tool"))
REVOKED = Case(3)
DOWN = Case(4, ("failed", "failed", "failed"))
CASES = (ANSWERS, CALLS, REVOKED, DOWN)
ASKED: Any = [{"role": "user", "content": "Where is my order?"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "find_order",
        "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
    },
}
TURNS = [{"role": "user", "content": [{"text": "Where is my order?"}]}]
SPEC = {
    "name": "find_order",
    "inputSchema": {"json": {"type": "object", "properties": {"id": {"type": "integer"}}}},
}
TOOLS = {"tools": [{"toolSpec": SPEC}]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Counters and models."""
    with place(tmp_path_factory.mktemp("clients")) as found:
        found.publish(published(CASES, revoked=[REVOKED]))
        yield found


@pytest.fixture(scope="module")
def gateway(site: Place) -> Iterator[Gateway]:
    """A gateway between them."""
    with site.gateway() as found:
        yield found


@pytest.fixture(scope="module")
def over_tls(site: Place) -> Iterator[Gateway]:
    """A gateway over HTTPS: boto3 sends no key of Bedrock's in the clear."""
    with site.gateway(tls=certificate(site.folder)) as found:
        yield found


def by_openai(gateway: Gateway, case: Case) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=case.secret, max_retries=0)


@contextmanager
def by_boto3(gateway: Gateway, case: Case) -> Iterator[Any]:
    """Yield AWS's client as it is configured by its own variable, with a key of ours."""
    with mock.patch.dict(os.environ, {"AWS_BEARER_TOKEN_BEDROCK": case.secret}):
        client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=gateway.url,
            verify=str(gateway.authority),
            config=Config(retries={"total_max_attempts": 1}),
        )
        with closing(client):
            yield client


def test_openais_client_is_answered_and_told_by_whom_and_for_how_much(
    gateway: Gateway, site: Place
) -> None:
    before = len(site.told(ANSWERS)[1])
    with by_openai(gateway, ANSWERS) as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=ASKED)
    found = raw.parse()
    assert found.choices[0].message.content == TEXT
    assert found.usage is not None
    assert found.usage.total_tokens == 18
    assert raw.headers["x-cascade-tier"] == "small"
    attempts, trials = site.settled(ANSWERS, trials=before + 1)
    assert raw.headers["x-cascade-decision-id"] == str(trials[-1].id)
    # 12 tokens at 1 USD and 6 at 5 USD a million.
    assert raw.headers["x-cascade-cost-usd"] == "0.000042"
    assert attempts[-1].micro == 42


@pytest.mark.parametrize("model", ["auto", "case-1", "large"])
def test_openais_client_reads_a_stream_to_its_end(gateway: Gateway, model: str) -> None:
    with by_openai(gateway, ANSWERS) as client:
        stream = client.chat.completions.create(
            model=model, messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == TEXT
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 18


@pytest.mark.parametrize("model", ["auto", "large"])
def test_openais_client_gets_a_tools_call_whole_and_streamed(gateway: Gateway, model: str) -> None:
    with by_openai(gateway, CALLS) as client:
        whole = client.chat.completions.create(model=model, messages=ASKED, tools=[TOOL])
        with client.chat.completions.stream(model=model, messages=ASKED, tools=[TOOL]) as stream:
            streamed = stream.get_final_completion()
    for found in (whole, streamed):
        assert found.choices[0].finish_reason == "tool_calls"
        call: Any = (found.choices[0].message.tool_calls or [])[0]
        assert (call.id, call.function.name) == ("call_1", "find_order")
        assert call.function.arguments.replace(" ", "") == '{"id":7}'


def test_openais_client_lists_what_may_be_asked_for(gateway: Gateway) -> None:
    with by_openai(gateway, ANSWERS) as client:
        names = [model.id for model in client.models.list()]
    assert names == ["case-1", "auto", "small", "medium", "large"]


def test_openais_client_raises_its_own_errors(gateway: Gateway) -> None:
    with by_openai(gateway, REVOKED) as client:
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            client.chat.completions.create(model="auto", messages=ASKED)
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            client.models.list()
    with by_openai(gateway, ANSWERS) as client:
        with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-4'"):
            client.chat.completions.create(model="gpt-4", messages=ASKED)
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="auto", messages=ASKED, temperature=9)
        assert caught.value.param == "temperature"
    with by_openai(gateway, DOWN) as client:
        with pytest.raises(openai.InternalServerError) as down:
            client.chat.completions.create(model="auto", messages=ASKED)
        assert (down.value.status_code, down.value.code) == (503, "upstream_overloaded")


def test_boto3_converses_with_a_key_in_place_of_a_signature(over_tls: Gateway) -> None:
    with by_boto3(over_tls, ANSWERS) as client:
        found = client.converse(modelId="auto", messages=TURNS)
    assert found["output"]["message"]["content"] == [{"text": TEXT}]
    assert found["stopReason"] == "end_turn"
    assert found["usage"]["totalTokens"] == 18
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-cascade-tier"] == "small"


@pytest.mark.parametrize("model", ["auto", "large"])
def test_boto3_reads_a_stream_to_its_end(over_tls: Gateway, model: str) -> None:
    with by_boto3(over_tls, ANSWERS) as client:
        found = client.converse_stream(modelId=model, messages=TURNS)
        with closing(found["stream"]) as stream:
            events = list(stream)
    deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
    assert "".join(delta["text"] for delta in deltas) == TEXT
    assert {"messageStop": {"stopReason": "end_turn"}} in events
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 18


def test_boto3_gets_a_tools_call(over_tls: Gateway) -> None:
    with by_boto3(over_tls, CALLS) as client:
        found = client.converse(modelId="auto", messages=TURNS, toolConfig=TOOLS)
    used = found["output"]["message"]["content"][-1]["toolUse"]
    assert used == {"toolUseId": "call_1", "name": "find_order", "input": {"id": 7}}
    assert found["stopReason"] == "tool_use"


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        (REVOKED, "AccessDeniedException", "This key was revoked"),
        (DOWN, "ServiceUnavailableException", "No stage answered"),
    ],
    ids=["revoked", "down"],
)
def test_boto3_raises_its_own_errors(over_tls: Gateway, case: Case, code: str, words: str) -> None:
    with by_boto3(over_tls, case) as client:
        with pytest.raises(ClientError, match=words) as whole:
            client.converse(modelId="auto", messages=TURNS)
        with pytest.raises(ClientError, match=words) as streamed:
            client.converse_stream(modelId="auto", messages=TURNS)
    assert {each.value.response["Error"]["Code"] for each in (whole, streamed)} == {code}


def test_whatever_clients_asked_the_books_are_even(gateway: Gateway, site: Place) -> None:
    assert gateway.ask(ANSWERS).status_code == 200
    for case in (ANSWERS, CALLS, DOWN):
        wait_until(lambda case=case: _is_told(site, case), what="all that was asked is logged")
        site.settled(case, trials=len(site.told(case)[1]))
    assert site.told(REVOKED) == ([], [])


def _is_told(site: Place, case: Case) -> bool:
    if site.redis.hlen("cascade:holds"):
        return False
    attempts, trials = site.told(case)
    return {each.trial for each in attempts} <= {each.id for each in trials}
