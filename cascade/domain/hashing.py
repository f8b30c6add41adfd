"""Turn a prompt into hashed n-grams and a few counts: the features of router and scorers.

Pure, the same in every process and on every machine: CRC-32 and integer arithmetic, never `hash()`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import log1p

import numpy as np
from numpy.typing import NDArray

COUNTS = 24
# Words (one and two in a row) have as many places as letters.
BITS = 15
WORDS_FROM = COUNTS
LETTERS_FROM = COUNTS + (1 << BITS)
DIMENSIONS = LETTERS_FROM + (1 << BITS)

# What is read of a longer text: where the task is said, and where the question usually is.
HEAD_CHARACTERS = 6_000
TAIL_CHARACTERS = 2_000

_HALF, _THIRTEEN, _LOWER = np.uint32(16), np.uint32(13), np.uint32(32 - BITS)
_FIRST_MIX, _SECOND_MIX = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_PAIR = np.uint32(2_654_435_761)
# Every byte of a letter beyond ASCII counts as a part of its word.
_WORD = re.compile(rb"[\w\x80-\xff]+|[^\w\s]")
_TURN = re.compile(r"^(?:user|assistant|customer|agent|human|system)\s*:", re.IGNORECASE | re.M)
_LONG_WORD = 8

_OTHER, _DIGIT, _UPPER, _MATH, _CODE, _PAUSE, _QUOTE, _WIDE = range(8)


def _classes() -> bytes:
    table = bytearray(256)
    groups = {
        _DIGIT: b"0123456789",
        _UPPER: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _MATH: b"+-*/=^<>%$\\|",
        _CODE: b"{}[]();#`~@&",
        _PAUSE: b",:.",
        _QUOTE: b"\"'",
    }
    for name, letters in groups.items():
        for letter in letters:
            table[letter] = name
    table[128:] = bytes([_WIDE]) * 128
    return bytes(table)


_CLASS = _classes()
_MARKS = tuple(bytes([name]) for name in range(_DIGIT, _WIDE + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Hashed:
    """Where a text is not zero, and what it is there: indices below DIMENSIONS, each once.

    The first COUNTS places are counts and shares; words (one and two in a row) and letters (four
    in a row) follow, each of the two blocks scaled to length 1.
    """

    indices: NDArray[np.int32]
    values: NDArray[np.float32]


Read = Callable[[str], Hashed]


@dataclass(slots=True)
class Remembered:
    """Reads texts as `features` does, and the same text twice in a row once.

    Before a call the router reads the prompt, after it the scorer does.
    """

    text: str | None = None
    hashed: Hashed | None = None

    def __call__(self, text: str) -> Hashed:
        """Return the features of a text."""
        if self.hashed is None or text != self.text:
            self.text, self.hashed = text, features(text)
        return self.hashed


def features(text: str) -> Hashed:
    """Return the features of a text; of a longer one, those of its head and tail."""
    read = clipped(text)
    raw = read.encode("utf-8", "replace")
    low = raw.lower() if read.isascii() else read.lower().encode("utf-8", "replace")
    words = _WORD.findall(low)
    grams = _once(_grams(words, low))
    cut = int(grams.searchsorted(LETTERS_FROM))
    values = np.empty(COUNTS + grams.size, np.float32)
    values[:COUNTS] = _counts(read, raw, words, len(text))
    values[COUNTS : COUNTS + cut] = 1.0 / max(cut, 1) ** 0.5
    values[COUNTS + cut :] = 1.0 / max(grams.size - cut, 1) ** 0.5
    return Hashed(np.concatenate((_PLACES, grams)), values)


def clipped(text: str) -> str:
    """Return the part of a text that is read: all of it, or its head and tail."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"


_PLACES = np.arange(COUNTS, dtype=np.int32)


def _grams(words: list[bytes], raw: bytes) -> NDArray[np.uint32]:
    """Return the places of words, of pairs in a row, and of each four bytes in a row."""
    framed = b" %b  " % raw
    letters = max(len(framed) - 4, 0)
    pairs = max(len(words) - 1, 0)
    cut = len(words) + pairs
    grams = np.empty(cut + letters, np.uint32)
    one = grams[: len(words)]
    one[:] = list(map(zlib.crc32, words))
    np.multiply(one[:-1], _PAIR, out=grams[len(words) : cut])
    grams[len(words) : cut] ^= one[1:]
    # Each four bytes begin one byte after those before.
    grams[cut:] = np.ndarray(letters, "<u4", framed, 0, (1,))
    _spread(grams)
    grams[:cut] += np.uint32(WORDS_FROM)
    grams[cut:] += np.uint32(LETTERS_FROM)
    return grams


def _spread(hashes: NDArray[np.uint32]) -> None:
    """Spread hashes over 2**BITS places (the finaliser of MurmurHash3, then its upper bits)."""
    hashes ^= hashes >> _HALF
    hashes *= _FIRST_MIX
    hashes ^= hashes >> _THIRTEEN
    hashes *= _SECOND_MIX
    hashes >>= _LOWER


def _once(places: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return the places in rising order, each once."""
    places.sort()
    is_new = np.empty(places.size, np.bool_)
    is_new[:1] = True
    np.not_equal(places[1:], places[:-1], out=is_new[1:])
    return places[is_new].astype(np.int32)


def _counts(read: str, raw: bytes, words: list[bytes], length: int) -> list[float]:
    """Return COUNTS numbers of order 1: lengths as logarithms, the rest as shares."""
    classes = raw.translate(_CLASS)
    kinds = [classes.count(mark) for mark in _MARKS]
    size = max(len(raw), 1)
    many = max(len(words), 1)
    lines = read.split("\n")
    amounts = (
        length,
        len(words),
        len(lines),
        len(lines[0]),
        read.count("?"),
        read.count(". "),
        kinds[_DIGIT - 1],
        len(_TURN.findall(read)) if ":" in read else 0,
    )
    return [
        (len(raw) - sum(kinds)) / size,
        *(kind / size for kind in kinds),
        *(log1p(amount) / 5 for amount in amounts),
        len(read) / many / 10,
        len(set(words)) / many,
        sum(map(_LONG_WORD.__lt__, map(len, words))) / many,
        max(map(len, lines)) / max(len(read), 1),
        "?" in read,
        "_" in read,
        " not " in read,
        "NOT" in read or "EXCEPT" in read,
    ]
