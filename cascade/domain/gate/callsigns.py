"""The numbers of tool calls that a scorer learns from: what they hold and what they leave out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cascade.domain.gate import tools
from cascade.domain.gate.words import clipped, content, words
from cascade.domain.request import Answer, Chat, Tool

COUNT = 34

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MORE = re.compile(r"\?|\balso\b|\bthen\b|\band\b|\bboth\b|\beach\b|;|\n")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CODE = re.compile(r"[(){}\[\]=]")


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    value: object
    is_needed: bool
    is_typed: bool
    is_said: bool
    is_told: bool


def signs(chat: Chat, answer: Answer) -> list[float]:
    """Return COUNT numbers; zeros where no tool is offered and none called."""
    if not chat.tools and not answer.tool_calls:
        return [0.0] * COUNT
    offered = {tool.name: tool for tool in chat.tools}
    called = [offered[one.name] for one in answer.tool_calls if one.name in offered]
    given = list(_arguments(chat, answer, offered))
    found = [
        *_amounts(chat, answer, called),
        *_grounds(given),
        *_covered(chat, answer, called, given),
        *_fitting(chat, called),
        *_nowhere(chat, answer, given),
    ]
    return found


def _amounts(chat: Chat, answer: Answer, called: list[Tool]) -> list[float]:
    read = clipped(answer.text)
    written = sum(f"{tool.name}(" in read for tool in chat.tools[:32])
    asked = len(_MORE.findall(clipped(chat.question)))
    return [
        _log(len(chat.tools)),
        _log(len(answer.tool_calls)),
        float(not answer.tool_calls),
        _log(written) if not answer.tool_calls else 0.0,
        float(not answer.tool_calls and not written),
        _log(read.count("\n")),
        _log(asked),
        _log(asked) * float(len(answer.tool_calls) == 1),
        _log(len(answer.tool_calls) - len(called)),
        _log(sum(len(tools.properties(tool.schema)) for tool in called)),
    ]


def _arguments(chat: Chat, answer: Answer, offered: dict[str, Tool]) -> Iterator[_Argument]:
    said = clipped(chat.text).lower()
    pieces = set(words(said))
    told = clipped(json.dumps([dict(tool.schema) for tool in chat.tools[:32]], default=str)).lower()
    told_pieces = set(words(told))
    for call in answer.tool_calls[: tools.MOST_CALLS]:
        schema = offered[call.name].schema if call.name in offered else {}
        known, needed = tools.properties(schema), tools.required(schema)
        for name, value in list(tools.arguments(call).items())[:64]:
            typed = known.get(name)
            yield _Argument(
                name,
                value,
                name in needed,
                isinstance(typed, dict) and "type" in typed,
                all(tools.is_said(leaf, said, pieces) for leaf in tools.leaves(value)),
                all(tools.is_said(leaf, told, told_pieces) for leaf in tools.leaves(value)),
            )


def _grounds(given: list[_Argument]) -> list[float]:
    extra = [one for one in given if not one.is_needed]
    return [
        _log(len(given)),
        _log(len(extra)),
        _log(sum(not one.is_said for one in extra)),
        _log(sum(not one.is_said for one in given if one.is_needed)),
        _log(sum(isinstance(one.value, bool) for one in extra)),
        _log(sum(not one.is_typed for one in given)),
        _log(sum(isinstance(one.value, str) and bool(_CODE.search(one.value)) for one in given)),
        _log(
            sum(
                isinstance(one.value, str) and bool(_DATE.fullmatch(one.value)) and not one.is_said
                for one in given
            )
        ),
    ]


def _covered(chat: Chat, answer: Answer, called: list[Tool], given: list[_Argument]) -> list[float]:
    """Return how much of the question is in the called tools and their arguments."""
    question = clipped(chat.question)
    asked = content(question)
    spoken = " ".join(call.arguments[:4_000] for call in answer.tool_calls[: tools.MOST_CALLS])
    known = content(spoken).union(*(_told(tool) for tool in called))
    numbers = set(_NUMBER.findall(question))
    used = set(_NUMBER.findall(spoken))
    return [
        len(asked & known) / len(asked) if asked else 0.0,
        _log(len(asked - known)) if called else 0.0,
        len(numbers - used) / len(numbers) if numbers and called else 0.0,
    ]


def _fitting(chat: Chat, called: list[Tool]) -> list[float]:
    """Return how well the called tools, and the best of all, fit the question."""
    asked = content(clipped(chat.question))
    told = [content(tool.description) for tool in called]
    shares = [len(one & asked) / len(one) for one in told if one]
    return [
        max((tools.fit(chat, tool) for tool in chat.tools), default=0.0),
        min((tools.fit(chat, tool) for tool in called), default=0.0),
        min(shares, default=0.0),
    ]


def _nowhere(chat: Chat, answer: Answer, given: list[_Argument]) -> list[float]:
    """Return what neither the question nor a tool's description holds, and how calls break."""
    lost = [one for one in given if not one.is_said and not one.is_told]
    fault = tools.invalid(chat, answer)
    words_ = fault.words if fault else ""
    asked = content(clipped(chat.question))
    names = {call.name for call in answer.tool_calls}
    described = content(
        clipped(
            " ".join(
                f"{tool.description} {json.dumps(dict(tool.schema), default=str)[:4_000]}"
                for tool in chat.tools
                if tool.name in names
            )
        )
    )
    return [
        _log(sum(one.is_needed for one in lost)),
        _log(sum(not one.is_needed for one in lost)),
        float(any(isinstance(one.value, list) for one in given)),
        float("lacks" in words_),
        float("instead of" in words_),
        float("no tool is named" in words_),
        _log(max(0, len(chat.tools) - len(names))),
        len(asked & described) / len(asked) if asked and names else 0.0,
        float(len(chat.tools) == 1 and bool(names)),
        float(len(chat.tools) == 1) * (len(asked & described) / len(asked) if asked else 0.0),
    ]


def _told(tool: Tool) -> frozenset[str]:
    names = " ".join(tools.properties(tool.schema))
    return content(" ".join((tool.name, tool.description, names)).replace("_", " "))


def _log(count: float) -> float:
    return math.log1p(count)
