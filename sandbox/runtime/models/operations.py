"""The five operations of Bedrock's runtime on the wire."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

from sandbox.runtime import eventstream, tokens, unslept
from sandbox.runtime.models import inference, native, prompt
from sandbox.runtime.models.inference import Inference
from sandbox.runtime.request import Reply, Request, plain
from sandbox.wire import Answer, answer, check, json_parameters, service_model

_JSON = "application/json"
_PIECE_TOKENS = 8


def _parameters(request: Request, operation: str) -> dict[str, Any]:
    wish = {**json_parameters(request.body), "modelId": request.named["model_id"]}
    check(service_model("bedrock-runtime").operation_model(operation), wish)
    return wish


def _begin(request: Request, asked: prompt.Prompt, target: Any) -> Inference:
    return inference.begin(target, asked, request.header("Authorization"))


def _usage(run: Inference, output_tokens: int) -> dict[str, int]:
    return {
        "inputTokens": run.input_tokens,
        "outputTokens": output_tokens,
        "totalTokens": run.input_tokens + output_tokens,
    }


def converse(request: Request) -> Reply:
    """Answer Converse once the whole latency has passed."""
    wish = _parameters(request, "Converse")
    target = inference.find(wish["modelId"])
    run = _begin(request, prompt.of_converse(wish), target)
    _wait_whole(run)
    used = run.said.tool_use
    content = [{"text": run.said.text}] if used is None else [{"toolUse": used}]
    message = {"role": "assistant", "content": content}
    return plain(
        answer(
            {
                "output": {"message": message},
                "stopReason": run.said.stop_reason,
                "usage": _usage(run, run.said.output_tokens),
                "metrics": {"latencyMs": run.latency_ms},
            },
            content_type=_JSON,
        )
    )


def _wait_whole(run: Inference) -> None:
    unslept.wait(run.authorization, run.latency.total_s(run.said.output_tokens))
    inference.finish(run, output_tokens=run.said.output_tokens, streamed=False)


def converse_stream(request: Request) -> Reply:
    """Answer ConverseStream, each piece when the model would have said it."""
    wish = _parameters(request, "ConverseStream")
    target = inference.find(wish["modelId"])
    run = _begin(request, prompt.of_converse(wish), target)
    return _stream(_timed(run, _converse_events(run)))


def _converse_events(run: Inference) -> Iterator[tuple[bytes, int]]:
    yield eventstream.event("messageStart", {"role": "assistant"}), 0
    if run.said.tool_use is not None:
        yield from _tool_events(run.said.tool_use)
    for piece in tokens.pieces(run.said.text, _PIECE_TOKENS):
        delta = {"delta": {"text": piece}, "contentBlockIndex": 0}
        yield eventstream.event("contentBlockDelta", delta), tokens.count(piece)
    yield eventstream.event("contentBlockStop", {"contentBlockIndex": 0}), 0
    yield eventstream.event("messageStop", {"stopReason": run.said.stop_reason}), 0
    usage = _usage(run, run.said.output_tokens)
    closing = {"usage": usage, "metrics": {"latencyMs": run.latency_ms}}
    yield eventstream.event("metadata", closing), 0


def _tool_events(used: dict[str, Any]) -> Iterator[tuple[bytes, int]]:
    start = {"toolUse": {"toolUseId": used["toolUseId"], "name": used["name"]}}
    yield eventstream.event("contentBlockStart", {"start": start, "contentBlockIndex": 0}), 0
    for piece in tokens.pieces(json.dumps(used["input"]), _PIECE_TOKENS):
        delta = {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": 0}
        yield eventstream.event("contentBlockDelta", delta), tokens.count(piece)


def _timed(run: Inference, events: Iterator[tuple[bytes, int]]) -> Iterator[bytes]:
    """Send events when they are due; whatever was sent is recorded, also when the caller leaves."""
    said = 0
    try:
        unslept.wait(run.authorization, run.latency.ttft_s)
        for frame, carried in events:
            if carried:
                unslept.wait(run.authorization, run.latency.per_token_s * carried)
            said += carried
            yield frame
    finally:
        inference.finish(run, output_tokens=said, streamed=True)


def _stream(body: Iterator[bytes]) -> Reply:
    ident = ("x-amzn-RequestId", str(uuid.uuid4()))
    return Reply(200, (("Content-Type", eventstream.CONTENT_TYPE), ident), body)


def invoke(request: Request) -> Reply:
    """Answer InvokeModel in the model's own shape."""
    run, body, family = _begin_native(request)
    _wait_whole(run)
    ident = uuid.uuid4().hex[:24]
    written = family.write(body, run.said, run.input_tokens, ident)
    headers = (
        ("Content-Type", _JSON),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("X-Amzn-Bedrock-Input-Token-Count", str(run.input_tokens)),
        ("X-Amzn-Bedrock-Output-Token-Count", str(run.said.output_tokens)),
        ("X-Amzn-Bedrock-Invocation-Latency", str(run.latency_ms)),
    )
    return plain(Answer(200, headers, json.dumps(written).encode()))


def _begin_native(request: Request) -> tuple[Inference, dict[str, Any], native.Family]:
    target = inference.find(request.named["model_id"])
    family = native.family(target.foundation_model_id)
    body = native.parse(request.body)
    return _begin(request, family.read(body), target), body, family


def invoke_stream(request: Request) -> Reply:
    """Answer InvokeModelWithResponseStream in the model's own chunks."""
    run, body, family = _begin_native(request)
    reply = _stream(_timed(run, _native_events(run, body, family)))
    content_type = ("X-Amzn-Bedrock-Content-Type", _JSON)
    return Reply(reply.status, (*reply.headers, content_type), reply.body)


def _native_events(
    run: Inference, body: dict[str, Any], family: native.Family
) -> Iterator[tuple[bytes, int]]:
    ident = uuid.uuid4().hex[:24]
    chunks = list(family.chunks(body, run.said, run.input_tokens, ident))
    chunks[-1][0]["amazon-bedrock-invocationMetrics"] = {
        "inputTokenCount": run.input_tokens,
        "outputTokenCount": run.said.output_tokens,
        "invocationLatency": run.latency_ms,
        "firstByteLatency": round(run.latency.ttft_s * 1000),
    }
    for chunk, carried in chunks:
        carrier = {"bytes": base64.b64encode(json.dumps(chunk).encode()).decode()}
        yield eventstream.event("chunk", carrier), carried


def count_tokens(request: Request) -> Reply:
    """Answer CountTokens with what the same request would be charged; it costs nothing."""
    wish = _parameters(request, "CountTokens")
    target = inference.find(wish["modelId"])
    match wish["input"]:
        case {"converse": talk}:
            asked = prompt.of_converse(talk)
        case {"invokeModel": {"body": body}}:
            family = native.family(target.foundation_model_id)
            asked = family.read(native.parse(base64.b64decode(body)))
        case _:
            raise prompt.invalid("input: one of invokeModel and converse is required")
    return plain(answer({"inputTokens": asked.input_tokens}, content_type=_JSON))
