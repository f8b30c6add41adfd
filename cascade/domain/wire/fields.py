"""Values out of JSON that strangers sent: each is what it should be, or a fault says where. Pure.

What a client sends wrong is a Fault. What a model sends wrong is an UpstreamFailed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from cascade.domain.invoker import Trouble, UpstreamFailed
from cascade.domain.packing import packed
from cascade.domain.request import Tokens

Found = TypeVar("Found")
# Half of a surrogate pair, escaped: JSON allows it, UTF-8 has no bytes for it.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


# Made once: json.loads would make one for each call.
_decode = json.JSONDecoder(parse_constant=_no_constant).decode
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Fault(Exception):
    """A request that cannot be read: `path` is where (`messages.0.content`, empty: the whole)."""

    def __init__(self, path: str, words: str) -> None:
        super().__init__(f"{path}: {words}" if path else words)
        self.path = path
        self.words = words


def parse(data: bytes) -> object:
    """Return what JSON of a client holds. Raises Fault."""
    try:
        written = data.decode()
        found: object = _decode(written)
        if "\\u" in written and _SURROGATE.search(written):
            _compact(found).encode()
    except RecursionError:
        raise Fault("", "The JSON is nested too deeply.") from None
    except UnicodeError:
        raise Fault("", "The body is no UTF-8 text.") from None
    except ValueError as wrong:
        raise Fault("", f"The body is no JSON: {wrong}.") from None
    return found


def heard(data: bytes | str) -> dict[str, Any]:
    """Return the JSON object that a model sent. Raises UpstreamFailed."""
    try:
        written = data.decode() if isinstance(data, bytes) else data
        found = _decode(written)
        if "\\u" in written and _SURROGATE.search(written):
            _compact(found).encode()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        broken("The model's server sent something that is no JSON object.")
    return found


def broken(words: str, tokens: Tokens | None = None) -> NoReturn:
    """Say that an upstream sent what no reader understands. Raises UpstreamFailed."""
    raise UpstreamFailed(Trouble.BROKEN, words, tokens=tokens)


def compact(value: object) -> str:
    """Return JSON without spaces."""
    return packed(value).decode()


def mapping(value: object, path: str) -> Mapping[str, Any]:
    """Return an object. Raises Fault."""
    if not isinstance(value, dict):
        raise Fault(path, "This must be an object.")
    return value


def sequence(value: object, path: str, *, most: int) -> list[Any]:
    """Return a list of at most `most`. Raises Fault."""
    if not isinstance(value, list):
        raise Fault(path, "This must be a list.")
    if len(value) > most:
        raise Fault(path, f"This list has {len(value)} entries; at most {most} are taken.")
    return value


def text(value: object, path: str, *, least: int = 0) -> str:
    """Return a text of at least `least` characters. Raises Fault."""
    if not isinstance(value, str):
        raise Fault(path, "This must be a text.")
    if len(value) < least:
        raise Fault(path, "This must not be empty.")
    return value


def number(value: object, path: str, *, least: float, most: float) -> float:
    """Return a number between two bounds. Raises Fault."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise Fault(path, f"This must be a number from {least:g} to {most:g}.")
    return float(value)  # type: ignore[arg-type]


def whole(value: object, path: str, *, least: int, most: int) -> int:
    """Return a whole number between two bounds. Raises Fault."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Fault(path, f"This must be a whole number from {least} to {most}.")
    return value


def flag(value: object, path: str) -> bool:
    """Return a truth value. Raises Fault."""
    if not isinstance(value, bool):
        raise Fault(path, "This must be true or false.")
    return value


def maybe(value: object, path: str, read: Callable[..., Found], **bounds: Any) -> Found | None:
    """Return what `read` makes of a value; None when there is none. Raises Fault."""
    return None if value is None else read(value, path, **bounds)


def known(body: Mapping[str, Any], names: frozenset[str], path: str) -> None:
    """Refuse a field that nothing here reads: a typing error must not pass in silence."""
    for name in body:
        if name not in names:
            where = f"{path}.{name}" if path else name
            raise Fault(where, f"Unknown here; known are {', '.join(sorted(names))}.")


def count(usage: Mapping[str, Any], name: str) -> int:
    """Return a number of tokens that a model's server says; raises UpstreamFailed when it is none.

    A missing or null count is 0.
    """
    value = usage.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        broken(f"The model's server sent {name} that is no number of tokens.")
    return value
