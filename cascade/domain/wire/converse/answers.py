"""A Converse answer and an error, in Bedrock's form. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cascade.domain.request import Answer, Stop, Tokens, ToolCall
from cascade.domain.wire.fields import broken, compact, count

REASONS = {
    Stop.END: "end_turn",
    Stop.LENGTH: "max_tokens",
    Stop.TOOL: "tool_use",
    Stop.FILTERED: "content_filtered",
}
_STOPS = {name: stop for stop, name in REASONS.items()} | {
    "stop_sequence": Stop.END,
    "guardrail_intervened": Stop.FILTERED,
    "model_context_window_exceeded": Stop.LENGTH,
}


def write_answer(answer: Answer, *, latency_ms: int) -> dict[str, Any]:
    """Return a whole answer as the response of Converse."""
    content: list[dict[str, Any]] = [{"text": answer.text}] if answer.text else []
    content += [
        {"toolUse": {"toolUseId": call.call_id, "name": call.name, "input": _input(call)}}
        for call in answer.tool_calls
    ]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": REASONS[answer.stop],
        "usage": write_tokens(answer.tokens),
        "metrics": {"latencyMs": latency_ms},
    }


def write_tokens(tokens: Tokens) -> dict[str, int]:
    """Return tokens as `usage`, where inputTokens counts what no cache gave."""
    usage = {
        "inputTokens": tokens.input - tokens.cached,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
    }
    return usage | ({"cacheReadInputTokens": tokens.cached} if tokens.cached else {})


def write_error(words: str, *, kind: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return headers and body of a refusal; `kind` is such as ThrottlingException."""
    return {"x-amzn-ErrorType": kind}, {"message": words}


def read_answer(body: Mapping[str, Any]) -> Answer:
    """Return what Bedrock answered. Raises UpstreamFailed when it is no whole answer."""
    tokens = read_tokens(body.get("usage"))
    output = body.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        broken("Bedrock sent no message.", tokens)
    blocks = [block for block in content if isinstance(block, dict)]
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    calls = tuple(_call(block["toolUse"], tokens) for block in blocks if "toolUse" in block)
    stop = read_stop(body.get("stopReason"), tokens)
    return Answer(text="".join(texts), stop=stop, tokens=tokens, tool_calls=calls)


def read_tokens(usage: object) -> Tokens:
    """Return the tokens of `usage`: what a cache gave or took is part of the input here.

    Raises UpstreamFailed: what is not counted cannot be booked.
    """
    if not isinstance(usage, dict):
        broken("Bedrock did not say how many tokens it used.")
    cached = count(usage, "cacheReadInputTokens")
    fresh = count(usage, "inputTokens") + count(usage, "cacheWriteInputTokens")
    return Tokens(input=fresh + cached, output=count(usage, "outputTokens"), cached=cached)


def read_stop(reason: object, tokens: Tokens) -> Stop:
    """Return why an answer ended. Raises UpstreamFailed for one that the model garbled."""
    stop = _STOPS.get(reason) if isinstance(reason, str) else None
    if stop is None:
        broken(f"The model's answer is not usable: it stopped with {str(reason)[:80]}.", tokens)
    return stop


def _call(value: object, tokens: Tokens) -> ToolCall:
    sent = value if isinstance(value, dict) else {}
    call_id, name, given = sent.get("toolUseId"), sent.get("name"), sent.get("input")
    if not isinstance(call_id, str) or not isinstance(name, str):
        broken("Bedrock sent a tool call without id or name.", tokens)
    return ToolCall(call_id=call_id, name=name, arguments=compact({} if given is None else given))


def _input(call: ToolCall) -> object:
    try:
        return json.loads(call.arguments)
    except (ValueError, RecursionError):
        return {"arguments": call.arguments} if call.arguments.strip() else {}
