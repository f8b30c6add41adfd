"""A file's lines, unpacked and decoded within bounds; nothing in it is ever run. Pure."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

MOST_BYTES = 256 * 2**20
MOST_LINE_BYTES = 2 * 2**20
MOST_FAULTS = 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line (1 is the first), and what would be right."""

    line: int
    words: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.words}"


class UploadFaulty(ValueError):
    """A file cannot be read as trials; `faults` holds the first `MOST_FAULTS` of its faults."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


class Wrong(ValueError):
    """A value is not as it should be; the words say what would be right."""


class Row:
    """The values of one row, each read once with a sentence when it is wrong."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str, *, usual: str | None = None, longest: int = 200_000) -> str:
        """Return a text. Raises Wrong."""
        value = self.values.get(name)
        if value is None and usual is not None:
            return usual
        if not isinstance(value, str) or len(value) > longest:
            raise Wrong(f"{name} must be a text of at most {longest:,} characters.")
        return value.replace("\x00", "")

    def number(
        self, name: str, *, least: float = 0.0, most: float, usual: float | None = None
    ) -> float:
        """Return a number, also from text as in CSV. Raises Wrong."""
        value = self.values.get(name)
        if value in (None, "") and usual is not None:
            return usual
        try:
            found = float(value) if not isinstance(value, bool) else float(int(value))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            found = float("nan")
        if not least <= found <= most:
            shown = repr(value)[:40]
            wide = f"{most:,.0f}" if most == int(most) else f"{most:g}"
            raise Wrong(f"{name} is {shown}; it must be a number from {least:g} to {wide}.")
        return found

    def share(self, name: str) -> float:
        """Return a number from 0 to 1. Raises Wrong."""
        return self.number(name, most=1.0)

    def count(self, name: str, *, usual: int | None = None, most: int = 10_000_000) -> int:
        """Return a whole number. Raises Wrong."""
        found = self.number(name, most=most, usual=usual)
        if found != int(found):
            raise Wrong(f"{name} is {found:g}; it must be a whole number.")
        return int(found)

    def inner(self, name: str) -> Mapping[str, Any]:
        """Return an object. Raises Wrong."""
        value = self.values.get(name)
        if not isinstance(value, Mapping) or not value:
            raise Wrong(f"{name} must be an object with at least one entry.")
        return value


def lines(stream: BinaryIO, *, most_bytes: int = MOST_BYTES) -> Iterator[str]:
    """Yield the lines of a file, gzipped or not, with their ends. Raises UploadFaulty."""
    head = stream.read(2)
    stream.seek(0)
    source: Any = gzip.GzipFile(fileobj=stream) if head == _GZIP else stream
    seen = number = 0
    while True:
        number += 1
        try:
            line = source.readline(MOST_LINE_BYTES + 1)
        except (EOFError, OSError, zlib.error):
            raise UploadFaulty(
                Fault(number, "The gzip file is damaged or cut short here; upload it whole.")
            ) from None
        if not line:
            return
        seen += len(line)
        if len(line) > MOST_LINE_BYTES:
            words = f"It is longer than {MOST_LINE_BYTES // 2**20} MiB; one trial stands on a line."
            raise UploadFaulty(Fault(number, words))
        if seen > most_bytes:
            words = f"The file is larger than {most_bytes / 2**20:g} MiB unpacked; upload less."
            raise UploadFaulty(Fault(number, words))
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UploadFaulty(Fault(number, "It is not UTF-8; save the file as UTF-8.")) from None
