"""A chat.completion, an error and the list of models, in OpenAI's form. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cascade.domain.request import Answer, Stop, Tokens, ToolCall
from cascade.domain.wire.fields import broken, count

FINISHES = {
    Stop.END: "stop",
    Stop.LENGTH: "length",
    Stop.TOOL: "tool_calls",
    Stop.FILTERED: "content_filter",
}
_STOPS = {name: stop for stop, name in FINISHES.items()} | {"function_call": Stop.TOOL}
MOST_CALLS = 128


def write_answer(answer: Answer, *, answer_id: str, model: str, created: int) -> dict[str, Any]:
    """Return a whole answer as a chat.completion; `created` is in seconds since 1970."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tool_calls:
        message["content"] = answer.text or None
        message["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.tool_calls
        ]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": FINISHES[answer.stop],
    }
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": write_tokens(answer.tokens),
    }


def write_tokens(tokens: Tokens) -> dict[str, Any]:
    """Return tokens as `usage`."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
    }


def write_error(
    words: str, *, kind: str, code: str | None = None, path: str | None = None
) -> dict[str, Any]:
    """Return an error object; `kind` is such as invalid_request_error, `path` the field's."""
    return {"error": {"message": words, "type": kind, "param": path, "code": code}}


def write_models(names: Iterable[str], *, created: int, owner: str) -> dict[str, Any]:
    """Return the answer of GET /v1/models."""
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": created, "owned_by": owner} for name in names
        ],
    }


def read_answer(body: Mapping[str, Any]) -> Answer:
    """Return what a server answered. Raises UpstreamFailed when it is no whole answer."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    tokens = read_tokens(body.get("usage"))
    if not isinstance(first, dict) or not isinstance(message, dict):
        broken("The model's server sent no message.", tokens)
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        broken("The model's server sent a message that is no text.", tokens)
    calls = _calls(message.get("tool_calls"), tokens)
    return Answer(
        text=content or "",
        stop=read_stop(first.get("finish_reason"), has_calls=bool(calls)),
        tokens=tokens,
        tool_calls=calls,
    )


def read_tokens(usage: object) -> Tokens:
    """Return the tokens of `usage`. Raises UpstreamFailed: what is not counted cannot be booked."""
    if not isinstance(usage, dict):
        broken("The model's server did not say how many tokens it used (usage).")
    details = usage.get("prompt_tokens_details")
    read = count(usage, "prompt_tokens")
    cached = count(details, "cached_tokens") if isinstance(details, dict) else 0
    return Tokens(input=read, output=count(usage, "completion_tokens"), cached=min(cached, read))


def read_stop(finish: object, *, has_calls: bool) -> Stop:
    """Return why an answer ended; some servers say stop when they want a tool to be run.

    A word of a server's own (as eos_token) is an ordinary end. Raises UpstreamFailed without one.
    """
    if not isinstance(finish, str) or not finish:
        broken("The model's server did not say why the answer ended (finish_reason).")
    stop = _STOPS.get(finish, Stop.END)
    return Stop.TOOL if has_calls and stop is Stop.END else stop


def _calls(value: object, tokens: Tokens) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_CALLS:
        broken("The model's server sent tool calls that are no list.", tokens)
    return tuple(_call(each, tokens) for each in value)


def _call(value: object, tokens: Tokens) -> ToolCall:
    named = value.get("function") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(named, dict):
        broken("The model's server sent a tool call without a function.", tokens)
    call_id, name, arguments = value.get("id"), named.get("name"), named.get("arguments")
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        broken("The model's server sent a tool call without id, name or arguments.", tokens)
    return ToolCall(call_id=call_id, name=name, arguments=arguments)
