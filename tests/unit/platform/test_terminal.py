"""What a person sees of what the servers say."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from portal.embedded.terminal import LARGEST_LOG_BYTES, Terminal


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(tmp_path: Path, screen: io.StringIO) -> Terminal:
    return Terminal(logs=tmp_path, output=screen)


def test_ordinary_lines_go_to_the_log_alone(
    terminal: Terminal, screen: io.StringIO, tmp_path: Path
) -> None:
    terminal.hear("web", "GET / 200")
    assert screen.getvalue() == ""
    assert (tmp_path / "web.log").read_text() == "GET / 200\n"


def test_a_traceback_is_shown_to_its_end(terminal: Terminal, screen: io.StringIO) -> None:
    for line in ("Traceback (most recent call last):", "  File x", "    y()", "all well again"):
        terminal.hear("worker", line)
    assert "y()" in screen.getvalue()
    assert "all well" not in screen.getvalue()


@pytest.mark.parametrize(
    ("name", "line", "shown"),
    [
        ("web", "ERROR slipway broken", True),
        ("web", "WARNING slow", True),
        ("postgres", "ERROR:  duplicate key value", False),
        ("postgres", "FATAL:  out of memory", True),
        ("valkey", "# WARNING Memory overcommit must be enabled!", False),
        ("beat", "    . logfile -> [stderr]@%WARNING", False),
    ],
)
def test_only_what_matters_is_shown(
    terminal: Terminal, screen: io.StringIO, name: str, line: str, shown: bool
) -> None:
    terminal.hear(name, line)
    assert (line in screen.getvalue()) is shown


def test_a_failure_shows_the_last_lines_not_seen_yet(
    terminal: Terminal, screen: io.StringIO
) -> None:
    terminal.hear("migrate", "Applying 0001")
    terminal.hear("migrate", "ERROR it broke")
    terminal.tail("migrate")
    assert screen.getvalue().count("Applying 0001") == 1
    assert screen.getvalue().count("ERROR it broke") == 1


def test_a_log_does_not_grow_without_end(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_bytes(b"x" * (LARGEST_LOG_BYTES + 1))
    terminal.hear("web", "next")
    assert (tmp_path / "web.log").read_text() == "next\n"


def test_a_terminal_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    closed = io.StringIO()
    terminal = Terminal(logs=tmp_path, output=closed)
    closed.close()
    terminal.say("nobody hears this")
    terminal.hear("web", "ERROR nor this")
    assert "nor this" in (tmp_path / "web.log").read_text()
