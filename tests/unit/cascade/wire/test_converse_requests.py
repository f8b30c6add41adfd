"""A Converse request is read and written without loss, in the turns that Bedrock takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.request import Chat, Message, Part, Speaker, Tool, ToolCall
from cascade.domain.wire import converse, openai
from cascade.domain.wire.fields import Fault

SHAPE = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape
SPEC = {"name": "find", "description": "Finds.", "inputSchema": {"json": {"type": "object"}}}
USED = {"toolUse": {"toolUseId": "t1", "name": "find", "input": {"id": 7}}}
WHOLE = {
    "system": [{"text": "Be kind."}],
    "messages": [
        {"role": "user", "content": [{"text": "Where is it?"}]},
        {"role": "assistant", "content": [{"text": "I look."}, USED]},
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "On its way"}]}},
                {"text": "And now?"},
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["X"]},
    "toolConfig": {"tools": [{"toolSpec": SPEC}], "toolChoice": {"any": {}}},
}


def user(text: str) -> Message:
    return Message(Speaker.USER, (Part(text=text),))


def sent(**changes: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]} | changes


def test_a_request_is_read_and_written_without_loss() -> None:
    assert converse.write_request(converse.read_request(WHOLE)) == WHOLE


def test_one_speakers_messages_in_a_row_become_one_turn() -> None:
    chat = Chat(messages=(user("Hello"), user("Are you there?")))
    assert converse.write_request(chat)["messages"] == [
        {"role": "user", "content": [{"text": "Hello"}, {"text": "Are you there?"}]}
    ]


def test_empty_texts_are_left_out_because_bedrock_refuses_them() -> None:
    said = (user("Hello"), Message(Speaker.ASSISTANT, (Part(text=" "),)), user("Well?"))
    turns = converse.write_request(Chat(messages=said))["messages"]
    assert [turn["role"] for turn in turns] == ["user"]


def test_a_hotter_temperature_than_bedrocks_is_its_hottest() -> None:
    chat = Chat(messages=(user("Hello"),), temperature=1.7)
    assert converse.write_request(chat)["inferenceConfig"] == {"temperature": 1.0}


def test_json_is_asked_for_in_words_with_its_schema() -> None:
    chat = Chat(messages=(user("Hello"),), schema={"type": "object"}, wants_json=True)
    assert '{"type":"object"}' in converse.write_request(chat)["system"][0]["text"]


def test_tools_called_before_stay_known_when_none_may_be_called() -> None:
    called = Message(Speaker.ASSISTANT, tool_calls=(ToolCall("t1", "find", "{}"),))
    result = Message(Speaker.TOOL, answers_call="t1")
    chat = Chat(messages=(user("Hi"), called, result), tool_choice="none")
    written = converse.write_request(chat)
    assert [tool["toolSpec"]["name"] for tool in written["toolConfig"]["tools"]] == ["find"]
    assert "toolChoice" not in written["toolConfig"]
    assert "Do not call a tool" in written["system"][0]["text"]


def test_tools_are_not_offered_when_none_may_be_called() -> None:
    chat = Chat(messages=(user("Hi"),), tools=(Tool("find"),), tool_choice="none")
    assert "toolConfig" not in converse.write_request(chat)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [('{"id": 7}', {"id": 7}), ("", {}), ("[1]", {"arguments": "[1]"}), ("{", {"arguments": "{"})],
)
def test_arguments_that_are_no_object_are_kept_as_text(arguments: str, given: object) -> None:
    called = Message(Speaker.ASSISTANT, tool_calls=(ToolCall("t1", "find", arguments),))
    turns = converse.write_request(Chat(messages=(user("Hi"), called)))["messages"]
    assert turns[1]["content"][0]["toolUse"]["input"] == given


def test_cache_points_and_reasoning_are_passed_over() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
    point = {"cachePoint": {"type": "default"}}
    chat = converse.read_request(
        {
            "system": [{"text": "Be kind."}, point],
            "messages": [
                {"role": "user", "content": [{"text": "Hi"}, point]},
                {"role": "assistant", "content": [thought, {"text": "Hello"}]},
            ],
        }
    )
    assert [each.text for each in chat.messages] == ["Be kind.", "Hi", "Hello"]


def test_a_schema_travels_as_text() -> None:
    structure = {"jsonSchema": {"schema": '{"type": "object"}'}}
    wanted = {"textFormat": {"type": "json_schema", "structure": structure}}
    chat = converse.read_request(sent(outputConfig=wanted))
    assert (chat.schema, chat.wants_json) == ({"type": "object"}, True)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": []}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"video": {}}]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"image": {"format": "bmp"}}]}]},
            "messages.0.content.0.image.format",
        ),
        ({"inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"inferenceConfig": {"topK": 5}}, "inferenceConfig.topK"),
        ({"inferenceConfig": {"stopSequences": [7]}}, "inferenceConfig.stopSequences.0"),
        ({"guardrailConfig": {}}, "guardrailConfig"),
        ({"toolConfig": {}}, "toolConfig.tools"),
        ({"toolConfig": {"tools": [{}]}}, "toolConfig.tools.0"),
        (
            {"toolConfig": {"tools": [], "toolChoice": {"tool": {"name": "x"}}}},
            "toolConfig.toolChoice.tool.name",
        ),
        ({"system": [{"image": {}}]}, "system.0"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(Fault) as caught:
        converse.read_request(sent(**changes))
    assert caught.value.path == path


WORDS = st.text(max_size=6)
SAID = st.builds(
    Message,
    speaker=st.sampled_from([Speaker.SYSTEM, Speaker.USER, Speaker.ASSISTANT]),
    parts=st.lists(st.builds(Part, text=WORDS), max_size=3).map(tuple),
    tool_calls=st.just(()),
)
CHATS = st.builds(
    Chat,
    messages=st.lists(SAID, max_size=5).map(lambda said: (user("Hi"), *said)),
    tools=st.sampled_from([(), (Tool("find"),), (Tool("find", "Finds.", {"type": "object"}),)]),
    tool_choice=st.sampled_from(["auto", "none", "required", "find"]),
    max_output_tokens=st.none() | st.integers(1, 9),
    temperature=st.none() | st.floats(0, 2),
    wants_json=st.booleans(),
)


@given(chat=CHATS)
@settings(max_examples=100)
def test_whatever_is_written_has_bedrocks_own_shape(chat: Chat) -> None:
    written = converse.write_request(chat)
    report = ParamValidator().validate({"modelId": "m"} | written, SHAPE)
    assert not report.has_errors(), report.generate_report()
    roles = [turn["role"] for turn in written["messages"]]
    assert all(one != other for one, other in pairwise(roles))


def test_what_openais_clients_send_can_be_asked_of_bedrock() -> None:
    asked = openai.read_request(
        {
            "model": "support",
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Where?"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "t1", "function": {"name": "find", "arguments": '{"id":7}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "t1", "content": "On its way"},
            ],
        }
    )
    written = converse.write_request(asked.chat)
    assert written["messages"][1]["content"] == [USED]
    assert written["messages"][2]["content"][0]["toolResult"]["toolUseId"] == "t1"
