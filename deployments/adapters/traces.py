"""Trace files as lines of text: CSV or CSV.gz, unpacked piece by piece and never beyond a limit."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from deployments.domain.trace import BadTrace

MOST_FILE_BYTES = 20 * 1024 * 1024
MOST_UNPACKED_BYTES = 100 * 1024 * 1024
MOST_LINE_LETTERS = 1_000
_PIECE = 64 * 1024
_GZIP = 31  # zlib's window bits for a gzip stream of any window


def lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a trace file; at most one line and one piece are in memory.

    Raises BadTrace for what is no text, has a line too long, or is more than a trace may be.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest, number = "", 0
    for piece in _limited(_unpacked(_pieces(stream))):
        try:
            *whole, rest = (rest + decoder.decode(piece)).split("\n")
        except UnicodeDecodeError as reason:
            raise _not_text(number + 1) from reason
        for line in whole:
            number += 1
            yield _checked(line, number)
        _checked(rest, number + 1)
    if decoder.getstate()[0]:
        raise _not_text(number + 1)
    if rest:
        yield _checked(rest, number + 1)


def _not_text(line: int) -> BadTrace:
    return BadTrace(f"Near line {line} the file is neither UTF-8 text nor packed with gzip.")


def _checked(line: str, number: int) -> str:
    if len(line) > MOST_LINE_LETTERS:
        raise BadTrace(
            f"Line {number} has more than {MOST_LINE_LETTERS:,} characters; a line of a trace is "
            "a timestamp and two numbers."
        )
    return line


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    read = 0
    while piece := stream.read(_PIECE):
        read += len(piece)
        if read > MOST_FILE_BYTES:
            raise BadTrace(
                f"The file has more than {MOST_FILE_BYTES // 1024**2} MiB; pack it with gzip or "
                "cut it shorter."
            )
        yield piece


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield plain bytes, those of a gzip file (of several members too) unpacked."""
    first = next(pieces, b"")
    if first[:2] != b"\x1f\x8b":
        yield first
        yield from pieces
        return
    yield from _gunzipped(first, pieces)


def _gunzipped(packed: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    while packed:
        try:
            yield unpacker.decompress(packed, _PIECE)
        except zlib.error as reason:
            raise BadTrace("The file begins like gzip and cannot be unpacked.") from reason
        packed = unpacker.unconsumed_tail or unpacker.unused_data or next(pieces, b"")
        if unpacker.eof and packed:
            unpacker = zlib.decompressobj(_GZIP)
    yield unpacker.flush()
    if not unpacker.eof:
        raise BadTrace("The gzip file ends in the middle; it was not sent whole.")


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacked = 0
    for piece in pieces:
        unpacked += len(piece)
        if unpacked > MOST_UNPACKED_BYTES:
            raise BadTrace(
                f"Unpacked, the trace has more than {MOST_UNPACKED_BYTES // 1024**2} MiB; keep "
                "one line in ten and say so beside the file, or cut it shorter."
            )
        yield piece
