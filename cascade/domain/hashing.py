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

_HALF, _THIRTEEN = np.uint32(16), np.uint32(13)
_FIRST_MIX, _SECOND_MIX = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_PAIR = np.uint32(2_654_435_761)
# Every byte of a letter beyond ASCII counts as a part of its word.
_WORD = re.compile(rb"[\w\x80-\xff]+|[^\w\s]")
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
    low = read.lower().encode("utf-8", "replace")
    words = _WORD.findall(low)
    grams = _once(np.concatenate((_words(words), _letters(low))))
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


def _words(words: list[bytes]) -> NDArray[np.uint32]:
    """Return the places of single words and of pairs in a row."""
    one = np.array(list(map(zlib.crc32, words)), np.uint32)
    two = one[:-1] * _PAIR ^ one[1:]
    return _placed(np.concatenate((one, two)), WORD_BITS, WORDS_FROM)


def _letters(raw: bytes) -> NDArray[np.uint32]:
    """Return the places of each four bytes in a row, a blank before and after the text."""
    framed = b" %b  " % raw
    runs = [
        np.frombuffer(framed, "<u4", (len(framed) - 1 - start) // 4, start) for start in range(4)
    ]
    return _placed(np.concatenate(runs), LETTER_BITS, LETTERS_FROM)


def _placed(hashes: NDArray[np.uint32], bits: int, first: int) -> NDArray[np.uint32]:
    """Spread hashes over 2**bits places (the finaliser of MurmurHash3, then its upper bits)."""
    hashes ^= hashes >> _HALF
    hashes *= _FIRST_MIX
    hashes ^= hashes >> _THIRTEEN
    hashes *= _SECOND_MIX
    hashes >>= np.uint32(32 - bits)
    hashes += np.uint32(first)
    return hashes


def _once(places: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return the places in rising order, each once."""
    places.sort()
    is_new = np.empty(places.size, np.bool_)
    is_new[:1] = True
    np.not_equal(places[1:], places[:-1], out=is_new[1:])
    return places[is_new].astype(np.int32)


def _counts(read: str, raw: bytes, words: list[bytes], length: int) -> NDArray[np.float32]:
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
        len(_TURN.findall(read)) if ":" in read else 0,
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
