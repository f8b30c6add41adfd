"""What the API reads as JSON, and what it refuses to."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError

from portal.rest.rendering import DEEPEST, StrictJSON, TooLarge


def _parse(raw: bytes) -> Any:
    return StrictJSON().parse(BytesIO(raw))


@pytest.mark.parametrize(
    "raw, value",
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[]", []),
        (b'"\\u00e9"', "é"),
        ("\U0001f600".encode().join([b'"', b'"']), "\U0001f600"),
        (b"1.5", 1.5),
        (b"[[[[1]]]]", [[[[1]]]]),
    ],
)
def test_json_is_read(raw: bytes, value: Any) -> None:
    assert _parse(raw) == value


@pytest.mark.parametrize(
    "raw, sentence",
    [
        (b"", "not JSON"),
        (b"{", "not JSON: .* line 1, column 2"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"NaN", "NaN is not a number"),
        (b'{"a": Infinity}', "Infinity is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"1e999", "too large"),
        (b"9" * 5000, "5000 digits"),
        (b"0." + b"1" * 5000, "digits"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"o": {"b": 1, "b": 1}}', "'b' stands twice"),
        (b'"\\u0000"', "NUL"),
        (b'{"a\\u0000": 1}', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested deeper"),
    ],
)
def test_what_is_not_clean_json_is_refused_with_a_sentence(raw: bytes, sentence: str) -> None:
    with pytest.raises(ParseError, match=sentence):
        _parse(raw)


def test_a_body_beyond_the_limit_is_too_large() -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    with pytest.raises(TooLarge) as refused:
        _parse(b'"' + b"a" * limit + b'"')
    assert isinstance(refused.value, APIException)
    assert refused.value.status_code == 413
