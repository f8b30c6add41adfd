"""Turn a prompt into hashed n-grams and a few counts: the features of router and scorers.

Pure, the same in every process and on every machine: CRC-32 and integer arithmetic, never `hash()`.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COUNTS = 24
WORD_BITS = 15
LETTER_BITS = 15
WORDS_FROM = COUNTS
LETTERS_FROM = COUNTS + (1 << WORD_BITS)
DIMENSIONS = LETTERS_FROM + (1 << LETTER_BITS)

# What is read of a longer text: where the task is said, and where the question usually is.
HEAD_CHARACTERS = 6_000
TAIL_CHARACTERS = 2_000

# Knuth's multiplicative constants: odd, so that no bit of a hash is lost.
_MIX = np.uint32(2_654_435_761)
_PAIR = np.uint32(2_246_822_519)
_WORD = re.compile(r"\w+|[^\w\s]")
_TURN = re.compile(r"^(?:user|assistant|customer|agent|human|system)\s*:", re.IGNORECASE | re.M)
_LONG_WORD = 8

_OTHER, _DIGIT, _UPPER, _MATH, _CODE, _PAUSE, _QUOTE, _WIDE = range(8)


def _classes() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    groups = {
        _DIGIT: b"0123456789",
        _UPPER: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _MATH: b"+-*/=^<>%$\\|",
        _CODE: b"{}[]();#`~@&",
        _PAUSE: b",:.",
        _QUOTE: b"\"'",
    }
    for name, letters in groups.items():
        table[list(letters)] = name
    table[128:] = _WIDE
    return table


_CLASS = _classes()


@dataclass(frozen=True, slots=True, eq=False)
class Hashed:
    """Where a text is not zero, and what it is there: indices below DIMENSIONS, each once.

    The first COUNTS places are counts and shares; words (one and two in a row) and letters (four
    in a row) follow, each of the two blocks scaled to length 1.
    """

    indices: NDArray[np.int32]
    values: NDArray[np.float32]


def features(text: str) -> Hashed:
    """Return the features of a text; of a longer one, those of its head and tail."""
    read = clipped(text)
    raw = read.encode("utf-8", "replace")
    low = read.lower()
    words = _WORD.findall(low)
    found = (_grams(words), _letters(low.encode("utf-8", "replace")))
    counts = _counts(read, raw, words, len(text))
    indices = np.concatenate((_PLACES, found[0], found[1]))
    values = np.empty(indices.size, np.float32)
    values[:COUNTS] = counts
    cut = COUNTS + found[0].size
    values[COUNTS:cut] = 1.0 / max(found[0].size, 1) ** 0.5
    values[cut:] = 1.0 / max(found[1].size, 1) ** 0.5
    return Hashed(indices, values)


def clipped(text: str) -> str:
    """Return the part of a text that is read: all of it, or its head and tail."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"


_PLACES = np.arange(COUNTS, dtype=np.int32)


def _grams(words: list[str]) -> NDArray[np.int32]:
    """Return the places of single words and of pairs in a row."""
    crc = zlib.crc32
    one = np.array([crc(word.encode("utf-8", "replace")) for word in words], np.uint32)
    two = one[:-1] * _PAIR ^ one[1:]
    return _places(np.concatenate((one, two)), WORD_BITS, WORDS_FROM)


def _letters(raw: bytes) -> NDArray[np.int32]:
    """Return the places of each four bytes in a row."""
    at = np.frombuffer(b" " + raw + b" ", np.uint8).astype(np.uint32)
    if at.size < 4:
        return np.empty(0, np.int32)
    four = at[:-3] | at[1:-2] << np.uint32(8) | at[2:-1] << np.uint32(16) | at[3:] << np.uint32(24)
    return _places(four, LETTER_BITS, LETTERS_FROM)


def _places(hashes: NDArray[np.uint32], bits: int, first: int) -> NDArray[np.int32]:
    mixed = (hashes * _MIX) >> np.uint32(32 - bits)
    return np.unique(mixed).astype(np.int32) + np.int32(first)


def _counts(read: str, raw: bytes, words: list[str], length: int) -> NDArray[np.float32]:
    """Return COUNTS numbers of order 1: lengths as logarithms, the rest as shares."""
    kinds = np.bincount(_CLASS[np.frombuffer(raw, np.uint8)], minlength=8)
    size = max(len(raw), 1)
    many = max(len(words), 1)
    lines = read.split("\n")
    given = [
        *(kinds / size).tolist(),
        length,
        len(words),
        len(lines),
        len(lines[0]),
        read.count("?"),
        read.count(". "),
        int(kinds[_DIGIT]),
        len(_TURN.findall(read)),
        len(read) / many / 10,
        len(set(words)) / many,
        sum(len(word) > _LONG_WORD for word in words) / many,
        max(map(len, lines)) / max(len(read), 1),
        "?" in read,
        "_" in read,
        " not " in read,
        "NOT" in read or "EXCEPT" in read,
    ]
    values = np.array(given, np.float32)
    values[8:16] = np.log1p(values[8:16]) / 5
    return values
