"""Recorded answers of real models as chats and answers, the way the gate sees them live."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcomes import HAIKU, OPUS, Answered, Pair, Question
from cascade.domain.gate.learning import fitted
from cascade.domain.gate.signs import COLUMNS, hashed
from cascade.domain.logistic import rows_of, sigmoid
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

Numbers = NDArray[np.float64]

STRONG_WEIGHT = 0.5
OUTPUT = 5
"""Output tokens cost five times input tokens at each of the Claude tiers."""

_JSON_TYPES = {
    "dict": "object", "hashmap": "object", "object": "object", "float": "number",
    "double": "number", "number": "number", "long": "integer", "int": "integer",
    "integer": "integer", "tuple": "array", "list": "array", "array": "array",
    "arraylist": "array", "string": "string", "boolean": "boolean", "bool": "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """A cheap model's answers, and what it and the strong model made of each question.

    Costs are in units of the cheap model's price of an input character or token.
    """

    said: tuple[tuple[Chat, Answer], ...]
    weak: Numbers
    strong: Numbers
    buckets: NDArray[np.int64]
    weak_cost: Numbers
    strong_cost: Numbers

    def gains(self) -> Numbers:
        """Return what an escalation promises, each row by fits that have not seen its bucket.

        P(strong right) weighs half: the weak model's answer tells less about it than about its own
        P(right). In folds of 0 to 4 this came out above the full difference on all three sets.
        Rows of buckets 5 and 6 are scored by what all of 0 to 4 teach.
        """
        return STRONG_WEIGHT * self.chances(self.strong) - self.chances(self.weak)

    def chances(self, labels: Numbers) -> Numbers:
        """Return the chance of a label given prompt and cheap answer, out of fold like `gains`."""
        rows = rows_of([hashed(chat, answer) for chat, answer in self.said], columns=COLUMNS)
        found = np.zeros(len(self.said))
        for fold in (*range(5), None):
            fresh = self.buckets >= 5 if fold is None else self.buckets == fold
            learn = (self.buckets < 5) & ~fresh
            linear = fitted(rows.kept(learn), labels[learn])
            found[fresh] = sigmoid(linear.log_odds(rows.kept(fresh)))
        return found


def chat(prompt: str, tools: Sequence[Tool] = ()) -> Chat:
    """Return a chat of one question."""
    return Chat((Message(Speaker.USER, (Part(text=prompt),)),), tools=tuple(tools))


def word_problems(pairs: Sequence[Pair]) -> Tier:
    """Return GSM8K of RouteLLM: Mixtral's answers, GPT-4 above."""
    one = np.ones(len(pairs))
    return Tier(
        said=tuple((chat(pair.prompt), _text(pair.weak_answer)) for pair in pairs),
        weak=np.array([pair.weak for pair in pairs], np.float64),
        strong=np.array([pair.strong for pair in pairs], np.float64),
        buckets=np.array([pair.bucket for pair in pairs]),
        weak_cost=one,
        strong_cost=one,
    )


def claude(questions: Sequence[Question], *, ratio: float) -> Tier:
    """Return GSM8K and CRUX: Haiku's answers, Opus above at `ratio` times the price."""
    return _tier(questions, _spoken, _characters, ratio=ratio)


def calls(questions: Sequence[Question], *, ratio: float) -> Tier:
    """Return function calls: Haiku's, written as text, read as calls; Opus above."""
    return _tier(questions, _called, _tokens, ratio=ratio)


def _tier(
    questions: Sequence[Question],
    say: Callable[[Question], tuple[Chat, Answer]],
    cost: Callable[[Question, Answered], float],
    *,
    ratio: float,
) -> Tier:
    return Tier(
        said=tuple(say(each) for each in questions),
        weak=np.array([each.models[HAIKU].is_right for each in questions], np.float64),
        strong=np.array([each.models[OPUS].is_right for each in questions], np.float64),
        buckets=np.array([each.bucket for each in questions]),
        weak_cost=np.array([cost(each, each.models[HAIKU]) for each in questions]),
        strong_cost=np.array([cost(each, each.models[OPUS]) for each in questions]) * ratio,
    )


def _characters(question: Question, answered: Answered) -> float:
    return question.prompt_characters + OUTPUT * answered.characters


def _tokens(_: Question, answered: Answered) -> float:
    return (answered.input_tokens or 0) + OUTPUT * (answered.output_tokens or 0)


def _text(text: str) -> Answer:
    return Answer(text, Stop.END, Tokens())


def _spoken(question: Question) -> tuple[Chat, Answer]:
    return chat(question.prompt), _text(question.models[HAIKU].text)


def _called(question: Question) -> tuple[Chat, Answer]:
    said = question.models[HAIKU]
    offered = [
        Tool(each["name"], each.get("description", ""), _json_schema(each.get("parameters") or {}))
        for each in question.functions
    ]
    tokens = Tokens(said.input_tokens or 0, said.output_tokens or 0)
    answer = Answer(said.text, Stop.END, tokens, _calls_in(said.text))
    return chat(question.prompt, offered), answer


def _json_schema(given: object) -> Any:
    """Return BFCL's schema with the type names of JSON schema; other types allow anything."""
    if isinstance(given, list):
        return [_json_schema(each) for each in given]
    if not isinstance(given, Mapping):
        return given
    found = {name: _json_schema(each) for name, each in given.items() if name != "type"}
    kind = given.get("type")
    if isinstance(kind, str) and kind.lower() in _JSON_TYPES:
        found["type"] = _JSON_TYPES[kind.lower()]
    elif isinstance(kind, Mapping):
        found["type"] = _json_schema(kind)
    return found


def _calls_in(text: str) -> tuple[ToolCall, ...]:
    """Read `[f(a=1), g(b='x')]` as calls, by its syntax tree; nothing when it is not that."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    items = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
    if not items or not all(isinstance(item, ast.Call) for item in items):
        return ()
    return tuple(_call(item) for item in items if isinstance(item, ast.Call))


def _call(item: ast.Call) -> ToolCall:
    given = {f"#{place}": _literal(value) for place, value in enumerate(item.args)}
    given |= {each.arg or "**": _literal(each.value) for each in item.keywords}
    return ToolCall("", ast.unparse(item.func), json.dumps(given, default=str))


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
