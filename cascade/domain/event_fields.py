"""Reading the fields of an event: what is not what it must be is said, never guessed. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

# What the scripts' numbers (doubles) hold exactly.
MOST = 2**53 - 1
# A million dollars: more than any call can cost.
MOST_PICO = 10**18
# 1970 to 2100, in microseconds.
LAST_MOMENT_US = 4_102_444_800_000_000
# What columns of 32 and of 16 bits hold.
INT, SMALL = 2**31 - 1, 2**15 - 1


class Undecodable(ValueError):
    """An entry of the stream is no event of ours; the words say why."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one event; every reader raises Undecodable."""

    body: Mapping[str, Any]

    def whole(self, name: str, *, most: int = MOST) -> int:
        """Return a whole number from 0 to `most`; text of digits will do (ids are keys of JSON)."""
        value = self.body.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise Undecodable(f"{name} is not a whole number from 0 to {most}.")
        return value

    def moment(self, name: str) -> int:
        """Return microseconds since 1970."""
        return self.whole(name, most=LAST_MOMENT_US)

    def number(self, name: str) -> float:
        """Return a finite number from 0 on; 0 when absent."""
        value = self.body.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Undecodable(f"{name} is not a number.")
        if not math.isfinite(value) or not 0 <= value <= MOST:
            raise Undecodable(f"{name} is not a number from 0 to {MOST}.")
        return float(value)

    def rounded(self, name: str) -> int:
        """Return a number from 0 on as a whole one, at most INT; 0 when absent."""
        return min(round(self.number(name)), INT)

    def text(self, name: str, *, longest: int) -> str:
        """Return a text as PostgreSQL can keep it, cut to `longest`; empty when absent."""
        value = self.body.get(name, "")
        if not isinstance(value, str):
            raise Undecodable(f"{name} is not a text.")
        return _kept(value[:longest])

    def name(self, name: str, *, longest: int) -> str:
        """Return a text that names something: too long is wrong, since cut it names another."""
        found = self.text(name, longest=longest + 1)
        if len(found) > longest:
            raise Undecodable(f"{name} has more than {longest} characters.")
        return found

    def word(self, name: str, words: Sequence[str]) -> str:
        """Return one of some words."""
        value = self.body.get(name)
        if value not in words:
            raise Undecodable(f"{name} is none of {', '.join(words)}.")
        return str(value)

    def uuid(self, name: str) -> UUID:
        """Return a UUID."""
        try:
            return UUID(str(self.body.get(name)))
        except ValueError as fault:
            raise Undecodable(f"{name} is not a UUID.") from fault

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return a JSON object; empty when absent."""
        value = self.body.get(name) or {}
        if not isinstance(value, dict):
            raise Undecodable(f"{name} is not a JSON object.")
        return {_kept(key): clean(each) for key, each in value.items()}

    def mappings(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return a list of JSON objects; empty when absent."""
        value = self.body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise Undecodable(f"{name} is not a list of JSON objects.")
        return tuple(clean(each) for each in value)


def clean(value: Any) -> Any:
    """Return a JSON value as PostgreSQL can keep it: no NUL, no half character, no NaN."""
    match value:
        case str():
            return _kept(value)
        case dict():
            return {_kept(key): clean(each) for key, each in value.items()}
        case list():
            return [clean(each) for each in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def _kept(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "\ufffd")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", "\ufffd")
