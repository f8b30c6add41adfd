"""The numbers a scorer learns from: what the rules found, and cheap counts on both texts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from cascade.domain.gate import arithmetic, callgaps, callsigns, literals, rules, topic, unread
from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped, sentences, words
from cascade.domain.hashing import COUNTS, DIMENSIONS, Hashed, Read, features
from cascade.domain.request import Answer, Chat, Tokens

# Dense places first: the rules' findings and own counts, then the counts of both texts' hashing.
SIGNS = 192
PLACES = SIGNS + 2 * COUNTS
GRAMS = DIMENSIONS - COUNTS
PROMPT_FROM = PLACES
ANSWER_FROM = PLACES + GRAMS
COLUMNS = PLACES + 2 * GRAMS
# Another set of signs needs other weights: a scorer says for which it was trained.
VERSION = 2

_TAIL = 200
# Numbers of weeks, dozens, halves and hundreds need no ground.
_USUAL = frozenset(("1", "2", "7", "12", "24", "30", "60", "100"))
_STEP = re.compile(r"^\s*(?:\d+[.)]|[-*])\s", re.M)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_FINAL = re.compile(r"(?:####|\"answer\"\s*:|answer is)\s*\"?([^\n\"}]{1,200})", re.IGNORECASE)
_DOUBTS = re.compile(r"\b(?:assum\w*|however|but|wait|actually|mistake|unclear|approximat\w*)\b")


def hashed(
    chat: Chat,
    answer: Answer,
    *,
    findings: Sequence[Finding] | None = None,
    read: Read = features,
) -> Hashed:
    """Return a chat and its answer as one sparse row of COLUMNS numbers; `read` reads the chat."""
    found = rules.look(chat, answer) if findings is None else findings
    prompt, said = read(asked(chat)), features(spoken(answer))
    signs = np.array((*_found(found), *_counted(chat, answer)), np.float32)
    dense = np.concatenate(
        (signs, np.zeros(SIGNS - signs.size, np.float32), prompt.values[:COUNTS])
    )
    return Hashed(
        np.concatenate(
            (
                _PLACES,
                prompt.indices[COUNTS:] + np.int32(PROMPT_FROM - COUNTS),
                said.indices[COUNTS:] + np.int32(ANSWER_FROM - COUNTS),
            )
        ),
        np.concatenate((dense, said.values[:COUNTS], prompt.values[COUNTS:], said.values[COUNTS:])),
    )


_PLACES = np.arange(PLACES, dtype=np.int32)


def asked(chat: Chat) -> str:
    """Return what was asked, the offered tools with it."""
    offered = [
        json.dumps([tool.name, tool.description, dict(tool.schema)], default=str)
        for tool in chat.tools[:32]
    ]
    return "\n".join((chat.text, *offered))


def spoken(answer: Answer) -> str:
    """Return what was said, tool calls as `name{arguments}`."""
    calls = [f"{call.name}{call.arguments}" for call in answer.tool_calls[:32]]
    return "\n".join((answer.text, *calls)).strip()


def _found(findings: Sequence[Finding]) -> list[float]:
    amounts = dict.fromkeys(rules.NAMES, 0.0)
    for one in findings:
        amounts[one.rule] = 1 / 3 + one.amount
    return list(amounts.values())


def _counted(chat: Chat, answer: Answer) -> list[float]:
    """Return counts on both texts; logarithms where they have no end."""
    question, said = clipped(chat.text), clipped(answer.text)
    sums = arithmetic.sums(said)
    return [
        *_sums(question, said, sums),
        *_threads(question, said, sums),
        *_ending(question, said),
        *_shape(chat, said, answer.tokens),
        *callsigns.signs(chat, answer),
        *callgaps.signs(chat, answer),
        *literals.signs(chat, answer),
        *unread.signs(chat, answer),
    ]


def _sums(question: str, said: str, found: arithmetic.Sums) -> list[float]:
    """Return what the numbers say: sums right and wrong, given ones unused, the last one odd."""
    given = {_plain(one) for one in _NUMBER.findall(question)}
    used = {_plain(one) for one in _NUMBER.findall(said)}
    final = _FINAL.findall(said)
    last = _NUMBER.findall(final[-1] if final else said[-200:])
    result = _plain(last[-1]) if last else ""
    known = {str(float(one.said)).removesuffix(".0") for one in found.all}
    return [
        _log(len(found.all)),
        _log(len(found.wrong)),
        _log(len(given)),
        len(given - used) / len(given) if given else 0.0,
        _log(len(given - used)),
        float("." in result),
        float(bool(result) and result in known),
        float(bool(found.all) and bool(known) and result not in known),
        float(bool(result) and result in given),
        float(bool(final)),
        _log(len(result)),
    ]


def _threads(question: str, said: str, sums: arithmetic.Sums) -> list[float]:
    """Return how the sums hang together: operands from nowhere, results nobody needs."""
    known = {_plain(one) for one in _NUMBER.findall(question)} | _USUAL
    tail = {_plain(one) for one in _NUMBER.findall(said[-_TAIL:])}
    found = [(_NUMBER.findall(one.text), _plain_value(one.said)) for one in sums.all]
    foreign = broken = 0
    for operands, result in found:
        foreign += sum(_plain(one) not in known for one in operands)
        known.add(result)
        broken += "." in result or "/" in result
    used = {_plain(one) for operands, _ in found for one in operands}
    idle = sum(result not in used and result not in tail for _, result in found)
    return [_log(foreign), _log(idle), _log(broken), foreign / max(1, len(found))]


def _plain_value(value: Fraction) -> str:
    return _plain(f"{float(value):.6f}")


def _ending(question: str, said: str) -> list[float]:
    """Return what the final result looks like, and whether the way there speaks of it."""
    final = _FINAL.findall(said)
    result = final[-1].strip(" \"'`*,") if final else ""
    if not result:
        return [0.0] * 8
    before = said[: said.rfind(result)]
    return [
        _log(len(result)),
        float(result in question),
        _log(before.count(result)),
        float(result in before[-_TAIL:]),
        _log(sum(not one.isalnum() for one in result)),
        sum(one.isdigit() for one in result) / len(result),
        _log(len(_STEP.findall(said))),
        _log(len(question.partition("==")[2]) if "==" in question else 0),
    ]


def _plain(number: str) -> str:
    bare = number.replace(",", "")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare


def _shape(chat: Chat, said: str, tokens: Tokens) -> list[float]:
    found, many = words(said), sentences(said)
    return [
        _log(len(said)),
        _log(len(found)),
        _log(len(many)),
        len(set(found)) / max(1, len(found)),
        topic.overlap(chat, said),
        _log(len(_DOUBTS.findall(said.lower()))),
        float(said.rstrip().endswith("?")),
        _log(len(chat.text)),
        _log(tokens.input),
        _log(tokens.output),
    ]


def _log(count: float) -> float:
    return math.log1p(count)
