"""Chats and answers in one line."""

import json
from typing import Any

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

WEATHER = Tool(
    name="get_weather",
    description="Get the weather of a city.",
    schema={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)


def asked(text: str, **given: Any) -> Chat:
    return Chat(messages=(Message(Speaker.USER, (Part(text=text),)),), **given)


def answered(text: str, *, stop: Stop = Stop.END, output: int = 20) -> Answer:
    return Answer(text=text, stop=stop, tokens=Tokens(input=10, output=output))


def called(name: str, **arguments: Any) -> Answer:
    return Answer(
        text="",
        stop=Stop.TOOL,
        tokens=Tokens(),
        tool_calls=(ToolCall("1", name, json.dumps(arguments)),),
    )
