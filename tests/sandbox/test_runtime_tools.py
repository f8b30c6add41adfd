"""Pretend models call tools."""

import json
from typing import Any

from tests.sandbox.conftest import Sandbox
from tests.sandbox.runtime import HAIKU, talk

TOOLS = [
    {
        "toolSpec": {
            "name": "find_order",
            "inputSchema": {
                "json": {
                    "type": "object",
                    "properties": {"number": {"type": "integer"}, "speed": {"enum": ["a", "b"]}},
                    "required": ["number", "speed"],
                }
            },
        }
    }
]


def ask(aws: Sandbox, text: str, **choice: Any) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("bedrock-runtime").converse(
        modelId=HAIKU, messages=talk(text), toolConfig={"tools": TOOLS, **choice}
    )
    return found


def test_a_tool_that_must_be_used_is_called_with_arguments_of_its_schema(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0)
    answer = ask(aws, "Where is 4711? [slipway difficulty=0]", toolChoice={"any": {}})

    used = answer["output"]["message"]["content"][0]["toolUse"]
    assert answer["stopReason"] == "tool_use"
    assert used["name"] == "find_order"
    assert used["input"] == {"number": 4711, "speed": "a"}


def test_a_tool_nobody_asked_for_is_left_alone_and_one_that_is_named_is_used(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0)

    assert ask(aws, "Hello there")["stopReason"] == "end_turn"
    assert ask(aws, "Please find my order 12")["stopReason"] == "tool_use"


def test_a_streamed_call_carries_its_arguments_in_pieces(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0)
    stream = aws.client("bedrock-runtime").converse_stream(
        modelId=HAIKU,
        messages=talk("Where is 4711? [slipway difficulty=0]"),
        toolConfig={"tools": TOOLS, "toolChoice": {"any": {}}},
    )["stream"]
    events = list(stream)

    pieces = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
    assert json.loads("".join(each["toolUse"]["input"] for each in pieces))["number"] == 4711
    assert [e["messageStop"]["stopReason"] for e in events if "messageStop" in e] == ["tool_use"]
