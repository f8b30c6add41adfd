"""A chat, written as a Converse request. Pure.

Converse takes turns of user and assistant in alternation, no empty text, no tool choice "none",
and tools wherever a tool was ever called. JSON is asked for in words, since not every model takes
a schema; whether the answer satisfies it is the gate's to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cascade.domain.request import Chat, Message, Part, Speaker, Tool, ToolCall
from cascade.domain.wire.fields import compact

Block = dict[str, Any]
# Models on Bedrock take 0 to 1 where OpenAI's take 0 to 2.
_HOTTEST = 1.0


def write_request(chat: Chat) -> dict[str, Any]:
    """Return the body of a Converse or ConverseStream request; the model's id goes in the URL."""
    body: dict[str, Any] = {"messages": _turns(chat.messages)}
    if system := _system(chat):
        body["system"] = system
    if settings := _settings(chat):
        body["inferenceConfig"] = settings
    if tools := _tools(chat):
        body["toolConfig"] = tools
    return body


def _settings(chat: Chat) -> dict[str, Any]:
    heat = chat.temperature
    settings = {
        "maxTokens": chat.max_output_tokens,
        "temperature": None if heat is None else min(heat, _HOTTEST),
        "topP": chat.top_p,
        "stopSequences": list(chat.stop_words) or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _system(chat: Chat) -> list[Block]:
    said = (part for each in chat.messages if each.speaker is Speaker.SYSTEM for part in each.parts)
    blocks = [{"text": part.text} for part in said if part.text.strip()]
    if chat.schema is not None:
        wish = "Answer only with JSON, no other text, that satisfies this JSON schema:"
        blocks.append({"text": f"{wish} {compact(dict(chat.schema))}"})
    elif chat.wants_json:
        blocks.append({"text": "Answer only with one JSON object, no other text."})
    if chat.tool_choice == "none" and _called(chat):
        blocks.append({"text": "Do not call a tool now; answer in words."})
    return blocks


def _turns(messages: Iterable[Message]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.speaker is Speaker.SYSTEM:
            continue
        role = "assistant" if message.speaker is Speaker.ASSISTANT else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[Block]:
    parts = [_part(part) for part in message.parts if part.is_image or part.text.strip()]
    if message.speaker is Speaker.TOOL:
        return [{"toolResult": {"toolUseId": message.answers_call, "content": parts}}]
    return parts + [_call(call) for call in message.tool_calls]


def _part(part: Part) -> Block:
    if not part.is_image:
        return {"text": part.text}
    kind = part.media_type.removeprefix("image/")
    return {"image": {"format": kind, "source": {"bytes": part.data}}}


def _call(call: ToolCall) -> Block:
    """Return a call made before; arguments that were no JSON object are kept as a text."""
    try:
        given = json.loads(call.arguments)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        given = {"arguments": call.arguments} if call.arguments.strip() else {}
    return {"toolUse": {"toolUseId": call.call_id, "name": call.name, "input": given}}


def _tools(chat: Chat) -> dict[str, Any] | None:
    called = _called(chat)
    if chat.tool_choice == "none" and not called:
        return None
    tools = chat.tools or tuple(Tool(name=name) for name in called)
    if not tools:
        return None
    config: dict[str, Any] = {"tools": [_tool(tool) for tool in tools]}
    match chat.tool_choice:
        case "auto" | "none":
            pass
        case "required":
            config["toolChoice"] = {"any": {}}
        case name:
            config["toolChoice"] = {"tool": {"name": name}}
    return config


def _called(chat: Chat) -> tuple[str, ...]:
    """Return the names of the tools that were called so far, each once."""
    return tuple(dict.fromkeys(call.name for each in chat.messages for call in each.tool_calls))


def _tool(tool: Tool) -> Block:
    spec: Block = {
        "name": tool.name,
        "inputSchema": {"json": dict(tool.schema) or {"type": "object"}},
    }
    if tool.description:
        spec["description"] = tool.description
    return {"toolSpec": spec}
