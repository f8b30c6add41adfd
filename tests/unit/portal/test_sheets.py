"""CSV that a spreadsheet opens as data."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.rest import csv_reply


def _sheet(*rows: tuple[Any, ...]) -> list[list[str]]:
    reply = csv_reply("sheet.csv", ("a", "b"), rows)
    text = b"".join(reply.streaming_content).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", '=HYPERLINK("http://e.example")']
)
def test_a_formula_comes_out_as_text(text: str) -> None:
    assert _sheet((text, "x"))[1][0] == f"'{text}"


@pytest.mark.parametrize(
    "value, cell",
    [
        (Decimal("-1234.5600"), "-1234.5600"),
        (Decimal("1E-7"), "0.0000001"),
        (-3, "-3"),
        (None, ""),
        (datetime(2026, 11, 20, 12, tzinfo=UTC), "2026-11-20T12:00:00+00:00"),
        ('say "no", twice', 'say "no", twice'),
        ("two\nlines", "two\nlines"),
    ],
)
def test_values_come_back_as_they_were(value: Any, cell: str) -> None:
    assert _sheet((value, "x")) == [["a", "b"], [cell, "x"]]


def test_a_filename_cannot_break_out_of_its_header() -> None:
    reply = csv_reply('x"; y=\r\n.csv', ("a",), [])
    assert reply["Content-Disposition"] == 'attachment; filename="xy.csv"'
