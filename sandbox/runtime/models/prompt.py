"""What a caller asks of a model, whatever the shape it was written in."""

import json
from dataclasses import dataclass, replace
from typing import Any

from sandbox.runtime import tokens
from sandbox.wire import AwsError


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is offered, and the JSON schema of its arguments."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text and limits; max_tokens None means the model's own limit.

    `question` is the last text a user wrote; `tool_choice` is a tool's name, "any" or empty.
    """

    text: str
    input_tokens: int
    max_tokens: int | None
    stop_sequences: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    question: str = ""


def invalid(message: str) -> AwsError:
    """Return a ValidationException."""
    return AwsError("ValidationException", message)


def mapping(value: Any, name: str) -> dict[str, Any]:
    """Return a JSON object, empty when absent; refuses anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name}: Input should be an object")
    return value


def strings(value: Any, name: str) -> tuple[str, ...]:
    """Return a list of non-empty texts, none when absent; refuses anything else."""
    given = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise invalid(f"{name}: Input should be a list of strings")
    return tuple(given)


def gather(
    parts: list[str], attachments: int, max_tokens: int | None, stop_sequences: tuple[str, ...]
) -> Prompt:
    """Return a prompt from its texts; a chat costs three tokens of framing a part."""
    text = "\n".join(parts)
    counted = tokens.count(text) + attachments * tokens.TOKENS_PER_ATTACHMENT + 3 * len(parts)
    return Prompt(text, max(1, counted), max_tokens, stop_sequences)


def of_converse(wish: dict[str, Any]) -> Prompt:
    """Read a Converse request; refuses what AWS refuses about the turns."""
    messages = wish.get("messages") or []
    _check_turns(messages)
    parts, attachments = _texts(wish.get("system") or [])
    for message in messages:
        texts, more = _texts(message["content"])
        parts, attachments = parts + texts, attachments + more
    if tools := wish.get("toolConfig"):
        parts = [*parts, json.dumps(tools)]
    config = wish.get("inferenceConfig") or {}
    said = gather(
        parts, attachments, config.get("maxTokens"), tuple(config.get("stopSequences") or ())
    )
    tools, choice = _tools(wish.get("toolConfig") or {})
    return replace(said, tools=tools, tool_choice=choice, question=_question(messages))


def _tools(config: dict[str, Any]) -> tuple[tuple[Tool, ...], str]:
    """Return the tools on offer, and the name of the one to use ("any": one of them)."""
    specs = [each["toolSpec"] for each in config.get("tools") or () if "toolSpec" in each]
    offered = tuple(
        Tool(spec["name"], (spec.get("inputSchema") or {}).get("json") or {}) for spec in specs
    )
    choice = config.get("toolChoice") or {}
    named = (choice.get("tool") or {}).get("name", "")
    return offered, named or ("any" if "any" in choice else "")


def _question(messages: list[dict[str, Any]]) -> str:
    """Return what the user last wrote; empty when the last turn brings a tool's result."""
    last = messages[-1]["content"]
    if any("toolResult" in block for block in last):
        return ""
    return "\n".join(block["text"] for block in last if "text" in block)


def _check_turns(messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise invalid("A conversation must have at least one message. Try again with one.")
    if messages[0]["role"] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        )
    if not all(message["content"] for message in messages):
        raise invalid("The content field in the Message object is empty. Add a ContentBlock.")


def _texts(blocks: list[dict[str, Any]]) -> tuple[list[str], int]:
    texts, attachments = [], 0
    for block in blocks:
        if "text" in block:
            texts.append(block["text"])
        elif "toolResult" in block or "toolUse" in block:
            texts.append(json.dumps(block))
        elif "cachePoint" not in block:
            attachments += 1
    return texts, attachments
