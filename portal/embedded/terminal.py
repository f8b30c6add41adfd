"""What a person sees while Slipway runs: calm lines, full logs in files, one box at the end."""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

LOUD = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC|Traceback)\b")
# A refused row is an ERROR to PostgreSQL and everyday to Slipway.
LOUD_POSTGRES = re.compile(r"\b(FATAL|PANIC)\b")
# Known and harmless: a kernel setting, a guess about threads, a banner, a first question too soon.
HARMLESS = re.compile(
    r"Memory overcommit|Configuration allows spawning|\. logfile ->|database system is starting up"
)
COLOURS = {
    "slipway": 36,
    "postgres": 34,
    "valkey": 35,
    "sandbox": 33,
    "migrate": 34,
    "seed": 33,
    "web": 32,
    "worker": 35,
    "beat": 36,
    "gateway": 32,
}
LARGEST_LOG_BYTES = 10 * 1024 * 1024
TAIL_LINES = 25


class Terminal:
    """Writes each process's lines to its log, and the loud ones to the screen."""

    def __init__(self, *, logs: Path, output: IO[str] | None = None) -> None:
        self.logs = logs
        self.output = output or sys.stdout
        self.is_coloured = self.output.isatty() and not os.environ.get("NO_COLOR")
        self.is_quiet = False
        self._loud: dict[str, bool] = {}
        self._unseen: dict[str, deque[str]] = {}

    def say(self, words: str, *, name: str = "slipway") -> None:
        """Print one line with its speaker's name."""
        prefix = f"{name:>8} | "
        if self.is_coloured:
            prefix = f"\033[{COLOURS.get(name, 37)}m{prefix}\033[0m"
        self._print(prefix + words)

    def hear(self, name: str, line: str) -> None:
        """Keep one line of a process, and print it when it matters."""
        is_shown = self._is_loud(name, line) and not self.is_quiet
        unseen = self._unseen.setdefault(name, deque(maxlen=TAIL_LINES))
        unseen.extend([] if is_shown else [line])
        self._write(name, line)
        if is_shown:
            self.say(line, name=name)

    def tail(self, name: str) -> None:
        """Print a process's last lines that were not printed yet, when it failed."""
        for line in self._unseen.pop(name, ()):
            self.say(line, name=name)
        self.say(f"The full log: {self.logs / name}.log")

    def box(self, lines: Sequence[str]) -> None:
        """Print lines in a box."""
        width = max(len(line) for line in lines)
        self._print("")
        self._print(f"  ┌{'─' * (width + 2)}┐")
        for line in lines:
            self._print(f"  │ {line:<{width}} │")
        self._print(f"  └{'─' * (width + 2)}┘\n")

    def _is_loud(self, name: str, line: str) -> bool:
        pattern = LOUD_POSTGRES if name == "postgres" else LOUD
        # The rest of a traceback is indented under its loud line.
        continues = self._loud.get(name, False) and line[:1] in (" ", "\t")
        speaks_up = bool(pattern.search(line)) and not HARMLESS.search(line)
        self._loud[name] = continues or speaks_up
        return self._loud[name]

    def _write(self, name: str, line: str) -> None:
        path = self.logs / f"{name}.log"
        # A full disk must not stop the servers.
        with suppress(OSError):
            if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
            with path.open("a", encoding="utf-8") as handle:
                handle.write(line + "\n")

    def _print(self, text: str) -> None:
        # The terminal may be gone (a closed window), or not know these characters.
        with suppress(OSError, ValueError):
            try:
                self.output.write(text + "\n")
            except UnicodeEncodeError:
                self.output.write(text.encode("ascii", "replace").decode() + "\n")
            self.output.flush()
