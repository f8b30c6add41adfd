"""One invocation: concurrency, environment, time limit, metrics and log."""

import base64
import json
import math
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox import state
from sandbox.runtime import unslept
from sandbox.runtime.functions import code, logs, pool
from sandbox.runtime.functions.environment import Environment, Recipe
from sandbox.runtime.functions.find import Found
from sandbox.runtime.metrics import recorder
from sandbox.wire import AwsError

_TAIL_BYTES = 4_096
MAX_RESPONSE_BYTES = 6_291_556
_running: Counter[str] = Counter()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to; error is None, or Unhandled with the payload telling why."""

    request_id: str
    payload: str
    error: str | None
    log: str
    version: str

    @property
    def tail(self) -> str:
        """The last 4 KB of the log, base64."""
        return base64.b64encode(self.log.encode()[-_TAIL_BYTES:]).decode()


@dataclass(frozen=True, slots=True)
class _Measured:
    duration_ms: float
    init_ms: float | None
    max_memory_mb: int


def invoke(found: Found, event: Any, client_context: Any = None) -> Outcome:
    """Run a function; refuses when its or the account's concurrency is spent."""
    running = _enter(found)
    try:
        _measure(found, "ConcurrentExecutions", float(running), "Count")
        return _run(found, event, client_context)
    finally:
        with _lock:
            _running[found.name] -= 1


def _enter(found: Found) -> int:
    with _lock:
        own, everyone = _running[found.name], sum(_running.values())
        reserved = found.reserved_concurrency
        if reserved is not None and own >= reserved:
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        elif reserved is None and everyone >= state.quotas()["lambda_concurrency"]:
            reason = "ConcurrentInvocationLimitExceeded"
        else:
            _running[found.name] += 1
            return own + 1
    _measure(found, "Throttles", 1.0, "Count")
    raise Throttled(reason)


class Throttled(AwsError):
    """TooManyRequestsException with AWS's reason code."""

    def __init__(self, reason: str) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.", status=429)
        self.reason = reason


def _run(found: Found, event: Any, client_context: Any) -> Outcome:
    request_id = str(uuid.uuid4())
    try:
        environment, cold = pool.take(_recipe(found))
    except code.BadArchive as broken:
        raise AwsError("InvalidZipFileException", str(broken), status=502) from broken
    try:
        answer, seconds = _timed(found, environment, request_id, event, client_context)
        printed = environment.take_log()
    except BaseException:
        pool.discard(environment)
        raise
    healthy = answer is not None and "exit" not in answer and environment.init_error is None
    (pool.give_back if healthy else pool.discard)(environment)
    limit_s = float(found.function.timeout)
    last_words = ""
    if answer is None or seconds > limit_s:
        seconds, last_words = limit_s, _timed_out(request_id, limit_s)
        payload, error = json.dumps({"errorMessage": last_words}), "Unhandled"
    else:
        payload, error = _result(answer, request_id)
    init_ms = environment.init_s * 1000 if cold else None
    measured = _Measured(seconds * 1000, init_ms, (answer or {}).get("max_memory_mb", 0))
    log = _log(found, request_id, printed, measured, last_words)
    logs.write(f"/aws/lambda/{found.name}", environment.log_stream, log)
    _record(found, measured, failed=error is not None)
    return Outcome(request_id, payload, error, log, found.version)


def _timed(
    found: Found, environment: Environment, request_id: str, event: Any, client_context: Any
) -> tuple[dict[str, Any] | None, float]:
    """Return the answer and the seconds it took, with the waiting that the sandbox skipped."""
    unslept.start(environment.access_key_id)
    begun = time.monotonic()
    try:
        answer = _ask(found, environment, request_id, event, client_context)
    finally:
        skipped = unslept.take(environment.access_key_id)
    return answer, time.monotonic() - begun + skipped


def _ask(
    found: Found, environment: Environment, request_id: str, event: Any, client_context: Any
) -> dict[str, Any] | None:
    if environment.init_error:
        return {"error": environment.init_error}
    about = {
        "request_id": request_id,
        "function_name": found.name,
        "function_version": found.version,
        "invoked_function_arn": found.arn,
        "memory_mb": found.function.memory_size,
        "timeout_s": found.function.timeout,
        "log_stream": environment.log_stream,
        "client_context": client_context,
    }
    return environment.ask({"event": event, "about": about}, float(found.function.timeout))


def _recipe(found: Found) -> Recipe:
    function = found.function
    if function.package_type != "Zip" or not str(function.run_time).startswith("python"):
        raise AwsError(
            "InvalidRuntimeException",
            "The sandbox runs Python functions from ZIP archives.",
            status=502,
        )
    return Recipe(
        function_name=found.name,
        version=found.version,
        code=code.folder(function.code_sha_256, function.code_bytes),
        handler=function.handler,
        memory_mb=function.memory_size,
        variables=tuple(sorted((function.environment_vars or {}).items())),
    )


def _timed_out(request_id: str, limit_s: float) -> str:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{moment}Z {request_id} Task timed out after {limit_s:.2f} seconds"


def _result(answer: dict[str, Any], request_id: str) -> tuple[str, str | None]:
    if "exit" in answer:
        said = f"RequestId: {request_id} Error: Runtime exited with error: {_exit(answer['exit'])}"
        return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": said}), "Unhandled"
    if error := answer.get("error"):
        return json.dumps(error), "Unhandled"
    if len(answer["result"].encode()) > MAX_RESPONSE_BYTES:
        said = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} "
        error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": said + "bytes)."}
        return json.dumps(error), "Unhandled"
    return str(answer["result"]), None


def _exit(code_or_signal: int) -> str:
    if code_or_signal < 0:
        return f"signal: {-code_or_signal}"
    return f"exit status {code_or_signal}"


def _log(found: Found, request_id: str, printed: str, measured: _Measured, last_words: str) -> str:
    billed_ms = math.ceil(measured.duration_ms + (measured.init_ms or 0.0))
    lines = [f"START RequestId: {request_id} Version: {found.version}", printed.rstrip("\n")]
    if last_words:
        lines.append(last_words)
    report = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {measured.duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {found.function.memory_size} MB",
        f"Max Memory Used: {measured.max_memory_mb} MB",
    ]
    if measured.init_ms is not None:
        report.append(f"Init Duration: {measured.init_ms:.2f} ms")
    lines += [f"END RequestId: {request_id}", "\t".join(report) + "\t"]
    return "\n".join(line for line in lines if line) + "\n"


def _record(found: Found, measured: _Measured, *, failed: bool) -> None:
    _measure(found, "Invocations", 1.0, "Count")
    _measure(found, "Errors", float(failed), "Count")
    _measure(found, "Duration", measured.duration_ms, "Milliseconds")


def _measure(found: Found, name: str, value: float, unit: str) -> None:
    dimensions = {"FunctionName": found.name}
    recorder.record("AWS/Lambda", name, dimensions, value, unit)
    resource = f"{found.name}:{found.qualifier}" if found.qualifier else found.name
    recorder.record("AWS/Lambda", name, {**dimensions, "Resource": resource}, value, unit)
