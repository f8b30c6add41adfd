"""Do two models say the same? What is compared depends on what the answers are."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from cascade.domain.gate import structure, tools
from cascade.domain.gate.words import content, words
from cascade.domain.request import Answer, Chat, ToolCall

# What agreement is worth in log-odds. On GSM8K and CRUX (buckets 0 to 4) two cheap models gave the
# same result for 93 % of what the first had right and 17 % of what it had wrong: log(.93/.17), and
# log(.07/.83) when they differ. Texts that share their words prove less.
SAME = 1.7
DIFFERENT = -2.4
ALIKE = 0.8
UNLIKE = -0.8

SHORT_WORDS = 6
LONG_TEXT = 80
# What is compared while somebody waits: so much of a text's beginning and end, and of one in a
# field; so many fields and calls.
HEAD, TAIL = 6_000, 2_000
LONGEST_FIELD = 2_000
MOST_FIELDS = 200
MOST_CALLS = 8
_SCRATCH = frozenset(("reasoning", "explanation", "thoughts", "steps", "rationale"))

_FINAL = re.compile(
    # Possessive, as what is skipped may hold what comes before: "answer::::".
    r"(?:####|\\boxed\{|\b(?:the )?(?:final )?answer(?: is|:|\")++)[\s:*\"$€£({]*+"
    r"(-?\d[\d,]*(?:\.\d+)?|[A-J]\b|yes\b|no\b|true\b|false\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_CHOICE = re.compile(r"\(?([A-Ja-j]|yes|no|true|false)\)?[.:]?", re.IGNORECASE)


class Kind(StrEnum):
    """What was compared."""

    TOOLS = "tools"  # the calls, argument by argument
    JSON = "json"  # field by field, but for written-out reasoning
    NUMBER = "number"  # the final numbers, as numbers
    CHOICE = "choice"  # a letter, yes or no
    SHORT = "short"  # a few words, without case and marks
    TEXT = "text"  # shared content words


_TOLD = {
    Kind.TOOLS: "their tool calls, argument by argument",
    Kind.JSON: "their fields",
    Kind.NUMBER: "their final numbers",
    Kind.CHOICE: "their choices",
    Kind.SHORT: "their few words",
    Kind.TEXT: "the words they share",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two answers say the same, 0 to 1, and by what that was told."""

    kind: Kind
    degree: float

    def told(self, who: str) -> str:
        """Return it as a sentence about the one it was compared with."""
        return f"{who} agrees by {self.degree:.0%}, comparing {_TOLD[self.kind]}."

    @property
    def evidence(self) -> float:
        """Return what it adds to the log-odds of the first answer being right."""
        low, high = (UNLIKE, ALIKE) if self.kind is Kind.TEXT else (DIFFERENT, SAME)
        return low + (high - low) * self.degree


def agree(chat: Chat, one: Answer, other: Answer) -> Agreement:
    """Compare two answers to the same chat."""
    if one.tool_calls or other.tool_calls:
        return Agreement(Kind.TOOLS, _calls(one.tool_calls, other.tool_calls))
    both = _values(one.text), _values(other.text)
    if chat.schema is not None or all(isinstance(value, Mapping | list) for value in both):
        return Agreement(Kind.JSON, _fields(*both))
    results = _result(one.text), _result(other.text)
    if results[0] is not None and results[1] is not None:
        kind = Kind.NUMBER if any(isinstance(each, Fraction) for each in results) else Kind.CHOICE
        return Agreement(kind, float(results[0] == results[1]))
    said = words(_clipped(one.text)), words(_clipped(other.text))
    if min(len(said[0]), len(said[1])) <= SHORT_WORDS:
        is_same = _plain(one.text) == _plain(other.text)
        return Agreement(Kind.SHORT, 1.0 if is_same else 0.0)
    return Agreement(Kind.TEXT, _shared(one.text, other.text))


def _clipped(text: str) -> str:
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _plain(text: str) -> str:
    return re.sub(r"[\s\"'`.,;:!]+", " ", _clipped(text).lower()).strip()


def _shared(one: str, other: str) -> float:
    """Return the F1 of two texts' content words, numbers counted as well."""
    left, right = (
        Counter((*content(read), *_NUMBER.findall(read))) for read in map(_clipped, (one, other))
    )
    size = left.total() + right.total()
    return 2 * (left & right).total() / size if size else 0.0


def _result(text: str) -> Fraction | str | None:
    """Return the final number or choice; None when a text does not come down to one."""
    read = _clipped(text).strip()
    final = list(_FINAL.finditer(read))
    if final:
        return _read_result(final[-1].group(1))
    if _CHOICE.fullmatch(read):
        return read.strip("().:").lower()
    bare = read.strip(" $€£%.")
    if _NUMBER.fullmatch(bare):
        return _read_result(bare)
    found = _NUMBER.findall(read)
    is_short = len(words(read)) <= SHORT_WORDS
    return _read_result(found[0]) if is_short and len(found) == 1 else None


def _read_result(said: str) -> Fraction | str:
    bare = said.replace(",", "")
    if _NUMBER.fullmatch(bare) and len(bare) < 20:
        return Fraction(bare)
    return bare.lower()


def _values(text: str) -> object:
    try:
        return structure.read(text)
    except structure.NoJson:
        return None


def _fields(one: object, other: object) -> float:
    """Return the share of equal fields; a long text in a field counts by its shared words."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return _same(one, other) if one is not None else 0.0
    names = [name for name in {**one, **other} if str(name).lower() not in _SCRATCH]
    names = names[:MOST_FIELDS]
    if not names:
        return _same(dict(one), dict(other))
    return sum(_same(one.get(name), other.get(name)) for name in names) / len(names)


def _same(one: object, other: object) -> float:
    """Return how equal two values are: numbers as numbers, texts without case and marks."""
    numbers = _as_number(one), _as_number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return float(numbers[0] == numbers[1])
    if isinstance(one, str) and isinstance(other, str):
        if min(len(one), len(other)) > LONG_TEXT:
            return _shared(one[:LONGEST_FIELD], other[:LONGEST_FIELD])
        return float(_plain(one) == _plain(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return float(_canonical(one) == _canonical(other))
    return float(type(one) is type(other) and _canonical(one) == _canonical(other))


def _as_number(value: object) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float):
        return Fraction(value).limit_denominator(10**9) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) < 20:
        bare = value.strip(" $€£%.").replace(",", "")
        if _NUMBER.fullmatch(bare):
            return Fraction(bare)
    return None


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str).lower()


def _calls(one: tuple[ToolCall, ...], other: tuple[ToolCall, ...]) -> float:
    """Return the share of calls that both make, each by its equal arguments; order is free."""
    if not one or not other:
        return 0.0
    left = list(other[:MOST_CALLS])
    total = 0.0
    for call in one[:MOST_CALLS]:
        rated = [(_call(call, each), place) for place, each in enumerate(left)]
        degree, place = max(rated, default=(0.0, -1), key=lambda pair: pair[0])
        total += degree
        if degree > 0:
            left.pop(place)
    return total / max(min(len(one), MOST_CALLS), min(len(other), MOST_CALLS))


def _call(one: ToolCall, other: ToolCall) -> float:
    if one.name != other.name:
        return 0.0
    mine, theirs = tools.arguments(one), tools.arguments(other)
    names = {**mine, **theirs}
    if not names:
        return 1.0
    same = sum(_same(mine[name], theirs[name]) for name in names if name in mine and name in theirs)
    return same / len(names)
