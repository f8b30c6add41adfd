"""Where an argument's value is from: said, said in other words, half said, or said nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cascade.domain.gate import schema, tools
from cascade.domain.gate.words import words


class Ground(IntEnum):
    """How well a value is grounded in what was said; less is better."""

    SAID = 0
    OTHERWISE = 1
    PARTLY = 2
    NOWHERE = 3


_SCALES = {
    "hundred": 1e2, "dozen": 12.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9,
    "billion": 1e9, "trillion": 1e12,
}  # fmt: skip
_NUMERALS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
_SPOKEN = {word: float(number) for number, word in enumerate(_NUMERALS.split())} | {
    "a": 1.0, "an": 1.0, "single": 1.0, "once": 1.0, "first": 1.0, "second": 2.0, "twice": 2.0,
    "double": 2.0, "couple": 2.0, "third": 3.0, "fourth": 4.0, "fifth": 5.0, "half": 0.5,
    "dozen": 12.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "hundred": 100.0,
}  # fmt: skip
_NUMBER = re.compile(
    r"(\d[\d,]{0,30}(?:\.\d{1,30})?)\s?"
    r"(%|percent|hundred|dozen|thousand|million|billion|trillion|[kmb]\b|p\.?m\b)?"
)
_DAY = re.compile(r"(\d{4})-\d{2}-(\d{2})")
_PIECE = re.compile(r"[^\W_]+")
_SHORT, _STEM, _LONGEST_INITIALS = 3, 4, 4
_HALF_DAY = 12.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, read once for all values: words, numbers and their other readings."""

    said: str
    pieces: frozenset[str]
    stems: frozenset[str]
    initials: frozenset[str]
    numbers: frozenset[float]
    scaled: frozenset[float]
    shares: frozenset[float]


def heard(text: str) -> Heard:
    """Read a text: `50 million` is also 50000000, `5 %` also 0.05, `3 pm` also 15."""
    low = text.lower()
    found = words(low)
    numbers = {_SPOKEN[word] for word in found if word in _SPOKEN}
    scaled: set[float] = set()
    shares: set[float] = set()
    for digits, unit in _NUMBER.findall(low):
        number = float(digits.replace(",", ""))
        numbers.add(number)
        if unit in _SCALES:
            scaled.add(number * _SCALES[unit])
        elif unit in ("%", "percent"):
            shares.add(round(number / 100, 9))
        elif unit:
            scaled.add(number + _HALF_DAY)
    letters = "".join(word[0] for word in found)
    return Heard(
        low,
        frozenset(found),
        frozenset(word[:_STEM] for word in found),
        frozenset(
            letters[place : place + size]
            for size in range(2, _LONGEST_INITIALS + 1)
            for place in range(len(letters) - size + 1)
        ),
        frozenset(numbers),
        frozenset(scaled),
        frozenset(shares),
    )


def ground(value: object, told: Heard) -> Ground:
    """Return the worst ground of a value's parts; yes, no and nothing need none."""
    return max((_of_leaf(leaf, told) for leaf in _leaves(value)), default=Ground.SAID)


def _leaves(value: object, depth: int = 0) -> Iterator[object]:
    if depth > schema.MOST_DEPTH:
        return
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, depth + 1)
    else:
        yield value


def _of_leaf(value: object, told: Heard) -> Ground:
    if isinstance(value, bool) or value is None:
        return Ground.SAID
    if isinstance(value, int | float):
        return _of_number(float(value) if abs(value) < 1e300 else 0.0, told)
    return _of_text(str(value).strip().lower()[:2_000], told)


def _of_number(value: float, told: Heard) -> Ground:
    if value in told.numbers:
        return Ground.SAID
    if value in told.scaled or -value in told.numbers:
        return Ground.OTHERWISE
    return Ground.PARTLY if round(value, 9) in told.shares else Ground.NOWHERE


def _of_text(value: str, told: Heard) -> Ground:
    if not value or tools.is_said(value, told.said, told.pieces):
        return Ground.SAID
    if re.fullmatch(r"-?\d{1,30}(?:\.\d{1,30})?", value):
        return _of_number(float(value), told)
    day = _DAY.match(value)
    if day:
        is_said = day[1] in told.pieces and str(int(day[2])) in told.said
        return Ground.OTHERWISE if is_said else Ground.NOWHERE
    return _of_words(value, told)


def _of_words(value: str, told: Heard) -> Ground:
    parts = _PIECE.findall(value)
    known = sum(
        part in told.pieces or (len(part) >= _STEM and part[:_STEM] in told.stems) for part in parts
    )
    if (parts and known == len(parts)) or value in told.initials:
        return Ground.OTHERWISE
    is_short = len(value) <= _SHORT and any(word.startswith(value[:2]) for word in told.pieces)
    return Ground.PARTLY if known or is_short else Ground.NOWHERE
