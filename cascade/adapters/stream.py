"""The event stream and the counters as the worker sees them: read, forget, sweep, make again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from cascade.adapters import scripts
from cascade.adapters.counters import CountersAway

A_LOOK = 2_000
# Micro-dollars by month and scope.
Months = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the stream, and its event; `is_late` came after its hold was lost."""

    place: str
    body: bytes
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that is not what rows and stream make it; `counter` is its key in the server."""

    counter: str
    scope: str
    is_micro: int
    should_micro: int


class Stream:
    """The worker's side of the counters behind a URL. Methods raise CountersAway."""

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.server: Redis = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._sweep = self.server.register_script(scripts.text("sweep"))
        self._rebuild = self.server.register_script(scripts.text("rebuild"))

    def take(self, *, limit: int = A_LOOK, after: str = "") -> tuple[Entry, ...]:
        """Return the oldest entries, or those after a place; they stay until `forget`."""
        first = f"({after}" if after else "-"
        found = self._ask(lambda: self.server.xrange(scripts.STREAM, first, "+", count=limit))
        return tuple(_entry(place, fields) for place, fields in found)

    def all(self) -> Iterator[tuple[Entry, ...]]:
        """Yield everything in the stream, oldest first."""
        after = ""
        while entries := self.take(after=after):
            yield entries
            after = entries[-1].place

    def forget(self, places: Sequence[str]) -> None:
        """Remove entries that are booked."""
        if places:
            self._ask(lambda: self.server.xdel(scripts.STREAM, *places))

    def length(self) -> int:
        """Return how many entries wait."""
        return int(self._ask(lambda: self.server.xlen(scripts.STREAM)))

    def sweep(self, *, now_s: float | None = None) -> int:
        """Book expired holds as lost; return how many."""
        swept, found = 0, scripts.A_SWEEP
        while found == scripts.A_SWEEP:
            words = [scripts.milliseconds(now_s), scripts.A_SWEEP]
            found = self._ask(lambda words=words: self._sweep(args=words))
            swept += found
        return swept

    def is_built(self) -> bool:
        """Say whether the counters count, or were lost."""
        return bool(self._ask(lambda: self.server.exists(scripts.BUILT)))

    def replace(self, *, months: Months, last: str) -> None:
        """Make the counters of some months anew: `months`, entries after `last`, and holds."""
        words = ["replace", last or "0", json.dumps(months)]
        self._ask(lambda: self._rebuild(args=words))

    def compare(self, *, months: Months, last: str) -> tuple[Difference, ...]:
        """Return which counters are not what `replace` would make them."""
        words = ["compare", last or "0", json.dumps(months)]
        rows = json.loads(self._ask(lambda: self._rebuild(args=words)))
        return tuple(Difference(*row) for row in rows)

    def publish_other(self, *, month: str, micro: Mapping[str, int]) -> None:
        """Say what all that is no cascade costs in a month, by scope; replaces what was said."""
        key = scripts.other_key(month)

        def put() -> None:
            with self.server.pipeline(transaction=True) as both:
                both.delete(key)
                if micro:
                    both.hset(key, items=[word for pair in micro.items() for word in pair])
                    both.expire(key, scripts.KEEP_MONTH_S)
                both.execute()

        self._ask(put)

    def close(self) -> None:
        """Close its connection."""
        self.server.close()

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except (RedisError, OSError) as reason:
            raise CountersAway(f"The counters' server does not answer: {reason}") from reason


def _entry(place: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    if b"late" in fields:
        return Entry(place.decode(), fields[b"late"], is_late=True)
    return Entry(place.decode(), fields.get(b"e", b""))
