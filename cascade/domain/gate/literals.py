"""What a literal as an answer says, such as the predicted output of a function.

Its kind, whether it is written the way Python writes it, and whether its pieces stand in the code
and input that were asked about. Nothing is run: literals are read by their syntax tree. Chosen by
cross-validation over buckets 0 to 4 of the recorded CRUX answers; counts of the code's loops,
branches and methods did not help there.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from cascade.domain.gate.words import clipped
from cascade.domain.request import Answer, Chat

_KINDS = ("bool", "int", "float", "str", "list", "dict", "tuple", "set", "NoneType")
NAMES = (
    "json broken", "after", "code", "no answer", "unread", "length", "canonical", *_KINDS,
    "foreign", "foreign share", "new letters", "same", "shuffled", "case", "part", "length apart",
    "letters kept", "traced",
)  # fmt: skip
COUNT = len(NAMES)

_CODE = re.compile(r"\bdef \w+\(|^assert |```|\bfunction \w+\(", re.M)
_STRING = re.compile(r"'((?:[^'\\\n]|\\.){0,500})'|\"((?:[^\"\\\n]|\\.){0,500})\"")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,30}(?:\.\d{1,30})?(?!\w)")
_LONGEST = 1_000
_MOST_ATOMS = 200
_MOST_DEPTH = 6
_PLACES = {name: place for place, name in enumerate(NAMES)}


def signs(chat: Chat, answer: Answer) -> list[float]:
    """Return COUNT numbers; zeros where neither JSON with an answer nor code is about."""
    found = [0.0] * COUNT
    if not answer.text or answer.tool_calls:
        return found
    for name, amount in _signs(clipped(chat.text), clipped(answer.text)):
        found[_PLACES[name]] = math.log1p(amount)
    return found


def _signs(question: str, said: str) -> Iterator[tuple[str, float]]:
    final = None
    if '"answer"' in said:
        final, is_broken = _final(said)
        yield "json broken", is_broken
        yield "after", len(said) - said.rfind("}")
    if not _CODE.search(question):
        return
    yield "code", 1
    if final is None:
        yield "no answer", 1
        return
    yield "length", len(final)
    yield "traced", said.count(final) if final else 0
    try:
        value = ast.literal_eval(final[:_LONGEST].strip())
        kind = type(value).__name__
        written = repr(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        yield "unread", 1
        return
    # What is written of a set changes by process.
    yield "canonical", written == final and kind != "set"
    if kind in _PLACES:
        yield kind, 1
    yield from _origin(value, question)


def _final(said: str) -> tuple[str | None, bool]:
    """Return the answer in a JSON object, read loosely where it is broken, and whether it is."""
    try:
        given = json.loads(said[said.find("{") : said.rfind("}") + 1], strict=False)
        return str(given["answer"]), False
    except (ValueError, KeyError, TypeError, RecursionError):
        written = said[said.rfind('"answer"') :].partition(":")[2][:_LONGEST]
        inside = written.rpartition("}")[0] or written
        return inside.strip().strip('"') or None, True


def _origin(value: object, question: str) -> Iterator[tuple[str, float]]:
    """Yield where the pieces of a value are from, and how it differs from the text given."""
    texts = {_plain(one or other) for one, other in _STRING.findall(question)}
    known = texts | set(_NUMBER.findall(question)) | {"True", "False", "None"}
    atoms = [str(one) for one in _atoms(value)]
    foreign = sum(one not in known for one in atoms)
    yield "foreign", foreign
    yield "foreign share", foreign / max(1, len(atoms))
    yield "new letters", len(set("".join(atoms)) - set("".join(known)))
    if isinstance(value, str):
        # Of several of one length the last in the alphabet: a set's own order changes by process.
        yield from _likeness(value, max(texts, key=lambda text: (len(text), text), default=""))
        yield "same", value in texts


def _likeness(value: str, given: str) -> Iterator[tuple[str, float]]:
    before, after = Counter(given), Counter(value)
    is_other = value != given
    yield "shuffled", is_other and before == after
    yield "case", is_other and value.lower() == given.lower()
    yield "part", is_other and bool(value) and value in given
    yield "length apart", abs(len(value) - len(given))
    yield "letters kept", (before & after).total() / max(1, len(value))


def _plain(written: str) -> str:
    r"""Return a string's text: `\n` as a line end, where that can be read."""
    if "\\" not in written:
        return written
    try:
        return str(ast.literal_eval(f'"{written}"'))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return written


def _atoms(value: object, depth: int = 0) -> Iterator[object]:
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, dict):
        for name, one in list(value.items())[:_MOST_ATOMS]:
            yield from _atoms(name, depth + 1)
            yield from _atoms(one, depth + 1)
    elif isinstance(value, set | frozenset):
        yield from _atoms(sorted(value, key=repr), depth)
    elif isinstance(value, list | tuple):
        for one in value[:_MOST_ATOMS]:
            yield from _atoms(one, depth + 1)
    else:
        yield value
