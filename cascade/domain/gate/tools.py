"""Are tool calls valid, grounded in what was said, and wanted at all?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from cascade.domain.gate import schema, structure
from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped, content
from cascade.domain.request import Answer, Chat, Tool, ToolCall

# What is read of a tool's description.
READ = 1_000
MOST_CALLS = 64
MOST_VALUES = 400
# From so much of a tool's own words in the question on, the tool fits it.
FITS = 0.34

_PIECES = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/]")


@dataclass(frozen=True, slots=True)
class Grounding:
    """How many of the arguments' values are found in what was said."""

    values: int
    found: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """Return the share found; 1 when there is nothing to find."""
        return self.found / self.values if self.values else 1.0


def invalid(chat: Chat, answer: Answer) -> Finding | None:
    """Return what is wrong with the tool calls against the offered tools' schemas."""
    offered = {tool.name: tool for tool in chat.tools}
    wrong: list[str] = []
    for call in answer.tool_calls[:MOST_CALLS]:
        wrong += _wrong(call, offered.get(call.name))
    if len(answer.tool_calls) > MOST_CALLS:
        wrong.append(f"{len(answer.tool_calls)} calls are more than {MOST_CALLS}")
    if not wrong:
        return None
    told = "; ".join(wrong[: schema.MOST_PROBLEMS])
    words = f"{len(wrong)} faults in {len(answer.tool_calls)} tool calls: {told}."
    return Finding("tool_call", words, is_fatal=True)


def _wrong(call: ToolCall, tool: Tool | None) -> list[str]:
    if tool is None:
        return [f"no tool is named {call.name[:60]!r}"]
    try:
        given = structure.read(call.arguments or "{}")
    except structure.NoJson as error:
        return [f"the arguments of {call.name} are no JSON: {error}"]
    if not isinstance(given, Mapping):
        return [f"the arguments of {call.name} are no object"]
    found = list(schema.problems(given, tool.schema, at=call.name))
    known = tool.schema.get("properties")
    if isinstance(known, Mapping) and tool.schema.get("additionalProperties") is not True:
        unknown = [name for name in given if name not in known]
        # A schema that forbids others has said so already.
        if unknown and tool.schema.get("additionalProperties") is None:
            found.append(f"{call.name} knows no {', '.join(unknown[:3])[:80]}")
    return found


def arguments(call: ToolCall) -> Mapping[str, Any]:
    """Return a call's arguments; empty when they are no JSON object."""
    try:
        given = structure.read(call.arguments or "{}")
    except structure.NoJson:
        return {}
    return given if isinstance(given, Mapping) else {}


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments a schema knows; empty where a client wrote something else there."""
    known = schema.get("properties")
    return known if isinstance(known, Mapping) else {}


def required(schema: Mapping[str, Any]) -> Sequence[Any]:
    """Return the names of the arguments a schema demands; empty likewise."""
    needed = schema.get("required")
    return needed if isinstance(needed, list | tuple) else ()


def missing(chat: Chat, answer: Answer) -> Finding | None:
    """Say whether a tool had to be called, or fits the question well, and none was."""
    if not chat.tools or answer.tool_calls or chat.tool_choice == "none":
        return None
    if chat.tool_choice != "auto":
        asked = "a tool" if chat.tool_choice == "required" else chat.tool_choice
        return Finding("tool_missing", f"The request demands {asked}; none was called.", True)
    best = max(chat.tools, key=lambda tool: fit(chat, tool))
    share = fit(chat, best)
    if share < FITS or answer.text.rstrip().endswith("?"):
        return None
    words = f"No tool was called, though {best.name} shares {share:.0%} of its words."
    return Finding("tool_missing", words, amount=share)


def unfit(chat: Chat, answer: Answer) -> Finding | None:
    """Say whether a called tool has nothing to do with what was asked."""
    offered = {tool.name: tool for tool in chat.tools}
    called = [offered[call.name] for call in answer.tool_calls if call.name in offered]
    if not called or chat.tool_choice not in ("auto", "none"):
        return None
    if chat.tool_choice == "none":
        return Finding("tool_unfit", "A tool was called, though the request forbids it.", True)
    if not content(clipped(chat.question)):
        return None
    far = [tool.name for tool in called if fit(chat, tool) == 0]
    if not far:
        return None
    words = f"{far[0]} was called, and none of its words is in the question."
    return Finding("tool_unfit", words, amount=len(far) / len(called))


def fit(chat: Chat, tool: Tool) -> float:
    """Return the share of the words of a tool's name that were said; 0 to 1."""
    named = content(" ".join(_CAMEL.split(tool.name)))
    if not named:
        named = content(tool.description[:READ])
    if not named:
        return 0.0
    return len(named & content(clipped(chat.text))) / len(named)


def ungrounded(chat: Chat, answer: Answer) -> Finding | None:
    """Return a finding when values of arguments are nowhere in what was said."""
    found = grounding(chat, answer)
    if not found.missing:
        return None
    words = (
        f"{len(found.missing)} of {found.values} argument values were never said, "
        f"such as {found.missing[0][:60]!r}."
    )
    return Finding("grounding", words, amount=1 - found.share)


def grounding(chat: Chat, answer: Answer) -> Grounding:
    """Look up each argument's value in what was said; booleans and defaults need no ground."""
    said = clipped(chat.text).lower()
    pieces = set(_PIECES.findall(said))
    values = 0
    lost: list[str] = []
    for call in answer.tool_calls[:MOST_CALLS]:
        for value in leaves(arguments(call)):
            values += 1
            if not is_said(value, said, pieces):
                lost.append(value)
            if values >= MOST_VALUES:
                return Grounding(values, values - len(lost), tuple(lost))
    return Grounding(values, values - len(lost), tuple(lost))


def leaves(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts and numbers inside of a value."""
    if depth > schema.MOST_DEPTH or isinstance(value, bool):
        return
    match value:
        case str() if value.strip():
            yield value.strip().lower()[:2_000]
        case int() | float():
            yield f"{value:g}" if isinstance(value, float) else str(value)[:40]
        case list():
            for item in value:
                yield from leaves(item, depth + 1)
        case dict():
            for item in value.values():
                yield from leaves(item, depth + 1)


_NUMERALS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
_SPOKEN = {str(number): word for number, word in enumerate(_NUMERALS.split())}


def is_said(value: str, said: str, pieces: Set[str]) -> bool:
    """Say whether a value, or all of its words, stand in a text in small letters."""
    if not said:
        return False
    parts = _PIECES.findall(value)
    if len(parts) == 1 and parts[0] in pieces:
        return True
    if value in said and not value.isdecimal():
        return True
    if _SPOKEN.get(value, "") in pieces:
        return True
    if value.isdecimal() and f"{int(value[:18]):,}" in said:
        return True
    return bool(parts) and all(part in pieces for part in parts)
