"""Every chat completion is read as it was meant, or refused with where and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.request import Part, Speaker, ToolCall
from cascade.domain.wire import openai
from cascade.domain.wire.fields import Fault, compact, parse

USER = {"role": "user", "content": "Hello"}
PIXEL = "iVBORw0KGgo="
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_order", "arguments": '{"id": 7}'},
}
TOOL = {
    "type": "function",
    "function": {
        "name": "find_order",
        "description": "Finds an order.",
        "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
    },
}


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "support", "messages": [USER]} | changes


def fault(**changes: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        openai.read_request(body(**changes))
    return caught.value


def test_a_plain_chat_is_read() -> None:
    asked = openai.read_request(body(temperature=0.2, top_p=1, stop="END", max_tokens=9))
    chat = asked.chat
    assert (asked.model, asked.is_streamed, asked.wants_usage) == ("support", False, False)
    assert chat.question == "Hello"
    assert (chat.temperature, chat.top_p, chat.max_output_tokens) == (0.2, 1.0, 9)
    assert chat.stop_words == ("END",)


def test_the_newer_limit_of_tokens_counts_before_the_older() -> None:
    chat = openai.read_request(body(max_tokens=9, max_completion_tokens=5)).chat
    assert chat.max_output_tokens == 5


def test_developers_and_systems_speak_alike() -> None:
    said = [{"role": role, "content": "Be kind."} for role in ("developer", "system")]
    chat = openai.read_request(body(messages=[*said, USER])).chat
    assert [each.speaker for each in chat.messages[:2]] == [Speaker.SYSTEM] * 2


def test_an_image_comes_in_the_request_itself() -> None:
    url = {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    chat = openai.read_request(body(messages=[{"role": "user", "content": parts}])).chat
    assert chat.messages[0].parts == (
        Part(text="What is it?"),
        Part(media_type="image/png", data=PIXEL),
    )
    assert chat.has_images


def test_an_image_elsewhere_is_never_fetched() -> None:
    url = {"url": "http://169.254.169.254/latest/meta-data"}
    parts = [{"type": "image_url", "image_url": url}]
    found = fault(messages=[{"role": "user", "content": parts}])
    assert found.path == "messages.0.content.0.image_url.url"
    assert "Nothing is fetched" in found.words


def test_a_tools_call_and_its_result_belong_together() -> None:
    said = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
    ]
    chat = openai.read_request(body(messages=said, tools=[TOOL])).chat
    assert chat.messages[1].tool_calls == (ToolCall("call_1", "find_order", '{"id": 7}'),)
    assert chat.messages[2].answers_call == "call_1"
    assert chat.tools[0].schema["properties"] == {"id": {"type": "integer"}}


def test_a_result_without_its_call_is_refused() -> None:
    stray = {"role": "tool", "tool_call_id": "call_9", "content": "7"}
    assert fault(messages=[USER, stray]).path == "messages.1.tool_call_id"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "find_order"}}, "find_order"),
    ],
)
def test_a_choice_of_tools_is_read_and_written(choice: object, expected: str) -> None:
    chat = openai.read_request(body(tools=[TOOL], tool_choice=choice)).chat
    assert chat.tool_choice == expected
    written = openai.write_request(chat, model="m")
    assert written["tool_choice"] == (choice or "auto")
    assert written["tools"] == [TOOL]


def test_a_schema_is_what_the_answer_must_satisfy() -> None:
    schema = {"type": "object", "required": ["intent"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    chat = openai.read_request(body(response_format=wanted)).chat
    assert (chat.schema, chat.wants_json) == (schema, True)
    free = openai.read_request(body(response_format={"type": "json_object"})).chat
    assert (free.schema, free.wants_json) == (None, True)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": [], "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages.0.content.0.type",
        ),
        ({"messages": [{"role": "assistant", "function_call": {}}]}, "messages.0.function_call"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop.0"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"max_token": 5}, "max_token"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"tools": [TOOL, TOOL]}, "tools.1.function.name"),
        ({"tools": [{"type": "web"}]}, "tools.0.type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice.function.name",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], path: str) -> None:
    found = fault(**changes)
    assert found.path == path
    assert found.words.endswith(".")


def test_what_changes_nothing_is_let_through() -> None:
    usual = {
        "user": "u1",
        "metadata": {},
        "seed": 7,
        "store": False,
        "n": 1,
        "frequency_penalty": 0.0,
        "parallel_tool_calls": True,
        "logprobs": False,
    }
    assert openai.read_request(body(**usual)).chat == openai.read_request(body()).chat


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "no JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\xed\xa0\xbd"}', "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\\ud83d"}', "UTF-8"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "no JSON"),
    ],
)
def test_a_body_that_is_no_json_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Fault, match=words):
        parse(data)


def test_a_whole_pair_of_surrogates_is_a_letter() -> None:
    assert parse(b'{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "tool", "text", "function", "auto", "json_schema"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "function", "name", "id", "url"])
            | st.text(max_size=4),
            inner,
        )
    ),
    max_leaves=12,
)
FIELDS = ["messages", "tools", "tool_choice", "response_format", "stop", "stream", "temperature"]


@given(sent=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANYTHING)))
@settings(max_examples=200)
def test_any_body_is_read_or_refused_and_what_is_read_can_be_written(sent: dict[str, Any]) -> None:
    try:
        asked = openai.read_request(body() | sent)
    except Fault:
        return
    written = json.loads(compact(openai.write_request(asked.chat, model="m")))
    assert openai.read_request(written).chat == asked.chat
