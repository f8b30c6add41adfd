"""One execution environment: a process with the function's code, its pipes and its log file."""

import concurrent.futures
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox import state

_CHILD = Path(__file__).with_name("child.py")
_INIT_TIMEOUT_S = 60.0
_spawner = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="lambda-spawner")
"""The parent-death signal is tied to the thread that forks, so one lasting thread forks all."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an environment is made of; equal recipes share environments."""

    function_name: str
    version: str
    code: Path
    handler: str
    memory_mb: int
    variables: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Environment:
    """A process that is ready, or whose start failed (init_error)."""

    recipe: Recipe
    process: "subprocess.Popen[bytes]"
    requests: IO[str]
    answers_fd: int
    log: IO[bytes]
    access_key_id: str
    log_stream: str
    init_s: float = 0.0
    init_error: dict[str, Any] | None = None
    idle_since: float = field(default_factory=time.monotonic)
    _unread: bytes = b""

    def ask(self, task: dict[str, Any], timeout_s: float) -> dict[str, Any] | None:
        """Send a task and return what came of it.

        None when it took longer; {"exit": code} when the process ended instead.
        """
        try:
            self.requests.write(json.dumps(task) + "\n")
            self.requests.flush()
        except OSError:
            return {"exit": self.process.wait()}
        return self._answer(timeout_s)

    def _answer(self, timeout_s: float) -> dict[str, Any] | None:
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers_fd], [], [], left)[0]:
                return None
            more = os.read(self.answers_fd, 1 << 16)
            if not more:
                return {"exit": self.process.wait()}
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        found = json.loads(line)
        return found if isinstance(found, dict) else None

    def take_log(self) -> str:
        """Return what was printed since the last time."""
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.log.truncate(0)
        return text

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.requests.close()
        os.close(self.answers_fd)
        self.log.close()


def start(recipe: Recipe) -> Environment:
    """Start a process and wait until the function's module is imported."""
    begun = time.monotonic()
    environment = _spawner.submit(_spawn, recipe).result()
    first = environment._answer(_INIT_TIMEOUT_S)
    environment.init_s = time.monotonic() - begun
    if first is None:
        environment.init_error = _failed("Sandbox.Timedout", "The function's start timed out.")
    elif "exit" in first:
        said = f"Runtime exited with error: exit status {first['exit']}"
        environment.init_error = _failed("Runtime.ExitError", said)
    else:
        environment.init_error = first["init_error"]
    return environment


def _failed(kind: str, said: str) -> dict[str, Any]:
    return {"errorType": kind, "errorMessage": said}


def _spawn(recipe: Recipe) -> Environment:
    requests_read, requests_write = os.pipe()
    answers_read, answers_write = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the environment
    fcntl.fcntl(log, fcntl.F_SETFL, fcntl.fcntl(log, fcntl.F_GETFL) | os.O_APPEND)
    key = f"SANDBOXFN{uuid.uuid4().hex[:16].upper()}"
    stream = f"{time.strftime('%Y/%m/%d')}/[{recipe.version}]{uuid.uuid4().hex}"
    arguments = [requests_read, answers_write, os.getpid(), recipe.code, recipe.handler]
    process = subprocess.Popen(
        [sys.executable, "-P", "-u", "-B", str(_CHILD), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(requests_read, answers_write),
        env=_variables(recipe, key, stream),
        cwd=recipe.code,
    )
    os.close(requests_read)
    os.close(answers_write)
    requests = os.fdopen(requests_write, "w", encoding="utf-8")
    return Environment(recipe, process, requests, answers_read, log, key, stream)


def _variables(recipe: Recipe, key: str, stream: str) -> dict[str, str]:
    return {
        **dict(recipe.variables),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "AWS_ENDPOINT_URL": state.base_url(),
        "AWS_REGION": state.REGION,
        "AWS_DEFAULT_REGION": state.REGION,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": recipe.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": recipe.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(recipe.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{recipe.function_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python",
        "LAMBDA_TASK_ROOT": str(recipe.code),
        "_HANDLER": recipe.handler,
    }
