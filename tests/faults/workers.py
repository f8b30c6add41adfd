"""Real Celery workers against a real broker, database and sandbox: to be killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from portal.embedded import valkey
from portal.embedded.children import tied
from tests import environment
from tests.fixtures.servers import ROOT, wait_until


def database_url() -> str:
    """Return the URL of this test's own database."""
    held = connection.settings_dict
    return f"postgresql://{held['USER']}@/{held['NAME']}?host={held['HOST']}&port={held['PORT']}"


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a broker of one's own and return its URL."""
    store = valkey.prepare(data=folder / "valkey")
    with (folder / "valkey.log").open("wb") as log:
        server = subprocess.Popen(
            valkey.command(store), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: valkey.is_ready(store), what="the broker starts", process=server)
        yield store.broker_url
    finally:
        server.terminate()
        server.wait(timeout=10)


@dataclass(slots=True)
class Workers:
    """A worker with its own beat, started again after each kill."""

    folder: Path
    broker_url: str
    dice: random.Random
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "worker.log"

    def start(self) -> None:
        """Start one, with two processes that work."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "celery", "--app", "portal.celery:app", "worker", "-B"]
        command += ["--concurrency", "2", "--without-mingle", "--without-gossip"]
        command += ["--schedule", str(self.folder / f"beat-{self.kills}"), "--loglevel", "INFO"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                tied(command, dies_by=signal.SIGKILL),
                cwd=ROOT,
                env=self._environment(ready),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(ready.exists, what=f"a worker starts ({self.log})", process=self.process)

    def _environment(self, ready: Path) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": database_url(),
            "BROKER_URL": self.broker_url,
            "AWS_ENDPOINT_URL": str(settings.AWS_ENDPOINT_URL),
            "SLIPWAY_READY_FILE": str(ready),
            "SLIPWAY_HOME": str(environment.HOME),
            "LEASE_SECONDS": "12",
            "AWS_CALL_SECONDS": "3",
            "POLL_SECONDS": "1",
            "RESYNC_SECONDS": "5",
            "DB_POOL_MIN": "1",
            "DB_POOL_MAX": "2",
        }

    def kill(self) -> None:
        """Kill with -9: sometimes one child, sometimes all of it at once; then start anew."""
        assert self.process is not None
        self.kills += 1
        children = children_of(self.process.pid)
        if children and self.dice.random() < 0.4:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(children), signal.SIGKILL)
            return
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill all of it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)
            self.process = None


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in listed.read_text().split()]
    except OSError:
        return []


def until(is_true: Callable[[], bool], *, what: Callable[[], str], seconds: float) -> None:
    """Wait. Raises AssertionError when it takes longer than anything reasonable."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds} s:\n{what()}"
        time.sleep(0.2)
