"""The numbers of tool calls that a scorer learns from: how many, for what, and how they break.

Where their arguments are from, and what they leave out, is counted in `callgaps`.
"""

from __future__ import annotations

import math
import re

from cascade.domain.gate import tools
from cascade.domain.gate.words import clipped, content
from cascade.domain.request import Answer, Chat, Tool

COUNT = 22

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MORE = re.compile(r"\?|\balso\b|\bthen\b|\band\b|\bboth\b|\beach\b|;|\n")
_MOST_SPOKEN = 4_000


def signs(chat: Chat, answer: Answer) -> list[float]:
    """Return COUNT numbers; zeros where no tool is offered and none called."""
    if not chat.tools and not answer.tool_calls:
        return [0.0] * COUNT
    offered = {tool.name: tool for tool in chat.tools}
    called = [offered[one.name] for one in answer.tool_calls if one.name in offered]
    asked = content(clipped(chat.question))
    return [
        *_amounts(chat, answer, called),
        *_covered(chat, answer, called, asked),
        *_fitting(chat, called, asked),
        *_broken(chat, answer),
    ]


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


def _covered(chat: Chat, answer: Answer, called: list[Tool], asked: frozenset[str]) -> list[float]:
    """Return how much of the question is in the called tools and their arguments."""
    calls = answer.tool_calls[: tools.MOST_CALLS]
    spoken = " ".join(call.arguments[:_MOST_SPOKEN] for call in calls)
    known = content(spoken).union(*(_told(tool) for tool in called))
    numbers = set(_NUMBER.findall(clipped(chat.question)))
    used = set(_NUMBER.findall(spoken))
    return [
        len(asked & known) / len(asked) if asked else 0.0,
        _log(len(asked - known)) if called else 0.0,
        len(numbers - used) / len(numbers) if numbers and called else 0.0,
    ]


def _fitting(chat: Chat, called: list[Tool], asked: frozenset[str]) -> list[float]:
    """Return how well the called tools, and the best of all, fit the question."""
    fits = {tool.name: tools.fit(chat, tool) for tool in chat.tools}
    told = [content(tool.description[: tools.READ]) for tool in called]
    return [
        max(fits.values(), default=0.0),
        min((fits[tool.name] for tool in called), default=0.0),
        min((len(one & asked) / len(one) for one in told if one), default=0.0),
    ]


def _broken(chat: Chat, answer: Answer) -> list[float]:
    """Return how calls break the tools' schemas, and how many tools were left."""
    fault = tools.invalid(chat, answer)
    words = fault.words if fault else ""
    names = {call.name for call in answer.tool_calls}
    given = [tools.arguments(call) for call in answer.tool_calls[: tools.MOST_CALLS]]
    return [
        float(any(isinstance(value, list) for one in given for value in one.values())),
        float("lacks" in words),
        float("instead of" in words),
        float("no tool is named" in words),
        _log(max(0, len(chat.tools) - len(names))),
        float(len(chat.tools) == 1 and bool(names)),
    ]


def _told(tool: Tool) -> frozenset[str]:
    names = " ".join(tools.properties(tool.schema))
    return content(
        " ".join((tool.name, tool.description[: tools.READ], names[: tools.READ])).replace("_", " ")
    )


def _log(count: float) -> float:
    return math.log1p(count)
