"""InvokeEndpoint and InvokeEndpointWithResponseStream on the wire."""

import json
import uuid
from collections.abc import Iterator

from sandbox.runtime import eventstream, replies, unslept
from sandbox.runtime.hosting import bodies, serving
from sandbox.runtime.hosting.serving import Timing, Variant
from sandbox.runtime.models.prompt import Prompt
from sandbox.runtime.replies import Said
from sandbox.runtime.request import Reply, Request, plain
from sandbox.wire import Answer, AwsError

_MAX_BYTES = {"realtime": 26_214_400, "serverless": 4_194_304}
_MAX_SECONDS = {"whole": 60.0, "stream": 480.0}


def invoke(request: Request) -> Reply:
    """Answer InvokeEndpoint; a wrong body, too little memory and 60 s passed are ModelErrors."""
    variant = _choose(request)
    understood = _understood(request, variant)
    if isinstance(understood, Reply):
        return understood
    body, asked = understood
    timing = serving.enter(variant, asked.input_tokens)
    try:
        said = _say(variant, asked)
        seconds = timing.setup_s + timing.latency.total_s(said.output_tokens)
        if seconds > _MAX_SECONDS["whole"]:
            _wait(request, _MAX_SECONDS["whole"])
            return _timed_out(variant)
        _wait(request, seconds)
    finally:
        serving.leave(variant)
    serving.record_done(variant, timing, said.output_tokens)
    written = bodies.write(body, said, asked.input_tokens)
    headers = (("Content-Type", "application/json"), *_about(variant))
    return plain(Answer(200, headers, json.dumps(written).encode()))


def _choose(request: Request) -> Variant:
    wanted = request.header("X-Amzn-SageMaker-Target-Variant")
    variant = serving.choose(request.named["endpoint"], wanted)
    limit = _MAX_BYTES["realtime" if variant.max_concurrency is None else "serverless"]
    if len(request.body) > limit:
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value at 'body' failed to satisfy constraint: Member "
            f"must have length less than or equal to {limit}",
            status=413,
        )
    return variant


def _understood(request: Request, variant: Variant) -> tuple[bodies.Body, Prompt] | Reply:
    """Return the body and prompt, or the container's error."""
    if variant.model.weight_bytes > variant.machine.memory_bytes:
        return _model_error(variant, 507, f"Not enough memory to load {variant.model.name}.")
    try:
        return bodies.read(request.body)
    except bodies.NotUnderstood as wrong:
        return _model_error(variant, 400, str(wrong))


def _timed_out(variant: Variant) -> Reply:
    return _model_error(
        variant,
        0,
        "Your invocation timed out while waiting for a response from container primary. Review "
        "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try "
        "again.",
    )


def _model_error(variant: Variant, status: int, said: str) -> Reply:
    """Return ModelError (424); status 0 means that the container did not answer in time."""
    client = 400 <= status < 500
    serving.record_failed(variant, 400 if client else 500)
    party = "client" if client else "server"
    message = f'Received {party} error ({status}) from primary with message "{said}"'
    body = {
        "__type": "ModelError",
        "Message": message,
        "message": message,
        "OriginalMessage": said,
        "OriginalStatusCode": status,
    }
    headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", "ModelError"))
    return plain(Answer(424, headers, json.dumps(body).encode()))


def _say(variant: Variant, asked: Prompt) -> Said:
    return replies.say(variant.model.name, asked.text, asked.max_tokens or 1)


def _about(variant: Variant) -> tuple[tuple[str, str], ...]:
    return (
        ("x-Amzn-Invoked-Production-Variant", variant.name),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    )


def _wait(request: Request, seconds: float) -> None:
    unslept.wait(request.header("Authorization"), seconds)


def invoke_stream(request: Request) -> Reply:
    """Answer with server-sent events, each when the model would have said it."""
    variant = _choose(request)
    understood = _understood(request, variant)
    if isinstance(understood, Reply):
        return understood
    body, asked = understood
    timing = serving.enter(variant, asked.input_tokens)
    said = _say(variant, asked)
    headers = (
        ("Content-Type", eventstream.CONTENT_TYPE),
        ("X-Amzn-SageMaker-Content-Type", "text/event-stream"),
        *_about(variant),
    )
    chunks = bodies.chunks(body, said, asked.input_tokens)
    return Reply(200, headers, _Timed(request, variant, timing, chunks))


class _Timed:
    """A body whose request has begun: closing it ends the request, even before the first event."""

    def __init__(
        self,
        request: Request,
        variant: Variant,
        timing: Timing,
        chunks: Iterator[tuple[bytes, int]],
    ) -> None:
        self._request, self._variant, self._timing = request, variant, timing
        self._chunks, self._said, self._open = chunks, 0, True
        self._started = False

    def __iter__(self) -> "_Timed":
        return self

    def __next__(self) -> bytes:
        if not self._started:
            self._started = True
            _wait(self._request, self._timing.setup_s + self._timing.latency.ttft_s)
        chunk = next(self._chunks, None)
        if chunk is None or self._seconds() > _MAX_SECONDS["stream"]:
            self.close()
            raise StopIteration
        _wait(self._request, self._timing.latency.per_token_s * chunk[1])
        self._said += chunk[1]
        return eventstream.raw_event("PayloadPart", chunk[0])

    def _seconds(self) -> float:
        return self._timing.setup_s + self._timing.latency.total_s(self._said)

    def close(self) -> None:
        """End the request and record it, once."""
        if self._open:
            self._open = False
            serving.leave(self._variant)
            serving.record_done(self._variant, self._timing, self._said)
