"""Amazon's event stream: frames of length, headers, payload and checksums, both ways. Pure.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html; checked in tests against botocore's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from struct import error as StructError
from zlib import crc32

from cascade.domain.wire.fields import broken

CONTENT_TYPE = "application/vnd.amazon.eventstream"
# AWS allows 16 MB of payload; an event of an answer is one delta.
MOST_FRAME_BYTES = 4 * 1024 * 1024
_PRELUDE = Struct("!III")
_WORD = Struct("!I")
_SHORT = Struct("!H")
_PRELUDE_BYTES = 12
_LEAST_FRAME_BYTES = 16
# Bytes of a header's value by its type; 6 and 7 carry their own length.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES, _STRING = 6, 7
_MOST_KEPT_BYTES = 256


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; `headers` holds those that are texts."""

    headers: Mapping[str, str]
    payload: bytes


class Reader:
    """Collects bytes and gives whole frames, checksums checked."""

    def __init__(self, *, most_bytes: int = MOST_FRAME_BYTES) -> None:
        self._most = most_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now. Raises UpstreamFailed for a malformed one."""
        held = self._rest + data if self._rest else data
        frames, at = [], 0
        while len(held) - at >= _PRELUDE_BYTES:
            length, headers, checksum = _PRELUDE.unpack_from(held, at)
            if crc32(held[at : at + 8]) != checksum:
                broken("An event's prelude does not match its checksum.")
            if not _LEAST_FRAME_BYTES + headers <= length <= self._most:
                broken(f"An event of {length} bytes cannot be.")
            if len(held) - at < length:
                break
            frames.append(_frame(held[at : at + length], headers))
            at += length
        self._rest = held[at:]
        return frames

    @property
    def is_between(self) -> bool:
        """Say whether nothing half-read is held."""
        return not self._rest


def write(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one frame."""
    encoded = _encoded(tuple(headers.items()))
    lengths = _PRELUDE.pack(_LEAST_FRAME_BYTES + len(encoded) + len(payload), len(encoded), 0)[:8]
    message = lengths + _WORD.pack(crc32(lengths)) + encoded + payload
    return message + _WORD.pack(crc32(message))


def _frame(data: bytes, header_bytes: int) -> Frame:
    if crc32(data[:-4]) != _WORD.unpack_from(data, len(data) - 4)[0]:
        broken("An event does not match its checksum.")
    end = _PRELUDE_BYTES + header_bytes
    headers = data[_PRELUDE_BYTES:end]
    # A stream repeats a few headers; only short ones are worth keeping.
    read = _kept_headers if header_bytes <= _MOST_KEPT_BYTES else _headers
    return Frame(read(headers), data[end:-4])


@lru_cache(maxsize=64)
def _kept_headers(data: bytes) -> Mapping[str, str]:
    return _headers(data)


def _headers(data: bytes) -> dict[str, str]:
    found, at = {}, 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            kind = data[name_end]
            value_at = name_end + 1
            if kind in {_BYTES, _STRING}:
                length = _SHORT.unpack_from(data, value_at)[0]
                value_at += 2
            else:
                length = _FIXED[kind]
            value = data[value_at : value_at + length]
            if kind == _STRING:
                found[data[at + 1 : name_end].decode()] = value.decode()
            at = value_at + length
    except (IndexError, KeyError, ValueError, StructError):
        at = -1
    if at != len(data):
        broken("An event's headers cannot be read.")
    return found


@lru_cache(maxsize=64)
def _encoded(headers: tuple[tuple[str, str], ...]) -> bytes:
    return b"".join(_header(name, value) for name, value in headers)


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    start = bytes([len(name)]) + name.encode() + bytes([_STRING])
    return start + _SHORT.pack(len(encoded)) + encoded
