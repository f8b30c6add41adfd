"""Server-sent events: bytes in pieces of any size to events, and back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cascade.domain.wire.fields import broken

# An answer's longest event is one delta; a line beyond this is an attack or a fault.
MOST_EVENT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name (empty: a message) and its data."""

    name: str
    data: str


class Reader:
    """Collects bytes and gives whole events. Comments are passed over."""

    def __init__(self, *, most_bytes: int = MOST_EVENT_BYTES) -> None:
        self._most = most_bytes
        self._rest = b""
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that are whole now. Raises UpstreamFailed when one is too long."""
        lines = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._most:
            broken(f"The model's server sent a line of more than {self._most} bytes.")
        for line in lines:
            event = self._take(line.rstrip(b"\r"))
            if event is not None:
                yield event

    @property
    def is_between(self) -> bool:
        """Say whether nothing half-read is held."""
        return not self._rest.strip() and not self._data

    def _take(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return None
        field, _, value = line.partition(b":")
        try:
            text = value.removeprefix(b" ").decode()
        except UnicodeDecodeError:
            broken("The model's server sent an event that is no UTF-8.")
        if field == b"data":
            self._size += len(value)
            if self._size > self._most:
                broken(f"The model's server sent an event of more than {self._most} bytes.")
            self._data.append(text)
        elif field == b"event":
            self._name = text
        return None

    def _dispatch(self) -> Event | None:
        name, lines = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        return Event(name, "\n".join(lines)) if lines else None
