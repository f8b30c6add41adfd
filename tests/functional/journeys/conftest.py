"""What the journeys share: the sandbox behind the stack, REST over a real socket, the player."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.fixtures.servers import ROOT, Sandbox
from tests.fixtures.stack import Stack, bare_environment

PLAY_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Reply:
    """A REST answer."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Rest:
    """A client of the REST interface with one person's key, over HTTP."""

    url: str
    key: str

    def get(self, path: str) -> Reply:
        """Ask for a resource under /api/v1/."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> Reply:
        """Send JSON to a resource under /api/v1/; `idempotency_key=...` becomes its header."""
        return self._ask("POST", path, body or {}, **headers)

    def _ask(self, method: str, path: str, body: Any, **headers: str) -> Reply:
        request = urllib.request.Request(  # noqa: S310 - always http
            f"{self.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                return Reply(reply.status, json.load(reply))
        except urllib.error.HTTPError as error:
            return Reply(error.code, json.loads(error.read() or b"null"))


def until(is_true: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Ask again until it is true; fail with the sentence when it takes longer."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def pretend_aws(stack: Stack) -> Sandbox:
    """The sandbox that the stack deploys to."""
    kept = json.loads((stack.home / "environment.json").read_text())
    return Sandbox(url=kept["AWS_ENDPOINT_URL"])


@pytest.fixture
def key_of(page_as: Callable[..., Page]) -> Callable[..., str]:
    """Return a new API key of a person, made on the page for keys: `key_of("lead", "read")`."""

    def make(role: str, *scopes: str) -> str:
        page = page_as(role)
        page.goto("/settings/keys/")
        page.get_by_label("Name", exact=True).fill("journey")
        for scope in scopes:
            page.get_by_role("checkbox", name=re.compile(f"^{scope}:")).check()
        page.get_by_role("button", name="Make the key").click()
        return page.get_by_label("Your new key").locator("code").inner_text()

    return make


@pytest.fixture
def rest_as(stack: Stack, key_of: Callable[..., str]) -> Callable[..., Rest]:
    """Return a REST client of a person: `rest_as("lead", "read", "launch")`."""
    return lambda role, *scopes: Rest(url=stack.url, key=key_of(role, *scopes))


@dataclass(frozen=True, slots=True)
class Played:
    """What `manage.py play` said in the end."""

    code: int
    said: str


@pytest.fixture(scope="session")
def playing(stack: Stack) -> Iterator[Callable[[], Played]]:
    """Let the example portfolio be launched and played beside the journeys; call it to wait."""
    command = [sys.executable, ROOT / "manage.py", "play", "--scenario", "content-ai"]
    process = subprocess.Popen(
        [*command, "--minutes", "10", "--requests", "8", "--speed", "600"],
        env=bare_environment(stack.home),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def wait() -> Played:
        said, _ = process.communicate(timeout=PLAY_SECONDS)
        return Played(process.returncode, said)

    yield wait
    if process.poll() is None:
        process.kill()
    process.wait(timeout=10)
    if process.stdout is not None:
        process.stdout.close()
