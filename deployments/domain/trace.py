"""A trace of requests, line by line, and the load that it shows. Pure.

A line has a timestamp, input tokens and output tokens; a column of cached tokens may be there.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.domain.inputs import shown

FEWEST_ROWS = 100
MOST_ROWS = 1_000_000
MOST_TOKENS = 10_000_000
SHORTEST_SECONDS = 120.0
LONGEST_SECONDS = 366 * 86_400.0
MOST_COLUMNS = 100

# The names of columns in public traces (Azure LLM inference, BurstGPT, vLLM) and plain ones,
# without their capitals, spaces, dots, hyphens and underscores.
NAMES: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "time", "ts", "arrivedat", "arrivaltime", "arrivaltimestamp"),
    "input": (
        "contexttokens", "inputtokens", "input", "prompttokens", "requesttokens",
        "numprefilltokens", "inputlength",
    ),
    "output": (
        "generatedtokens", "outputtokens", "output", "completiontokens", "responsetokens",
        "numdecodetokens", "outputlength",
    ),
    "cached": ("cachedtokens", "cachedinputtokens", "cachereadinputtokens"),
}  # fmt: skip
WANTED = "timestamp (or TIMESTAMP), input_tokens (or ContextTokens), output_tokens (or "
WANTED += "GeneratedTokens)"
_RELATIVE_BELOW = 50_000_000.0  # seconds since the start; above it, since 1970 (August 1971)
_SECONDS_BELOW = 100_000_000_000.0  # the year 5138; above it milli-, micro- or nanoseconds
_YEAR_2100 = 4_102_444_800.0
_NUMBER = re.compile(r"\d{1,19}(\.\d{1,12})?")


class BadTrace(ValueError):
    """A trace cannot be used; the message says which line is wrong and what would be right."""


@dataclass(slots=True)
class Requests:
    """The requests of a trace: moments in seconds (UTC), lengths in tokens, in the file's order.

    `is_relative`: the moments count from the trace's start, so its calendar is not known.
    """

    moments: array[float] = field(default_factory=lambda: array("d"))
    inputs: array[int] = field(default_factory=lambda: array("l"))
    outputs: array[int] = field(default_factory=lambda: array("l"))
    cached: int = 0
    has_cached: bool = False
    is_relative: bool = False


def read(lines: Iterable[str]) -> Requests:
    """Return the requests of a CSV with a header; commas, semicolons or tabs between cells.

    Raises BadTrace, with the number of the line, for what cannot be read.
    """
    rows = iter(lines)
    header = next(rows, "")
    cut = max(",;\t", key=header.count)
    places = _places([cell.strip() for cell in _cells(header, cut, 1)])
    found = Requests(has_cached="cached" in places)
    for line, cells in _rows(rows, cut):
        _add(found, cells, places, line)
        if len(found.moments) > MOST_ROWS:
            raise BadTrace(
                f"The trace has more than {MOST_ROWS:,} requests; keep one line in ten and say so "
                "beside the file, or cut it shorter."
            )
    _check(found)
    return found


def _cells(text: str, cut: str, line: int) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=cut), [])
    except csv.Error as wrong:
        raise BadTrace(f"Line {line} is no line of a CSV: {shown(text)}.") from wrong


def _rows(lines: Iterator[str], cut: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line, its cells); empty lines are passed over."""
    for line, text in enumerate(lines, start=2):
        plain = text.strip()
        if plain:
            yield line, _cells(plain, cut, line) if '"' in plain else plain.split(cut)


def _places(header: Sequence[str]) -> dict[str, int]:
    """Return where each column stands. Raises BadTrace for one that is missing or twice there."""
    if len(header) > MOST_COLUMNS:
        raise BadTrace(f"Line 1 has {len(header):,} columns; a trace has {WANTED}.")
    plain = [re.sub(r"[\s._-]", "", cell.lower()).lstrip("\ufeff") for cell in header]
    places: dict[str, int] = {}
    for name, spellings in NAMES.items():
        there = [index for index, cell in enumerate(plain) if cell in spellings]
        if len(there) > 1:
            one, other = shown(header[there[0]]), shown(header[there[1]])
            raise BadTrace(f"Line 1 names the {name} column twice: {one} and {other}.")
        if there:
            places[name] = there[0]
        elif name != "cached":
            names = ", ".join(shown(cell) for cell in header[:8]) or "nothing"
            raise BadTrace(
                f"Line 1 has no {name} column. The first line of a trace names its columns: "
                f"{WANTED}; this one has {names}."
            )
    return places


def _add(found: Requests, cells: Sequence[str], places: Mapping[str, int], line: int) -> None:
    if len(cells) <= max(places.values()):
        raise BadTrace(
            f"Line {line} has {len(cells)} cells; its columns stand in {max(places.values()) + 1}."
        )
    moment, is_relative = _moment(cells[places["timestamp"]], line)
    if not found.moments:
        found.is_relative = is_relative
    elif found.is_relative is not is_relative:
        raise BadTrace(
            f"Line {line}: {shown(cells[places['timestamp']])} is another kind of timestamp than "
            "that of line 2; a trace has one kind."
        )
    tokens = _tokens(cells[places["input"]], line, "input")
    found.moments.append(moment)
    found.inputs.append(tokens)
    found.outputs.append(_tokens(cells[places["output"]], line, "output"))
    if found.has_cached:
        cached = _tokens(cells[places["cached"]] or "0", line, "cached")
        if cached > tokens:
            raise BadTrace(
                f"Line {line}: {cached:,} cached tokens are more than its {tokens:,} input tokens."
            )
        found.cached += cached


def _moment(text: str, line: int) -> tuple[float, bool]:
    """Return seconds and whether they count from the start; without a zone a time is UTC."""
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        seconds = float(plain)
        while seconds >= _SECONDS_BELOW:
            seconds /= 1000
        return _possible(seconds, text, line), seconds < _RELATIVE_BELOW
    try:
        found = datetime.fromisoformat(plain)
        seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as wrong:
        raise BadTrace(
            f"Line {line}: {shown(text)} is no timestamp; 2026-11-20 18:15:46.68 is one, and so "
            "are seconds since 1970 or since the start."
        ) from wrong
    return _possible(seconds, text, line), False


def _possible(seconds: float, text: str, line: int) -> float:
    if not 0 <= seconds < _YEAR_2100:
        raise BadTrace(f"Line {line}: {shown(text)} lies before 1970 or after 2099.")
    return seconds


def _tokens(text: str, line: int, name: str) -> int:
    plain = text.strip()
    digits = plain[:-2] if plain.endswith(".0") else plain
    if not (digits.isascii() and digits.isdigit()):
        raise BadTrace(
            f"Line {line}: {shown(text)} {name} tokens are none; write a whole number such as 374."
        )
    if len(digits) > 9 or int(digits) > MOST_TOKENS:
        raise BadTrace(
            f"Line {line}: {shown(text)} {name} tokens are more than {MOST_TOKENS:,}, the most a "
            "request may have."
        )
    return int(digits)


def _check(found: Requests) -> None:
    if len(found.moments) < FEWEST_ROWS:
        raise BadTrace(
            f"The trace has {len(found.moments):,} requests; at least {FEWEST_ROWS} are needed to "
            "say how a load looks."
        )
    span = max(found.moments) - min(found.moments)
    if span < SHORTEST_SECONDS:
        raise BadTrace(
            f"The trace spans {span:.0f} seconds; at least {SHORTEST_SECONDS:.0f} are needed, or "
            "the busiest minute says nothing."
        )
    if span > LONGEST_SECONDS:
        raise BadTrace(
            f"The trace spans {span / 86_400:,.0f} days; at most 366 are read. A timestamp is "
            "wrong, or two kinds of them are mixed."
        )
