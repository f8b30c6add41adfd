"""Does a JSON value satisfy a JSON schema? The part of the standard that tools use; bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_CHECKS = 20_000
MOST_PROBLEMS = 5
MOST_DEPTH = 32

Schema = Mapping[str, Any]


def problems(value: object, schema: Schema, *, at: str = "") -> tuple[str, ...]:
    """Return what is wrong with a value, at most MOST_PROBLEMS phrases; empty when it fits.

    `pattern` and `format` are not looked at: a foreign regular expression may never end. What lies
    deeper than MOST_DEPTH or comes after MOST_CHECKS checks is not looked at either.
    """
    look = _Look(schema)
    look.check(value, schema, at or "the answer", 0)
    return tuple(look.found[:MOST_PROBLEMS])


def kind_of(value: object) -> str:
    """Return the JSON name of a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
    return "object"


def _is_of(value: object, wanted: object) -> bool:
    kind = kind_of(value)
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list | tuple):
        return True
    return kind in names or (kind == "integer" and "number" in names)


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: true is not 1, and 1.0 is 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@dataclass(slots=True)
class _Look:
    root: Schema
    found: list[str] = field(default_factory=list)
    left: int = MOST_CHECKS

    def check(self, value: object, schema: object, at: str, depth: int) -> None:
        self.left -= 1
        if self.left < 0 or depth > MOST_DEPTH or len(self.found) >= MOST_PROBLEMS:
            return
        if schema is False:
            self.found.append(f"{at} must not be there")
        if not isinstance(schema, Mapping):
            return
        if "$ref" in schema:
            self.check(value, self._referred(schema["$ref"]), at, depth + 1)
        if "type" in schema and not _is_of(value, schema["type"]):
            wanted = schema["type"]
            name = wanted if isinstance(wanted, str) else " or ".join(map(str, wanted))
            self.found.append(f"{at} is {kind_of(value)} instead of {name}")
            return
        self._values(value, schema, at)
        self._inside(value, schema, at, depth)
        self._several(value, schema, at, depth)

    def _referred(self, name: object) -> object:
        """Follow a reference inside of the schema; whatever else is referred to allows all."""
        found: object = self.root
        if not isinstance(name, str) or not name.startswith("#"):
            return True
        for step in name.lstrip("#").strip("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if key:
                found = found.get(key, True) if isinstance(found, Mapping) else True
        return found

    def _values(self, value: object, schema: Schema, at: str) -> None:
        allowed = schema.get("enum")
        if isinstance(allowed, list | tuple) and not any(_same(value, one) for one in allowed):
            self.found.append(f"{at} is none of the {len(allowed)} allowed values")
        if "const" in schema and not _same(value, schema["const"]):
            self.found.append(f"{at} is not the one allowed value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._limits(value, schema, at)
        elif isinstance(value, str):
            self._sizes(len(value), schema, at, "minLength", "maxLength", "characters")
        elif isinstance(value, list | tuple):
            self._sizes(len(value), schema, at, "minItems", "maxItems", "items")

    def _limits(self, value: float, schema: Schema, at: str) -> None:
        tests: tuple[tuple[str, Callable[[float], bool], str], ...] = (
            ("minimum", lambda limit: value < limit, "below"),
            ("maximum", lambda limit: value > limit, "above"),
            ("exclusiveMinimum", lambda limit: value <= limit, "not above"),
            ("exclusiveMaximum", lambda limit: value >= limit, "not below"),
        )
        for name, is_past, words in tests:
            limit = schema.get(name)
            if isinstance(limit, int | float) and not isinstance(limit, bool) and is_past(limit):
                self.found.append(f"{at} is {words} {limit}")

    def _sizes(self, size: int, schema: Schema, at: str, least: str, most: str, of: str) -> None:
        low, high = schema.get(least), schema.get(most)
        if isinstance(low, int) and size < low:
            self.found.append(f"{at} has {size} {of}, at least {low} are asked")
        if isinstance(high, int) and size > high:
            self.found.append(f"{at} has {size} {of}, at most {high} are allowed")

    def _inside(self, value: object, schema: Schema, at: str, depth: int) -> None:
        if isinstance(value, Mapping):
            self._members(value, schema, at, depth)
        elif isinstance(value, list | tuple) and "items" in schema:
            for place, item in enumerate(value):
                self.check(item, schema["items"], f"{at}[{place}]", depth + 1)
                if self.left < 0 or len(self.found) >= MOST_PROBLEMS:
                    return

    def _members(self, value: Mapping[str, Any], schema: Schema, at: str, depth: int) -> None:
        needed = schema.get("required")
        for name in needed if isinstance(needed, list | tuple) else ():
            if isinstance(name, str) and name not in value:
                self.found.append(f"{at} lacks {name}")
        known = schema.get("properties")
        known = known if isinstance(known, Mapping) else {}
        others = schema.get("additionalProperties", True)
        for name, member in value.items():
            allowed = known.get(name, others)
            self.check(member, allowed, f"{at}.{name}" if at else name, depth + 1)

    def _several(self, value: object, schema: Schema, at: str, depth: int) -> None:
        for part in _listed(schema.get("allOf")):
            self.check(value, part, at, depth + 1)
        for name in ("anyOf", "oneOf"):
            choices = _listed(schema.get(name))
            if choices and not any(self._fits(value, one, depth) for one in choices):
                self.found.append(f"{at} fits none of {len(choices)} shapes")

    def _fits(self, value: object, schema: object, depth: int) -> bool:
        if self.left < 0:
            return True
        inner = _Look(self.root, left=self.left)
        inner.check(value, schema, "", depth + 1)
        self.left = inner.left
        return not inner.found


def _listed(given: object) -> Sequence[object]:
    return given if isinstance(given, list | tuple) else ()
