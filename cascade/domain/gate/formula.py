"""Numbers and operators in a text, and what an expression of them comes to. Fractions, no eval."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MOST_DIGITS = 15
MOST_TOKENS = 20_000
OPERATORS = frozenset("+-*/")

_TOKEN = re.compile(
    r"(\d[\d,]*(?:\.\d+)?|\.\d+)(%?)|(\\times|\\cdot|\\div)|([^\W\d_]+)|([^\s\d])|(\n)"
)
_SIGNS = {"×": "*", "÷": "/", "−": "-", "–": "-", "·": "*", "∗": "*"}  # noqa: RUF001
_LATEX = {"\\times": "*", "\\cdot": "*", "\\div": "/"}
_SPOKEN = {"plus": "+", "minus": "-", "times": "*", "equals": "="}
_SKIPPED = frozenset("$€£\\")
_KEPT = frozenset("+-*/=()")
_BREAKING = frozenset(".;!,<>\"'|:")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: its value, its digits after the point, a percent sign."""

    value: Fraction
    decimals: int
    is_percent: bool

    def __str__(self) -> str:
        """Return it as it is read."""
        shown = f"{float(self.value):.{self.decimals}f}" if self.decimals else str(self.value)
        return f"{shown}%" if self.is_percent else shown


Term = Number | str


def tokens(text: str) -> list[Term]:
    """Return numbers, operators, words, `|` where a thought ends and `?` for what is unknown."""
    found: list[Term] = []
    for match in _TOKEN.finditer(text):
        number, percent, latex, word, mark, end = match.groups()
        if number:
            found.append(_number(number, is_percent=bool(percent)))
        elif word:
            _put_word(word.lower(), found)
        elif mark in _SKIPPED:
            continue
        else:
            found.append("|" if end else _LATEX.get(latex or "") or _mark(mark))
        if len(found) >= MOST_TOKENS:
            break
    return found


def _number(written: str, *, is_percent: bool) -> Term:
    whole = written.rstrip(",").replace(",", "")
    if len(whole) > MOST_DIGITS:
        return "?"
    return Number(Fraction(whole), len(whole.partition(".")[2]), is_percent)


def _put_word(word: str, found: list[Term]) -> None:
    """Add a word, an operator that is spoken, or nothing for a unit such as `/hour`."""
    before = found[-1] if found else "|"
    if (word == "x" and (isinstance(before, Number) or before == ")")) or (
        word == "of" and _is_share(found)
    ):
        found.append("*")
    elif before == "/" and len(word) > 1:
        found.pop()
    else:
        found.append(_SPOKEN.get(word, word))


def _is_share(found: list[Term]) -> bool:
    """Say whether a percentage or a fraction was just said."""
    if not found or not isinstance(found[-1], Number):
        return False
    return found[-1].is_percent or found[-2:-1] == ["/"]


def _mark(mark: str) -> str:
    sign = _SIGNS.get(mark, mark)
    if sign in _KEPT:
        return sign
    return "|" if sign in _BREAKING else "?"


def value(terms: list[Term], *, hundredths: bool) -> Fraction | None:
    """Return what an expression comes to; None when it is none, or divides by zero."""
    reader = _Reader(terms, hundredths)
    try:
        result = reader.sum(0)
    except (ZeroDivisionError, IndexError, _NoFormula):
        return None
    return result if reader.place == len(terms) else None


class _NoFormula(Exception):
    pass


_DEEPEST = 12


@dataclass(slots=True)
class _Reader:
    """A reader of sums of products, one place after the other."""

    terms: list[Term]
    hundredths: bool
    place: int = 0

    def sum(self, depth: int) -> Fraction:
        total = self._product(depth)
        while self._next() in ("+", "-"):
            sign = self._take()
            part = self._product(depth)
            total = total + part if sign == "+" else total - part
        return total

    def _product(self, depth: int) -> Fraction:
        total = self._factor(depth)
        while self._next() in ("*", "/"):
            sign = self._take()
            part = self._factor(depth)
            total = total * part if sign == "*" else total / part
        return total

    def _factor(self, depth: int) -> Fraction:
        term = self._take()
        if isinstance(term, Number):
            is_part = term.is_percent and self.hundredths
            return term.value / 100 if is_part else term.value
        if term == "-" and depth < _DEEPEST:
            return -self._factor(depth + 1)
        if term != "(" or depth >= _DEEPEST:
            raise _NoFormula
        inner = self.sum(depth + 1)
        if self._take() != ")":
            raise _NoFormula
        return inner

    def _next(self) -> Term | None:
        return self.terms[self.place] if self.place < len(self.terms) else None

    def _take(self) -> Term:
        term = self.terms[self.place]
        self.place += 1
        return term
