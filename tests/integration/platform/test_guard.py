"""What a lost supervisor leaves is seen off, however badly it behaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.embedded.guard import Guard, Session, sessions, stat_of
from tests.fixtures.servers import ROOT, wait_until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
SUPERVISOR = """
import sys
from pathlib import Path
from portal.embedded.supervisor import Service, Supervisor
from portal.embedded.terminal import Terminal

folder = Path(sys.argv[1])
deaf = Service(
    name="deaf",
    command=[sys.executable, "-c", sys.argv[2]],
    is_ready=(folder / "child").exists,
    stop_within_s=0.5,
)
supervisor = Supervisor(services=[deaf], environment={}, terminal=Terminal(logs=folder))
supervisor.run(folder=folder, on_ready=lambda seconds: (folder / "ready").touch())
"""


def is_alive(pid: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and stat[0] not in "ZX"


def test_a_deaf_server_and_its_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    deaf = (
        DEAF + "import subprocess, sys; from pathlib import Path; "
        f"child = subprocess.Popen([sys.executable, '-c', {DEAF + 'time.sleep(60)'!r}]); "
        "Path('child').write_text(str(child.pid)); time.sleep(60)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, tmp_path, deaf], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    wait_until((tmp_path / "ready").exists, what="the server is up", process=supervisor)
    child = int((tmp_path / "child").read_text())
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not is_alive(child), what="the child of the deaf server ends")


def test_a_server_gets_the_time_it_was_given() -> None:
    slow = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(0.6)"], start_new_session=True
    )
    guard = Guard()
    guard.watch(slow.pid, within_s=30)
    began = time.monotonic()
    guard.leave()
    assert slow.wait() == 0
    assert time.monotonic() - began < 25


def test_a_number_that_another_process_has_by_now_is_left_alone() -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    try:
        assert Session(leader=stranger.pid, start=1, within_s=0).members(sessions()) == ()
        assert Session(leader=stranger.pid, start=None, within_s=0).members(sessions()) == ()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_whose_name_is_no_text_stops_nobody() -> None:
    """A name is cut after 15 bytes (prctl(2), PR_SET_NAME), through a letter if need be."""
    named = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'odd \\xff\\xfe) (', 0, 0, 0); "
        "print(flush=True); "
    )
    stranger = subprocess.Popen(
        [sys.executable, "-c", named + "time.sleep(60)"], stdout=subprocess.PIPE
    )
    deaf = subprocess.Popen([sys.executable, "-c", DEAF + "time.sleep(60)"], start_new_session=True)
    guard = Guard()
    try:
        assert stranger.stdout is not None
        stranger.stdout.readline()
        assert b"\xff\xfe) (" in Path(f"/proc/{stranger.pid}/comm").read_bytes()
        guard.watch(deaf.pid, within_s=0)
        guard.leave()
        assert deaf.wait() == -signal.SIGKILL
    finally:
        stranger.kill()
        stranger.wait()
        stranger.stdout.close()


def test_a_process_that_leads_no_session_is_left_alone() -> None:
    mine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    guard = Guard()
    try:
        guard.watch(mine.pid, within_s=0)
        guard.leave()
        assert mine.poll() is None
    finally:
        mine.kill()
        mine.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_guard_stays_when_the_terminal_goes(number: signal.Signals) -> None:
    guard = Guard()
    deaf = subprocess.Popen([sys.executable, "-c", DEAF + "time.sleep(60)"], start_new_session=True)
    guard.watch(deaf.pid, within_s=0)
    wait_until(lambda: _ignores(guard._process.pid, number), what="the guard is up")
    os.kill(guard._process.pid, number)
    guard.leave()
    assert deaf.wait() == -signal.SIGKILL


def _ignores(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)
