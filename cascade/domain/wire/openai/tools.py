"""The tools of a chat completion and which of them must be called, read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cascade.domain.request import Tool
from cascade.domain.wire.fields import Fault, mapping, maybe, sequence, text

MOST_TOOLS = 128
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORDS = frozenset({"auto", "none", "required"})


def read(value: object) -> tuple[Tool, ...]:
    """Return the tools offered. Raises Fault."""
    if value is None:
        return ()
    found = [
        _tool(mapping(each, f"tools.{place}"), f"tools.{place}")
        for place, each in enumerate(sequence(value, "tools", most=MOST_TOOLS))
    ]
    names = [tool.name for tool in found]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Fault(f"tools.{place}.function.name", f"Two tools are named {name}.")
    return tuple(found)


def read_choice(value: object, offered: tuple[Tool, ...]) -> str:
    """Return auto, none, required or the name of the tool that must be called. Raises Fault."""
    if value is None:
        return "auto"
    if isinstance(value, str) and value in _WORDS:
        if value == "required" and not offered:
            raise Fault("tool_choice", "A tool is required, but none is offered in tools.")
        return value
    if not isinstance(value, dict) or value.get("type") != "function":
        raise Fault("tool_choice", "This must be auto, none, required or a function by its name.")
    named = mapping(value.get("function"), "tool_choice.function")
    name = text(named.get("name"), "tool_choice.function.name")
    if name not in {tool.name for tool in offered}:
        raise Fault("tool_choice.function.name", f"No tool in tools is named {name!r}.")
    return name


def write_choice(choice: str) -> object:
    """Return a choice as JSON has it."""
    if choice in _WORDS:
        return choice
    return {"type": "function", "function": {"name": choice}}


def _tool(sent: Mapping[str, Any], path: str) -> Tool:
    if sent.get("type") != "function":
        raise Fault(f"{path}.type", "This must be function.")
    path = f"{path}.function"
    named = mapping(sent.get("function"), path)
    name = text(named.get("name"), f"{path}.name")
    if not _NAME.fullmatch(name) or name in _WORDS:
        raise Fault(
            f"{path}.name",
            "A name is 1 to 64 of letters, digits, _ and -, and none of auto, none, required.",
        )
    return Tool(
        name=name,
        description=maybe(named.get("description"), f"{path}.description", text) or "",
        schema=maybe(named.get("parameters"), f"{path}.parameters", mapping) or _NOTHING,
    )


_NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}}
