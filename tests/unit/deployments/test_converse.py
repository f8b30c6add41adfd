"""The function behind Lambda + Bedrock takes what it documents and refuses the rest in words."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from deployments.adapters.lambda_ import SOURCES, package


@pytest.fixture(scope="module")
def converse() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_ID", "arn:profile")
        spec = importlib.util.spec_from_file_location("converse", SOURCES / "converse.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def url_event(body: str, *, is_base64: bool = False) -> dict[str, Any]:
    return {"requestContext": {}, "body": body, "isBase64Encoded": is_base64}


def test_a_prompt_becomes_one_message(converse: ModuleType) -> None:
    asked = converse.parse(url_event(json.dumps({"prompt": "Hello", "max_tokens": 7})))
    assert asked == {
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {"maxTokens": 7},
    }


def test_a_body_in_base64_and_a_plain_invocation_are_the_same(converse: ModuleType) -> None:
    body = {"prompt": "Grüße", "temperature": 0.5, "system": "Be brief."}
    packed = base64.b64encode(json.dumps(body).encode()).decode()
    assert converse.parse(url_event(packed, is_base64=True)) == converse.parse(body)
    assert converse.parse(body)["system"] == [{"text": "Be brief."}]


def test_a_conversation_keeps_its_roles(converse: ModuleType) -> None:
    turns = [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello"}]
    asked = converse.parse({"messages": turns})
    assert [each["role"] for each in asked["messages"]] == ["user", "assistant"]


BAD = [
    "", "no json", "[]", "null", '"text"', "{}", '{"prompt": ""}', '{"prompt": 7}',
    '{"messages": []}', '{"messages": [{"role": "system", "text": "x"}]}',
    '{"messages": ["x"]}', '{"messages": [{"role": "user"}]}',
    '{"prompt": "x", "max_tokens": 0}', '{"prompt": "x", "max_tokens": "9"}',
    '{"prompt": "x", "max_tokens": true}', '{"prompt": "x", "max_tokens": 1.5}',
    '{"prompt": "x", "temperature": 2}', '{"prompt": "x", "system": 5}',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_nonsense_is_a_400_with_a_sentence_and_calls_nothing(
    converse: ModuleType, body: str
) -> None:
    reply = converse.handler(url_event(body), None)
    assert reply["statusCode"] == 400
    said = json.loads(reply["body"])
    assert said["error"] == "bad-request"
    assert said["message"].endswith(".")


def test_broken_base64_is_refused_too(converse: ModuleType) -> None:
    reply = converse.handler(url_event("%%%", is_base64=True), None)
    assert reply["statusCode"] == 400


def test_the_same_source_is_the_same_archive(tmp_path: Path) -> None:
    package.cache_clear()
    first = package("converse")
    package.cache_clear()
    assert package("converse") == first
