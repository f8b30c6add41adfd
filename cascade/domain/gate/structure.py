"""JSON in an answer: read it, fenced or bare, and hold it against the schema that was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cascade.domain.gate import schema
from cascade.domain.gate.findings import Finding
from cascade.domain.request import Answer, Chat

MOST_CHARACTERS = 4_000_000
_FENCE = re.compile(r"\A\s*```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL)


class NoJson(ValueError):
    """The text is no JSON; the message says where."""


def read(text: str) -> Any:
    """Return the JSON value that a text is, in a code fence or bare. Raises NoJson."""
    if len(text) > MOST_CHARACTERS:
        raise NoJson(f"{len(text):,} characters are more than anyone reads as JSON")
    fenced = _FENCE.match(text)
    try:
        return json.loads(fenced.group(1) if fenced else text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise NoJson(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise NoJson("it nests too deeply or holds a number that is none") from error


def _no_number(name: str) -> float:
    message = f"{name} is no JSON number"
    raise ValueError(message)


def of_answer(chat: Chat, answer: Answer) -> Finding | None:
    """Return what is wrong with a structured answer; None when none was asked, or it fits."""
    if answer.tool_calls or (chat.schema is None and not chat.wants_json):
        return None
    try:
        value = read(answer.text)
    except NoJson as error:
        return Finding("json", f"The answer is no JSON: {error}.", is_fatal=True)
    found = schema.problems(value, chat.schema or {})
    if chat.schema is None and not isinstance(value, Mapping):
        found = ("the answer is no JSON object",)
    if not found:
        return None
    return Finding("schema", f"The answer breaks its schema: {'; '.join(found)}.", is_fatal=True)


def of_beginning(chat: Chat, text: str) -> Finding | None:
    """Say whether a structured answer begins as something that no JSON can begin with."""
    if chat.schema is None and not chat.wants_json:
        return None
    begun = text.lstrip()
    if not begun or begun[0] in '{["-0123456789tfn`':
        return None
    return Finding("json", f"The answer begins with {begun[0]!r}, as no JSON does.", is_fatal=True)
