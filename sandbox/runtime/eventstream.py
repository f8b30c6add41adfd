"""Amazon's event stream framing: length, headers, payload, checksums."""

import json
from binascii import crc32
from struct import pack
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def event(kind: str, payload: dict[str, Any]) -> bytes:
    """Return one JSON event as a frame."""
    return _frame(
        {":message-type": "event", ":event-type": kind, ":content-type": "application/json"},
        json.dumps(payload).encode(),
    )


def raw_event(kind: str, payload: bytes) -> bytes:
    """Return one event that carries bytes."""
    headers = {
        ":message-type": "event",
        ":event-type": kind,
        ":content-type": "application/octet-stream",
    }
    return _frame(headers, payload)


def _frame(headers: dict[str, str], payload: bytes) -> bytes:
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    message = prelude + pack("!I", crc32(prelude)) + encoded + payload
    return message + pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    head = pack("!B", len(name_bytes)) + name_bytes
    return head + pack("!BH", _STRING, len(value_bytes)) + value_bytes
