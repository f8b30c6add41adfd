"""From `git clone` to the first page, and from Ctrl-C to the first page again."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.boot import ROOT
from benchmarks.figures import Figure

COLD_LIMIT_SECONDS = 300
WARM_LIMIT_SECONDS = 15
GIVE_UP_SECONDS = 900
FIRST_PAGE = "/accounts/login/"


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Clone what is committed, start it twice with an empty environment, return both times."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-start-"))
    try:
        began = time.perf_counter()
        clone = folder / "slipway"
        command = ["git", "clone", "--quiet", str(ROOT), str(clone)]
        subprocess.run(command, check=True)
        cold = _first_page(clone, home=folder, began=began)
        warm = _first_page(clone, home=folder, began=time.perf_counter())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return (
        Figure("clone to first page", cold, "s", COLD_LIMIT_SECONDS, "packages downloaded anew"),
        Figure("warm start to first page", warm, "s", WARM_LIMIT_SECONDS),
    )


def _first_page(clone: Path, *, home: Path, began: float) -> float:
    """Start `make run`, wait for a page, stop it as Ctrl-C does; return the seconds since."""
    port = _free_port()
    log = home / "run.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["make", "run", f"ARGS=--port {port}"],  # noqa: S607
            cwd=clone,
            # Nothing of this shell: as on a machine that never saw Slipway.
            env={"PATH": os.defpath + ":/usr/local/bin", "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > GIVE_UP_SECONDS:
                raise SystemExit(f"It did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.05)
        return time.perf_counter() - began
    finally:
        _interrupt(process)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{FIRST_PAGE}", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
