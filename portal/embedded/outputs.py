"""What the processes print, read line by line without a thread."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from typing import IO

LONGEST_LINE_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024


class Outputs:
    """Hears every followed pipe while its owner waits.

    Without threads on purpose: a dying parent's children are handed to its next living thread, and
    each handing over sends the parent-death signal once more (prctl(2), PR_SET_PDEATHSIG). A server
    interrupted inside its own signal handler may then wait for itself for ever.
    """

    def __init__(self, *, hear: Callable[[str, str], None]) -> None:
        self._hear = hear
        self._selector = selectors.DefaultSelector()
        self._begun: dict[int, bytes] = {}
        self._pipes: dict[int, IO[bytes]] = {}

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Hear `name`'s lines from now on, until every process that holds the pipe has ended."""
        os.set_blocking(pipe.fileno(), False)
        self._begun[pipe.fileno()] = b""
        self._pipes[pipe.fileno()] = pipe
        self._selector.register(pipe, selectors.EVENT_READ, name)

    def listen(self, *, for_s: float) -> None:
        """Wait so long, and hear what is printed meanwhile."""
        until = time.monotonic() + for_s
        while True:
            for key, _ in self._selector.select(max(until - time.monotonic(), 0)):
                self._read(key)
            if time.monotonic() >= until:
                return

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            read = os.read(key.fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        *lines, begun = (self._begun[key.fd] + read).split(b"\n")
        if begun and (not read or len(begun) >= LONGEST_LINE_BYTES):
            lines, begun = [*lines, begun], b""
        self._begun[key.fd] = begun
        for line in lines:
            self._hear(key.data, line.decode(errors="replace").rstrip())
        if not read:
            del self._begun[key.fd]
            self._selector.unregister(key.fileobj)
            self._pipes.pop(key.fd).close()
