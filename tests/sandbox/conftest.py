"""A real sandbox process for each session, and processes of their own for what ends them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60


@dataclass(slots=True)
class Sandbox:
    """A running sandbox: its URL, real clients of it, and its control endpoints."""

    state: Path
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _clients: dict[tuple[str, int], Any] = field(default_factory=dict, repr=False)

    def start(self) -> None:
        """Start the process and return when it accepts requests."""
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "sandbox", "--port", port, "--state", str(self.state)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("sandbox ready on "):
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.url = line.split()[-1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process with a signal; returns its exit code."""
        process = self._process
        assert process is not None
        process.send_signal(number)
        code = process.wait(timeout=_START_SECONDS)
        if process.stdout:
            process.stdout.close()
        return code

    def client(self, service: str, *, attempts: int = 1) -> Any:
        """Return a real boto3 client that speaks to this sandbox."""
        key = (service, attempts)
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",
                config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
            )
        return self._clients[key]

    def get(self, path: str) -> Any:
        """Return what a control endpoint says."""
        return self.ask("GET", path)

    def put(self, path: str, **wish: Any) -> Any:
        """Set faults, quotas or delays."""
        return self.ask("PUT", path, wish)

    def reset(self) -> None:
        """Empty it."""
        self.ask("POST", "reset")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control endpoint; raises HTTPError for a refusal."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always http
            f"{self.url}/sandbox/{path}", method=method, data=data
        )
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            return json.loads(reply.read())

    def kinds(self) -> dict[str, int]:
        """Return how many of each kind of thing exist."""
        found: dict[str, int] = {}
        for item in self.get("inventory"):
            kind = f"{item['service']}:{item['kind']}"
            found[kind] = found.get(kind, 0) + 1
        return found


def eventually(is_true: Callable[[], bool], *, what: str) -> None:
    """Return when true; fail with the sentence after a minute."""
    deadline = time.monotonic() + 60
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Run one sandbox for the session."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        running = Sandbox(state=Path(folder))
        running.start()
        yield running
        running.stop()


@pytest.fixture
def aws(sandbox: Sandbox) -> Sandbox:
    """Return the session's sandbox, empty, in which everything is ready at once."""
    sandbox.reset()
    sandbox.put("delays", **dict.fromkeys(sandbox.get("delays"), 0))
    return sandbox


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Sandbox]:
    """Return a sandbox process of this test's own, which it may end and start again."""
    running = Sandbox(state=tmp_path)
    running.start()
    yield running
    process = running._process
    if process is not None and process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
