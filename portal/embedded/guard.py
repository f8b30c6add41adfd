"""A process that outlives the supervisor, and makes an end of what does not end by itself.

The kernel asks the children of a lost supervisor to stop (`tied`), once. A server that is asked
while it waits for another one that has just ended may never get there; the guard ends it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_S = 0.1
# Fields of /proc/<pid>/stat after the command's name (proc(5)): state, session, start.
STATE, SESSION, START = 0, 3, 19


class Guard:
    """The supervisor's end of it: tell of every process that leads a session of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, pid: int, *, within_s: float) -> None:
        """End the session of `pid` that long after this process is gone."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(b"%d %f\n" % (pid, within_s))
                self._process.stdin.flush()

    def leave(self) -> None:
        """Wait until all that is left has ended."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Session:
    """What one watched process started; `start` is in clock ticks since the machine's own."""

    leader: int
    start: int | None
    within_s: float

    def members(self, living: Mapping[int, Sequence[int]]) -> Sequence[int]:
        """Return the living processes; none when another process has the leader's number by now.

        The kernel gives a number to nobody else while a session has it.
        """
        leader = stat_of(self.leader)
        if leader is not None and int(leader[START]) != self.start:
            return ()
        return living.get(self.leader, ())


def stat_of(pid: int) -> list[str] | None:
    """Return a process's fields after its name, which may be any bytes, spaces and brackets too."""
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return told.rpartition(b")")[2].decode("ascii").split()


def sessions() -> dict[int, list[int]]:
    """Return the living processes of this machine by their session."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        stat = stat_of(int(name)) if name.isdigit() else None
        if stat is not None and stat[STATE] not in "ZX":
            found.setdefault(int(stat[SESSION]), []).append(int(name))
    return found


def _told(lines: Iterable[str]) -> Iterator[Session]:
    for line in lines:
        pid, within_s = line.split()
        found = stat_of(int(pid))
        start = None if found is None else int(found[START])
        yield Session(leader=int(pid), start=start, within_s=float(within_s))


def main() -> None:
    """Note sessions until the input ends, then see them off."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched = list(_told(sys.stdin))
    began = time.monotonic()
    while left := _left(watched):
        for session, members in left.items():
            if time.monotonic() - began > session.within_s:
                for pid in members:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
        watched = list(left)
        time.sleep(LOOK_EVERY_S)


def _left(watched: Iterable[Session]) -> dict[Session, Sequence[int]]:
    living = sessions()
    return {session: found for session in watched if (found := session.members(living))}


if __name__ == "__main__":
    main()
