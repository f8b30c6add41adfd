"""One turn of the worker at the stream: sweep, drain, and make counters anew that were lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from cascade.adapters.counters import CountersAway
from cascade.adapters.stream import Stream
from cascade.usecases import counters
from cascade.usecases.drain import Drained, drain

__all__ = ["CountersAway", "stream_at", "turn"]


@contextmanager
def stream_at(url: str) -> Iterator[Stream]:
    """Return the stream behind a URL for a while. Raises CountersAway."""
    stream = Stream(url)
    try:
        yield stream
    finally:
        stream.close()


def turn(*, stream: Stream, now: datetime) -> Drained:
    """Book expired holds and everything in the stream. Raises CountersAway.

    Counters that were lost (a server that was emptied) are made anew first: until then no gateway
    is granted anything.
    """
    if not stream.is_built():
        counters.rebuild(stream=stream, now=now)
    stream.sweep()
    return drain(stream=stream, now=now)
