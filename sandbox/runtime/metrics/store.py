"""The series in memory, and their copy on disk.

A minute is kept for 15 days and an hour for 455 days, as CloudWatch does, so memory is bounded by
the number of series; that is bounded too.
"""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.runtime.metrics import summary
from sandbox.runtime.metrics.summary import Summary

MINUTE_SECONDS = 60
HOUR_SECONDS = 3_600
MINUTES_KEPT_SECONDS = 15 * 86_400
HOURS_KEPT_SECONDS = 455 * 86_400
MAX_SERIES = 20_000


class TooManySeries(Exception):
    """A new series was refused: the sandbox keeps at most MAX_SERIES."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric's name: namespace, metric and sorted dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    def dump(self) -> str:
        """Write as text."""
        return json.dumps([self.namespace, self.name, self.dimensions])


def series_of(namespace: str, name: str, dimensions: dict[str, str]) -> Series:
    """Return the series of a metric with these dimensions."""
    return Series(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(slots=True)
class Store:
    """All series; safe to use from many threads."""

    _minutes: dict[Series, dict[int, Summary]] = field(default_factory=dict)
    _units: dict[Series, str] = field(default_factory=dict)
    _changed: set[tuple[Series, int]] = field(default_factory=set)
    _gone: set[tuple[Series, int]] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, series: Series, at: float, change: Summary, unit: str) -> None:
        """Merge values that occurred at a moment (seconds since 1970); raises TooManySeries."""
        minute = int(at) // MINUTE_SECONDS * MINUTE_SECONDS
        with self._lock:
            if series not in self._minutes and len(self._minutes) >= MAX_SERIES:
                raise TooManySeries
            self._units.setdefault(series, unit)
            buckets = self._minutes.setdefault(series, {})
            buckets.setdefault(minute, Summary()).merge(change)
            self._changed.add((series, minute))

    def unit(self, series: Series) -> str:
        """Return the unit of the first value of a series."""
        with self._lock:
            return self._units.get(series, "None")

    def names(self) -> list[Series]:
        """Return every series."""
        with self._lock:
            return list(self._minutes)

    def read(
        self, series: Series, *, start: float, end: float, period: int
    ) -> list[tuple[int, Summary]]:
        """Return (begin of the period, summary) for every period with values, oldest first.

        Takes minutes that begin in [start, end); periods begin at multiples of `period` seconds.
        """
        points: dict[int, Summary] = {}
        first = int(start) // MINUTE_SECONDS * MINUTE_SECONDS
        with self._lock:
            for minute, values in self._minutes.get(series, {}).items():
                if first <= minute < end:
                    points.setdefault(minute // period * period, Summary()).merge(values)
        return sorted(points.items())

    def compact(self, now: float) -> None:
        """Fold minutes that are older than 15 days into hours, and drop what is past 455 days."""
        with self._lock:
            for series, buckets in self._minutes.items():
                old = [m for m in buckets if m < now - MINUTES_KEPT_SECONDS]
                for minute in old:
                    self._fold(series, buckets, minute, now)

    def _fold(self, series: Series, buckets: dict[int, Summary], minute: int, now: float) -> None:
        hour = minute // HOUR_SECONDS * HOUR_SECONDS
        if hour == minute and minute >= now - HOURS_KEPT_SECONDS:
            return
        values = buckets.pop(minute)
        self._gone.add((series, minute))
        if hour >= now - HOURS_KEPT_SECONDS:
            buckets.setdefault(hour, Summary()).merge(values)
            self._changed.add((series, hour))

    def flush(self, path: Path) -> None:
        """Write what has changed since the last flush, in one transaction."""
        with self._lock:
            changed, self._changed = self._changed, set()
            gone, self._gone = self._gone - changed, set()
            rows = [
                (series.dump(), minute, self._units[series], self._minutes[series][minute].dump())
                for series, minute in changed
                if minute in self._minutes.get(series, {})
            ]
        if not rows and not gone:
            return
        with _opened(path) as file:
            file.executemany("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", rows)
            lost = [(series.dump(), minute) for series, minute in gone]
            file.executemany("DELETE FROM bucket WHERE series = ? AND minute = ?", lost)

    def restore(self, path: Path) -> None:
        """Read what earlier processes wrote."""
        if not path.exists():
            return
        with _opened(path) as file, self._lock:
            for text, minute, unit, body in file.execute("SELECT * FROM bucket"):
                namespace, name, dimensions = json.loads(text)
                series = Series(namespace, name, tuple((k, v) for k, v in dimensions))
                self._units.setdefault(series, unit)
                self._minutes.setdefault(series, {})[minute] = summary.load(body)

    def clear(self) -> None:
        """Forget everything in memory."""
        with self._lock:
            self._minutes.clear()
            self._units.clear()
            self._changed.clear()
            self._gone.clear()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute(
            "CREATE TABLE IF NOT EXISTS bucket (series TEXT, minute INTEGER, unit TEXT, body TEXT, "
            "PRIMARY KEY (series, minute)) WITHOUT ROWID"
        )
        with file:
            yield file
    finally:
        file.close()
