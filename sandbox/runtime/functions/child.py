"""The process in which a function runs: reads events from a pipe, writes what came of them.

Runs with nothing of the sandbox but the standard library, as in Lambda's own runtime.
"""

import ctypes
import importlib
import json
import logging
import os
import resource
import signal
import sys
import time
import traceback
from typing import Any

_PR_SET_PDEATHSIG = 1


class Context:
    """What a handler gets as its second argument."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.aws_request_id = about["request_id"]
        self.function_name = about["function_name"]
        self.function_version = about["function_version"]
        self.invoked_function_arn = about["invoked_function_arn"]
        self.memory_limit_in_mb = about["memory_mb"]
        self.log_group_name = f"/aws/lambda/{about['function_name']}"
        self.log_stream_name = about["log_stream"]
        self.identity = None
        self.client_context = about.get("client_context")
        self._deadline = time.monotonic() + about["timeout_s"]

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def _error(kind: str, message: str, trace: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": trace}


def _trace(failed: BaseException, *, skip_own: bool) -> list[str]:
    """Return the frames as Lambda shows them: the code lies in /var/task."""
    first = failed.__traceback__
    if skip_own and first is not None:
        first = first.tb_next
    return [line.replace(os.getcwd(), "/var/task") for line in traceback.format_tb(first)]


def _handler(name: str) -> Any:
    """Return (handler, None), or (None, why there is none)."""
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as missing:
        said = f"Unable to import module '{module_name}': {missing}"
        return None, _error("Runtime.ImportModuleError", said, [])
    except SyntaxError as broken:
        said = f"Syntax error in module '{module_name}': {broken}"
        return None, _error("Runtime.UserCodeSyntaxError", said, [])
    except Exception as failed:
        return None, _error(type(failed).__name__, str(failed), _trace(failed, skip_own=False))
    found = getattr(module, function_name, None)
    if found is None:
        said = f"Handler '{function_name}' missing on module '{module_name}'"
        return None, _error("Runtime.HandlerNotFound", said, [])
    return found, None


def _run(handler: Any, event: Any, context: Context) -> dict[str, Any]:
    try:
        result = handler(event, context)
    except Exception as failed:
        found = _error(type(failed).__name__, str(failed), _trace(failed, skip_own=True))
        found["requestId"] = context.aws_request_id
        trace = "".join(found["stackTrace"])
        sys.stdout.write(f"[ERROR] {type(failed).__name__}: {failed}\n{trace}")
        return {"error": found}
    try:
        return {"result": json.dumps(result)}
    except (TypeError, ValueError) as unwritable:
        said = f"Unable to marshal response: {unwritable}"
        return {"error": _error("Runtime.MarshalError", said, [])}


def _prepare(sandbox_pid: int) -> None:
    """Die with the sandbox, and log as Lambda does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != sandbox_pid:
        raise SystemExit("The sandbox has ended.")
    logging.basicConfig(
        stream=sys.stdout,
        format="[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t\t%(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )


def main(requests_fd: int, answers_fd: int, sandbox_pid: int, code: str, handler_name: str) -> None:
    """Serve events, one a line, until the pipe closes."""
    _prepare(sandbox_pid)
    sys.path.insert(0, code)
    os.chdir(code)
    requests = os.fdopen(requests_fd, "r", encoding="utf-8")
    answers = os.fdopen(answers_fd, "w", encoding="utf-8", buffering=1)
    handler, why = _handler(handler_name)
    answers.write(json.dumps({"init_error": why}) + "\n")
    for line in requests:
        task = json.loads(line)
        outcome = (
            _run(handler, task["event"], Context(task["about"])) if handler else {"error": why}
        )
        sys.stdout.flush()
        sys.stderr.flush()
        used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answers.write(json.dumps({**outcome, "max_memory_mb": used_kib // 1024}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
