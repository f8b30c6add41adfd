"""JSON in and out: strict about what comes in, exact about what goes out."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

DEEPEST = 20
LONGEST_NUMBER = 40


class TooLarge(APIException):
    """The body is larger than anything this API takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"


class JSON(JSONRenderer):
    """`application/json`; money is text, so that no digit is lost."""

    charset = None


class StrictJSON(BaseParser):
    """JSON without NaN, doubled names, NUL characters, endless numbers or bottomless nesting."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body. Raises ParseError or TooLarge with a sentence."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"The body is larger than {limit / 1024**2:.1f} MiB.")
        try:
            body = json.loads(
                raw.decode("utf-8"),
                object_pairs_hook=_once,
                parse_constant=_no_constant,
                parse_int=_int,
                parse_float=_float,
            )
        except UnicodeDecodeError as reason:
            raise ParseError("The body is not UTF-8.") from reason
        except RecursionError as reason:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.") from reason
        except json.JSONDecodeError as reason:
            raise ParseError(
                f"The body is not JSON: {reason.msg} at line {reason.lineno}, "
                f"column {reason.colno}."
            ) from reason
        _check(body, DEEPEST)
        return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The name {twice[:60]!r} stands twice in one object.")
    return found


def _no_constant(word: str) -> Any:
    raise ParseError(f"{word} is not a number; leave the field out or give a finite number.")


def _int(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(text: str) -> None:
    if len(text) > LONGEST_NUMBER:
        raise ParseError(f"A number has {len(text)} digits; {LONGEST_NUMBER} are read.")


def _float(text: str) -> float:
    _check_length(text)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ParseError(f"The number {text[:20]} is too large.")
    return number


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
    if isinstance(value, str) and ("\x00" in value or _has_lone_surrogate(value)):
        raise ParseError("A text holds a NUL character or half a surrogate pair.")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth - 1)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
