"""Lines of processes are heard whole, in order, and without a thread."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from portal.embedded.outputs import LONGEST_LINE_BYTES, Outputs
from portal.embedded.supervisor import Service, Supervisor
from portal.embedded.terminal import Terminal


def heard_of(program: str) -> list[tuple[str, str]]:
    """Return what is heard of a Python program until it has ended."""
    heard: list[tuple[str, str]] = []
    outputs = Outputs(hear=lambda name, line: heard.append((name, line)))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    outputs.follow("one", process.stdout)
    while process.poll() is None:
        outputs.listen(for_s=0.01)
    outputs.listen(for_s=0.05)
    return heard


def test_lines_are_heard_whole_and_in_order() -> None:
    program = (
        "import sys, time\n"
        "for part in ('fir', 'st\\nsec', 'ond\\n\\nlast'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.03)\n"
    )
    assert heard_of(program) == [("one", "first"), ("one", "second"), ("one", ""), ("one", "last")]


def test_a_line_without_an_end_is_heard_in_pieces() -> None:
    heard = heard_of(f"print('x' * {3 * LONGEST_LINE_BYTES}, end='')")
    assert len(heard) > 1
    assert "".join(line for _, line in heard) == "x" * (3 * LONGEST_LINE_BYTES)


def test_listening_lasts_as_long_as_asked_when_nobody_speaks() -> None:
    began = time.monotonic()
    Outputs(hear=lambda name, line: None).listen(for_s=0.05)
    assert time.monotonic() - began >= 0.05


def test_the_supervisor_starts_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    words = [sys.executable, "-c", "print('WARNING: said')"]
    service = Service(name="task", command=words, is_ready=lambda: True, is_task=True)
    with (tmp_path / "screen").open("w+") as screen:
        terminal = Terminal(logs=tmp_path, output=screen)
        supervisor = Supervisor(services=[service], environment={}, terminal=terminal)

        def stop(seconds: float) -> None:
            supervisor.outputs.listen(for_s=0.05)
            supervisor.exit_code = 0

        assert supervisor.run(folder=tmp_path, on_ready=stop) == 0
        screen.seek(0)
        assert "WARNING: said" in screen.read()
    assert started == []
