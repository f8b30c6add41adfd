"""Where the sandbox's own services leave their metrics."""

from pathlib import Path

from sandbox import state
from sandbox.runtime.metrics.store import Store, series_of
from sandbox.runtime.metrics.summary import Summary

store = Store()
_compacted_at = [0.0]
_COMPACT_EVERY_SECONDS = 3_600.0


def record(namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None:
    """Record one value now."""
    values = Summary()
    values.add(value)
    store.add(series_of(namespace, name, dimensions), state.now(), values, unit)
    state.touch("runtime")


def path() -> Path:
    """Return the file that keeps the metrics."""
    return state.directory() / "runtime" / "metrics.sqlite3"


def flush() -> None:
    """Write what has changed, and fold what is old once an hour."""
    now = state.now()
    if now - _compacted_at[0] > _COMPACT_EVERY_SECONDS:
        _compacted_at[0] = now
        store.compact(now)
    store.flush(path())


def clear() -> None:
    """Forget every metric, also on disk."""
    store.clear()
    for suffix in ("", "-wal", "-shm"):
        path().with_name(path().name + suffix).unlink(missing_ok=True)
