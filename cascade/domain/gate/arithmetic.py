"""Re-check the sums in an answer: `a op b = c` chains, exactly in fractions; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from cascade.domain.gate.findings import Finding
from cascade.domain.gate.formula import OPERATORS, Number, Term, tokens, value
from cascade.domain.gate.words import remembered

MOST_SUMS = 200
MOST_TERMS = 40
MOST_UNITS = 5
_DIGIT = re.compile(r"\d")
# Without a sign or a word of equality nothing is claimed.
_CLAIM = re.compile(r"=|equals", re.IGNORECASE)

_BREAKS = frozenset(
    [
        "and",
        "or",
        "so",
        "then",
        "with",
        "for",
        "if",
        "is",
        "are",
        "was",
        "be",
        "has",
        "have",
        "had",
        "the",
        "that",
        "which",
        "we",
        "he",
        "she",
        "they",
        "it",
        "i",
        "you",
        "to",
        "in",
        "on",
        "at",
        "by",
        "because",
        "since",
        "if",
        "when",
        "while",
        "but",
        "total",
        "let",
        "where",
    ]
)
_LETTERS = re.compile(r"[^\W\d_]{2,}\Z")


@dataclass(frozen=True, slots=True)
class Sum:
    """One equation: what it comes to, and what the answer says it does."""

    text: str
    true: Fraction
    said: Fraction
    is_right: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """The equations of a text that could be checked, in their order."""

    all: tuple[Sum, ...]

    @property
    def wrong(self) -> tuple[Sum, ...]:
        """Return those that do not come to what is said."""
        return tuple(one for one in self.all if not one.is_right)


@remembered
def sums(text: str) -> Sums:
    """Check every equation between numbers; what is not surely one is left out.

    A result may be rounded where there is a fraction: it must lie within one of its last digit.
    """
    found: list[Sum] = []
    if not _DIGIT.search(text) or not _CLAIM.search(text):
        return Sums(())
    for segment in _segments(tokens(text)):
        for one in _equations(segment):
            found.append(one)
            if len(found) >= MOST_SUMS:
                return Sums(tuple(found))
    return Sums(tuple(found))


def finding(found: Sums) -> Finding | None:
    """Return the finding of wrong sums; None when all that could be checked are right."""
    wrong = found.wrong
    if not wrong:
        return None
    first = wrong[0]
    words = (
        f"{len(wrong)} of {len(found.all)} sums are wrong: {first.text} is "
        f"{_shown(first.true)}, not {_shown(first.said)}."
    )
    return Finding("arithmetic", words, amount=len(wrong) / len(found.all))


def _shown(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.6g}"


def _segments(given: list[Term]) -> Iterator[list[list[Term]]]:
    """Yield runs of sides: what stands between equality signs, up to a breaking mark."""
    sides: list[list[Term]] = [[]]
    for term in given:
        if term == "=":
            sides.append([])
        elif term == "|" or term in _BREAKS:
            if len(sides) > 1:
                yield sides
            sides = [[]]
        else:
            sides[-1].append(term)
    if len(sides) > 1:
        yield sides


def _equations(sides: list[list[Term]]) -> Iterator[Sum]:
    for place in range(len(sides) - 1):
        left = _ending(sides[place], is_first=place == 0)
        right = _beginning(sides[place + 1], is_last=place + 2 == len(sides))
        if left is None or right is None or not _has_work(left):
            continue
        one = _compared(left, right)
        if one is not None:
            yield one


def _has_work(terms: list[Term]) -> bool:
    return any(isinstance(term, str) and term in OPERATORS for term in terms[1:])


def _ending(side: list[Term], *, is_first: bool) -> list[Term] | None:
    """Return the expression a side ends with; None when it cannot be told where it begins."""
    place = len(side)
    found: list[Term] = []
    while len(found) < MOST_TERMS:
        place, operand = _operand(side, _past_units(side, place))
        if not operand:
            return None
        found.extend(reversed(operand))
        if place == 0 or side[place - 1] not in OPERATORS:
            break
        place -= 1
        found.append(side[place])
    return found[::-1] if _is_apart(side, place, is_first=is_first) else None


def _operand(side: list[Term], place: int) -> tuple[int, list[Term]]:
    """Return the number or bracket that ends before a place, and where it begins."""
    if place == 0:
        return 0, []
    term = side[place - 1]
    if isinstance(term, Number):
        return place - 1, [term]
    opened = _opening(side, place - 1) if term == ")" else -1
    return (0, []) if opened < 0 else (opened, _without_units(side[opened:place]))


def _is_apart(side: list[Term], place: int, *, is_first: bool) -> bool:
    """Say whether what stands before an expression does not belong to it."""
    if place == 0:
        return True
    before = side[place - 1]
    return is_first and isinstance(before, str) and len(before) > 1 and before != "of"


def _past_units(side: list[Term], place: int) -> int:
    """Step leftwards over the words after a number, such as `eggs` or `dollars per hour`."""
    first = place
    while place > 0 and first - place < MOST_UNITS:
        term = side[place - 1]
        if not isinstance(term, str) or not _is_unit(term):
            return place
        place -= 1
    return place


def _is_unit(term: str) -> bool:
    return bool(_LETTERS.match(term)) and term not in _BREAKS and term != "of"


def _opening(side: list[Term], closing: int) -> int:
    depth = 0
    for place in range(closing, -1, -1):
        depth += (side[place] == ")") - (side[place] == "(")
        if depth == 0:
            return place
    return -1


def _without_units(terms: list[Term]) -> list[Term]:
    """Return the terms without words after numbers; nothing when there is anything else."""
    kept: list[Term] = []
    for term in terms:
        if isinstance(term, Number) or term in OPERATORS or term in ("(", ")"):
            kept.append(term)
        elif not kept or kept[-1] == "(" or not _is_unit(term):
            return []
    return kept


def _beginning(side: list[Term], *, is_last: bool) -> list[Term] | None:
    """Return the expression a side begins with; None when more than that belongs to it."""
    found: list[Term] = []
    place = 0
    while place < len(side) and len(found) < MOST_TERMS:
        term = side[place]
        if isinstance(term, Number) or term in OPERATORS or term in ("(", ")"):
            found.append(term)
        elif not found or not _is_unit(term):
            if term in ("of", "?") or len(term) == 1:
                return None
            break
        place += 1
    if place < len(side) and not is_last:
        return None
    return found or None


def _compared(left: list[Term], right: list[Term]) -> Sum | None:
    """Compare both sides, a percent sign read as hundredths or as a mere unit.

    `7 - 2 = 5 * 3 = 15` is sloppy, not wrong: a first number that is the result is one.
    """
    tried: list[tuple[Fraction, Fraction]] = []
    results = [right, right[:1]] if len(right) > 1 and isinstance(right[0], Number) else [right]
    for true_as, said_as, result in product((True, False), (True, False), results):
        true = value(left, hundredths=true_as)
        said = value(result, hundredths=said_as)
        if true is None or said is None:
            return None
        if _is_close(true, said, left, result):
            return Sum(_told(left), true, said, is_right=True)
        tried.append((true, said))
    if left.count("/") > 1:
        return None  # 4 / 1/6: nobody knows which slash belongs to a fraction
    return Sum(_told(left), *tried[0], is_right=False)


def _is_close(true: Fraction, said: Fraction, left: list[Term], right: list[Term]) -> bool:
    if true == said:
        return True
    given = [term for term in (*left, *right) if isinstance(term, Number)]
    is_broken = true.denominator != 1 or any(term.decimals for term in given)
    if not is_broken:
        return False
    result = [term for term in right if isinstance(term, Number)]
    digits = result[0].decimals if len(result) == 1 else 2
    percent = 2 if any(term.is_percent for term in result) else 0
    return abs(true - said) < Fraction(1, 10 ** (digits + percent)) or (
        percent > 0 and abs(true - said) < Fraction(1, 10**digits) and abs(said) > 1
    )


def _told(terms: list[Term]) -> str:
    return " ".join(str(term) for term in terms)[:80]
