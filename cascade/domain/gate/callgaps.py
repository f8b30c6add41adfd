"""What tool calls make up, leave out or misread: more numbers of calls that a scorer learns from.

Chosen by cross-validation over buckets 0 to 4 of the recorded function calls, questions kept
together; signs of formats, unused names and the kind of question did not help there.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cascade.domain.gate import tools
from cascade.domain.gate.grounds import Ground, Heard, ground, heard
from cascade.domain.gate.words import clipped, content
from cascade.domain.request import Answer, Chat, Tool

_NEEDED = ("said", "otherwise", "partly", "nowhere", "number", "text", "flag", "default")
NAMES = (
    *(f"needed {one}" for one in _NEEDED), *(f"extra {one}" for one in _NEEDED),
    "not default", "restated", "placeholder",
    "convertible", "unconvertible", "packed", "not text", "whole for number",
    "number for whole", "whole numbers", "odd items", "choice", "no choice",
    "left needed", "left", "left named", "left choice", "left told", "left flag",
    "name unsaid", "name share", "told unsaid",
    "other tool fits", "other tools fit", "other tool told",
    "all called", "calls a tool", "twice", "respectively", "parts", "questions", "one of parts",
    "steps", "steps uncalled",
)  # fmt: skip
COUNT = len(NAMES)

Counts = defaultdict[str, float]

_PLACES = {name: place for place, name in enumerate(NAMES)}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/]")
_DEFAULT = re.compile(
    r"default(?:s| value)? ?(?:is|to|:|=)?(?: set to)? ?['\"]?([\w.\-/]{1,40}(?: [\w.\-/]{1,40})?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?")
_PART = re.compile(r"\band\b|,")
_STEP = re.compile(
    r"\b(?:then|after|finally|lastly|also|additionally|next|second|first|another|each|both|same)\b"
)
_EMPTY = frozenset(("", "string", "none", "null", "unknown", "n/a"))
_FITS = 0.5
_MOST_ARGUMENTS = 64
_MOST_TOLD = 300


def signs(chat: Chat, answer: Answer) -> list[float]:
    """Return COUNT numbers; zeros where no tool is offered and none called."""
    found: Counts = defaultdict(float)
    if chat.tools or answer.tool_calls:
        question = clipped(chat.question)
        told, asked = heard(question), content(question)
        offered = {tool.name: tool for tool in chat.tools}
        for call in answer.tool_calls[: tools.MOST_CALLS]:
            tool = offered.get(call.name)
            schema = tool.schema if tool else {}
            _of_call(found, tools.arguments(call), schema, told, asked)
        _of_tools(found, chat, answer, asked)
        _of_parts(found, told.said, answer)
    numbers = [0.0] * COUNT
    for name, amount in found.items():
        numbers[_PLACES[name]] = math.copysign(math.log1p(abs(amount)), amount)
    return numbers


def _of_call(
    found: Counts,
    given: Mapping[str, Any],
    schema: Mapping[str, Any],
    told: Heard,
    asked: frozenset[str],
) -> None:
    known, needed = tools.properties(schema), tools.required(schema)
    for name, value in list(given.items())[:_MOST_ARGUMENTS]:
        typed = known.get(name)
        typed = typed if isinstance(typed, Mapping) else {}
        _of_type(found, value, typed)
        _of_ground(found, value, typed, "needed" if name in needed else "extra", told)
    for name, typed in list(known.items())[:_MOST_ARGUMENTS]:
        if name in given or not isinstance(typed, Mapping):
            continue
        if name in needed:
            found["left needed"] += 1
        else:
            _of_left(found, name, typed, told, asked)


def _of_ground(
    found: Counts, value: object, typed: Mapping[str, Any], kind: str, told: Heard
) -> None:
    default = _default(typed)
    if default and str(value).strip().lower() == default:
        found[f"{kind} default"] += 1
        return
    place = ground(value, told)
    found[f"{kind} {place.name.lower()}"] += 1
    if isinstance(value, bool):
        found[f"{kind} flag"] += 1
    elif place >= Ground.PARTLY and isinstance(value, str | int | float):
        found[f"{kind} text" if isinstance(value, str) else f"{kind} number"] += 1
    found["not default"] += bool(default) and kind == "extra" and place >= Ground.PARTLY
    if isinstance(value, str):
        found["restated"] += place == Ground.OTHERWISE and len(value) > 2
        found["placeholder"] += value.strip().lower() in _EMPTY


def _default(typed: Mapping[str, Any]) -> str:
    given = typed.get("default")
    if given is not None:
        return str(given).strip().lower()[:80]
    written = _DEFAULT.search(str(typed.get("description", ""))[:_MOST_TOLD])
    return written[1].strip(" .'\"").lower() if written else ""


def _of_type(found: Counts, value: object, typed: Mapping[str, Any]) -> None:
    kind, choices = typed.get("type"), typed.get("enum")
    if isinstance(value, str):
        if kind in ("integer", "number", "boolean"):
            is_flag = value.lower() in ("true", "false")
            fits = is_flag if kind == "boolean" else _NUMBER.fullmatch(value)
            found["convertible" if fits else "unconvertible"] += 1
        found["packed"] += kind in ("array", "object")
    else:
        found["not text"] += kind == "string"
        found["whole for number"] += kind == "number" and isinstance(value, int)
        found["number for whole"] += kind == "integer" and isinstance(value, float)
    if kind == "array" and isinstance(value, list):
        items = typed.get("items")
        wanted = items.get("type") if isinstance(items, Mapping) else None
        found["whole numbers"] += wanted == "number" and any(isinstance(one, int) for one in value)
        found["odd items"] += wanted == "string" and not all(isinstance(x, str) for x in value)
    if isinstance(choices, list):
        found["choice"] += 1
        found["no choice"] += isinstance(value, str) and value not in map(str, choices[:64])


def _of_left(
    found: Counts,
    name: str,
    typed: Mapping[str, Any],
    told: Heard,
    asked: frozenset[str],
) -> None:
    """Count an optional argument that was not given, and what speaks for giving it."""
    stems = _stems(str(typed.get("description", ""))[:_MOST_TOLD])
    choices = typed.get("enum")
    found["left"] += 1
    found["left named"] += bool(_named(name) & asked)
    found["left flag"] += typed.get("type") == "boolean"
    found["left told"] += len(stems & asked) / max(1, len(stems))
    if isinstance(choices, list):
        found["left choice"] += any(
            isinstance(one, str) and one.lower() in told.said for one in choices[:64]
        )


def _of_tools(found: Counts, chat: Chat, answer: Answer, asked: frozenset[str]) -> None:
    names = {call.name for call in answer.tool_calls}
    called = [tool for tool in chat.tools if tool.name in names]
    others = [tool for tool in chat.tools[:32] if tool.name not in names]
    if called:
        stems = [_named(tool.name) for tool in called]
        found["name unsaid"] = max(len(one - asked) for one in stems)
        found["name share"] = min(_share(one, asked) for one in stems)
        found["told unsaid"] = max(len(_stems(tool.description) - asked) for tool in called)
    if others:
        fits = [_fit(tool, asked) for tool in others]
        found["other tool fits"] = max(fits)
        found["other tools fit"] = sum(fit >= _FITS for fit in fits)
        found["other tool told"] = max(_share(_stems(tool.description), asked) for tool in others)
    found["all called"] = len(chat.tools) > 1 and not others


def _of_parts(found: Counts, said: str, answer: Answer) -> None:
    """Count how many things a question asks for, and how many calls were made for them."""
    calls = len(answer.tool_calls)
    names = {call.name for call in answer.tool_calls}
    found["calls a tool"] = calls / max(1, len(names))
    found["twice"] = calls - len({(call.name, call.arguments) for call in answer.tool_calls})
    found["respectively"] = "respectively" in said
    found["parts"] = len(_PART.findall(said))
    found["questions"] = said.count("?")
    found["one of parts"] = found["parts"] * (calls == 1)
    found["steps"] = len(_STEP.findall(said))
    found["steps uncalled"] = found["steps"] - calls


def _fit(tool: Tool, asked: frozenset[str]) -> float:
    return _share(_named(tool.name) or _stems(tool.description[:1_000]), asked)


def _share(stems: frozenset[str], asked: frozenset[str]) -> float:
    return len(stems & asked) / len(stems) if stems else 0.0


def _named(name: str) -> frozenset[str]:
    return _stems(" ".join(_CAMEL.split(name[:1_000])))


@lru_cache(maxsize=4_096)
def _stems(text: str) -> frozenset[str]:
    """Return the stems of a tool's own words, which come again with each request."""
    return content(text)
