"""Invoke on the wire."""

import base64
import concurrent.futures
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

from sandbox import state
from sandbox.runtime.functions import running
from sandbox.runtime.functions.find import Found, find
from sandbox.runtime.functions.running import Outcome, Throttled
from sandbox.runtime.request import Reply, Request, plain
from sandbox.wire import Answer, AwsError

MAX_SYNC_BYTES = 6_291_456
MAX_ASYNC_BYTES = 1_048_576
_ASYNC_ATTEMPTS = 3
_ASYNC_RETRY_S = 60.0
_later = concurrent.futures.ThreadPoolExecutor(8, thread_name_prefix="lambda-event")


def invoke(request: Request) -> Reply:
    """Answer Invoke: RequestResponse, Event, or DryRun."""
    kind = request.header("X-Amz-Invocation-Type", "RequestResponse")
    query = parse_qs(str(request.environ.get("QUERY_STRING", "")))
    found = find(request.named["function"], query.get("Qualifier", [None])[0])
    _check_size(request.body, kind)
    event = _event(request.body)
    match kind:
        case "DryRun":
            return _reply(204, b"", found.version)
        case "Event":
            _later.submit(_run_later, found, event)
            return _reply(202, b"", found.version)
        case "RequestResponse":
            return _now(request, found, event)
    raise AwsError("InvalidParameterValueException", f"{kind} is no invocation type.")


def _check_size(body: bytes, kind: str) -> None:
    limit = MAX_ASYNC_BYTES if kind == "Event" else MAX_SYNC_BYTES
    if len(body) > limit:
        raise AwsError(
            "RequestTooLargeException",
            f"{len(body)} byte payload is too large for the {kind} invocation type "
            f"(limit {limit} bytes)",
            status=413,
        )


def _event(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError as broken:
        raise AwsError(
            "InvalidRequestContentException", f"Could not parse request body into json: {broken}"
        ) from broken


def _now(request: Request, found: Found, event: Any) -> Reply:
    try:
        outcome = running.invoke(found, event, _client_context(request))
    except Throttled as refused:
        body = {"Reason": refused.reason, "Type": "User", "message": refused.message}
        headers = (
            ("Content-Type", "application/json"),
            ("x-amzn-ErrorType", refused.code),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        )
        return plain(Answer(429, headers, json.dumps(body).encode()))
    more = (("X-Amz-Function-Error", outcome.error),) if outcome.error else ()
    if request.header("X-Amz-Log-Type") == "Tail":
        more = (*more, ("X-Amz-Log-Result", outcome.tail))
    return _reply(200, outcome.payload.encode(), found.version, outcome, more)


def _client_context(request: Request) -> Any:
    given = request.header("X-Amz-Client-Context")
    if not given:
        return None
    try:
        return json.loads(base64.b64decode(given))
    except ValueError as broken:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON."
        ) from broken


def _reply(
    status: int,
    payload: bytes,
    version: str,
    outcome: Outcome | None = None,
    more: tuple[tuple[str, str], ...] = (),
) -> Reply:
    ident = outcome.request_id if outcome else str(uuid.uuid4())
    headers = (
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", ident),
        ("X-Amz-Executed-Version", version),
        *more,
    )
    return plain(Answer(status, headers, payload))


def _run_later(found: Found, event: Any) -> None:
    """Run an event, up to two more times after an error or a throttle, as Lambda does."""
    for attempt in range(_ASYNC_ATTEMPTS):
        if attempt:
            time.sleep(state.delays().get("lambda_event_retry_s", _ASYNC_RETRY_S))
        try:
            if running.invoke(found, event).error is None:
                return
        except AwsError:
            continue
