"""Inputs as people and programs write them: text, JSON numbers, words, yes and no. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?")
_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0", "")
LONGEST_LIST = 10_000

Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class Reader:
    """Reads one input after another and keeps what was wrong with them."""

    given: Mapping[str, Any]
    wrong: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, *, most: int = 200) -> str:
        value = self.given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            return str(self.refuse(name, f"{_label(name)} is text.", ""))
        if len(value) > most or "\x00" in value:
            said = f"{_label(name)} has at most {most:,} characters."
            return str(self.refuse(name, said, ""))
        return value.strip()

    def refuse(self, name: str, sentence: str, instead: Any) -> Any:
        self.wrong.setdefault(name, sentence)
        return instead

    def number(
        self,
        name: str,
        *,
        unit: str,
        least: Decimal,
        most: Decimal,
        default: Decimal | None = None,
    ) -> Decimal:
        """Read a number between two bounds; the default counts when nothing was written."""
        value = self.given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if default is None:
                return Decimal(self.refuse(name, f"{_label(name)} is needed, {unit}.", least))
            return default
        parsed = _decimal(value)
        if parsed is None:
            return Decimal(self.refuse(name, _not_a_number(name, value, unit), least))
        if not least <= parsed <= most:
            bounds = f"between {least:,f} and {most:,f} {unit}"
            said = f"{_label(name)} is {bounds}; {shown(value)} is not."
            return Decimal(self.refuse(name, said, least))
        return parsed

    def numbers(
        self, name: str, *, unit: str, counts: Collection[int], least: Decimal, most: Decimal
    ) -> tuple[Decimal, ...]:
        """Read a list of so many numbers, or one text with commas or spaces; empty when absent."""
        value = self.given.get(name)
        if isinstance(value, str):
            value = [each for each in re.split(r"[\s,;]+", value[:LONGEST_LIST]) if each]
        if value is None or value == []:
            return ()
        if not isinstance(value, list | tuple) or len(value) not in counts:
            wanted = " or ".join(str(each) for each in counts)
            found = f"; these are {len(value):,}" if isinstance(value, list | tuple) else ""
            self.refuse(name, f"{_label(name)} is a list of {wanted} {unit}{found}.", ())
            return ()
        parsed = [_decimal(each) for each in value]
        for place, number in enumerate(parsed):
            if number is None or not least <= number <= most:
                said = f"Number {place + 1} is between {least:,f} and {most:,f}; "
                self.refuse(name, f"{said}{shown(value[place])} is not.", ())
                return ()
        return tuple(number for number in parsed if number is not None)

    def whole(
        self, name: str, *, unit: str, least: int, most: int, default: int | None = None
    ) -> int:
        """Read a whole number between two bounds."""
        floor = None if default is None else Decimal(default)
        number = self.number(
            name, unit=unit, least=Decimal(least), most=Decimal(most), default=floor
        )
        if number != number.to_integral_value():
            said = f"{_label(name)} is a whole number of {unit}; {number} is not."
            return int(self.refuse(name, said, least))
        return int(number)

    def word(self, name: str, kind: type[Word], default: Word) -> Word:
        """Read one of a fixed set of words."""
        written = self.text(name)
        if not written:
            return default
        try:
            return kind(written)
        except ValueError:
            known = ", ".join(each.value for each in kind)
            said = f"{_label(name)} is one of: {known}; {shown(written)} is not."
            self.refuse(name, said, default)
            return default

    def one_of(self, name: str, known: Collection[str], default: str) -> str:
        """Read one of some words."""
        written = self.text(name) or default
        if written in known:
            return written
        said = f"{_label(name)} is one of: {', '.join(known)}; {shown(written)} is not."
        return str(self.refuse(name, said, default))

    def choice(self, name: str, known: Collection[int], default: int) -> int:
        """Read one of some whole numbers."""
        value = self.given.get(name)
        if value is None or value == "":
            return default
        number = _decimal(value)
        if number is not None and number in known:
            return int(number)
        words = ", ".join(str(each) for each in known)
        said = f"{_label(name)} is one of: {words}; {shown(value)} is not."
        return int(self.refuse(name, said, default))

    def flag(self, name: str) -> bool:
        """Read yes or no; absent is no."""
        value = self.given.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.strip().lower() in (*_TRUE, *_FALSE):
            return value.strip().lower() in _TRUE
        self.refuse(name, f"{_label(name)} is true or false; {shown(value)} is not.", False)
        return False

    def texts(self, name: str, *, most: int) -> tuple[str, ...]:
        """Read a list of texts, or one text with commas."""
        value = self.given.get(name)
        if value is None or value == "":
            return ()
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(i, str) for i in items):
            self.refuse(name, f"{_label(name)} is a list of texts.", ())
            return ()
        cleaned = tuple(dict.fromkeys(item.strip() for item in items if item.strip()))
        if len(cleaned) > most or any(len(i) > 500 or "\x00" in i for i in cleaned):
            said = f"{_label(name)} holds at most {most} texts of up to 500 characters."
            self.refuse(name, said, ())
            return ()
        return cleaned


def _decimal(value: object) -> Decimal | None:
    """Return a number from JSON or plain digits; None for anything else, NaN and infinity too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 40 or not text or not _PLAIN_NUMBER.fullmatch(text):
            return None
        value = text.replace(",", "")
    if not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value)) if not isinstance(value, Decimal) else value
    except (InvalidOperation, ValueError):  # ValueError: an integer too long to be turned to text
        return None
    return number if number.is_finite() else None


def _not_a_number(name: str, value: object, unit: str) -> str:
    return (
        f"{_label(name)} is a plain number of {unit}, written in digits without a unit; "
        f"{shown(value)} is not."
    )


def shown(value: object) -> str:
    """Return what was written, short enough for a sentence."""
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number of more than 30 digits"
    text = str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _label(name: str) -> str:
    words = name.replace("_", " ").replace("rps", "requests/s").replace(" ms", " in ms")
    return (words[:1].upper() + words[1:]).replace("P95", "p95")
