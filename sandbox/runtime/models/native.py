"""The bodies of InvokeModel in the models' own shapes: Anthropic, Nova, and OpenAI or Mistral."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.runtime import tokens
from sandbox.runtime.models import prompt
from sandbox.runtime.models.prompt import Prompt, invalid
from sandbox.runtime.replies import Said

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of models writes requests, answers and stream chunks.

    `chunks` takes (request, what is said, input tokens, answer id) and yields bodies one by one;
    the second of each pair is the number of output tokens that chunk carries.
    """

    read: Callable[[Body], Prompt]
    write: Callable[[Body, Said, int, str], Body]
    chunks: Callable[[Body, Said, int, str], Iterator[tuple[Body, int]]]


def family(model_id: str) -> Family:
    """Return the family of a foundation model."""
    if model_id.startswith("anthropic."):
        return _ANTHROPIC
    return _NOVA if model_id.startswith("amazon.nova") else _GENERIC


def parse(body: bytes) -> Body:
    """Return a native body; refuses what is not a JSON object."""
    try:
        found = json.loads(body)
    except ValueError as broken:
        raise invalid("Malformed input request, please reformat your input and try again.") from (
            broken
        )
    if not isinstance(found, dict):
        raise invalid("Malformed input request: expected type: JSONObject, found other.")
    return found


def _spoken(said: Said) -> Iterator[tuple[str, int]]:
    for piece in tokens.pieces(said.text, 8):
        yield piece, tokens.count(piece)


def _blocks(content: Any, where: str) -> tuple[list[str], int]:
    if isinstance(content, str):
        return [content], 0
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise invalid(f"Malformed input request: {where}: expected a string or a list of blocks.")
    texts = [str(block["text"]) for block in content if "text" in block]
    return texts, len(content) - len(texts)


def _chat(body: Body) -> tuple[list[str], int]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages: at least one message is required")
    parts, attachments = _blocks(body["system"], "system") if body.get("system") else ([], 0)
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or str(message.get("role")) not in _ROLES:
            raise invalid(f"messages.{number}.role: Input should be 'user' or 'assistant'")
        texts, more = _blocks(message.get("content"), f"messages.{number}.content")
        parts, attachments = parts + texts, attachments + more
    return parts, attachments


_ROLES = frozenset(["user", "assistant", "system", "tool", "developer"])


def _positive(value: Any, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise invalid(f"{name}: Input should be an integer greater than or equal to 1")
    return value


def _read_anthropic(body: Body) -> Prompt:
    for required in ("anthropic_version", "max_tokens"):
        if required not in body:
            raise invalid(f"{required}: Field required")
    if body["anthropic_version"] != "bedrock-2023-05-31":
        raise invalid("anthropic_version: Input should be 'bedrock-2023-05-31'")
    parts, attachments = _chat(body)
    limit = _positive(body["max_tokens"], "max_tokens")
    stops = prompt.strings(body.get("stop_sequences"), "stop_sequences")
    return prompt.gather(parts, attachments, limit, stops)


def _write_anthropic(body: Body, said: Said, input_tokens: int, ident: str) -> Body:
    return {
        "id": f"msg_bdrk_{ident}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": said.text}],
        "stop_reason": said.stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": said.output_tokens},
    }


def _chunks_anthropic(
    body: Body, said: Said, input_tokens: int, ident: str
) -> Iterator[tuple[Body, int]]:
    opening = _write_anthropic(body, said, input_tokens, ident)
    opening |= {"content": [], "stop_reason": None}
    opening["usage"] = {"input_tokens": input_tokens, "output_tokens": 1}
    block = {"type": "text", "text": ""}
    yield {"type": "message_start", "message": opening}, 0
    yield {"type": "content_block_start", "index": 0, "content_block": block}, 0
    for text, carried in _spoken(said):
        delta = {"type": "text_delta", "text": text}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}, carried
    yield {"type": "content_block_stop", "index": 0}, 0
    ending = {"stop_reason": said.stop_reason, "stop_sequence": None}
    usage = {"output_tokens": said.output_tokens}
    yield {"type": "message_delta", "delta": ending, "usage": usage}, 0
    yield {"type": "message_stop"}, 0


def _read_nova(body: Body) -> Prompt:
    parts, attachments = _chat(body)
    config = prompt.mapping(body.get("inferenceConfig"), "inferenceConfig")
    limit = _positive(config.get("maxTokens", config.get("max_new_tokens")), "maxTokens")
    stops = prompt.strings(config.get("stopSequences"), "stopSequences")
    return prompt.gather(parts, attachments, limit, stops)


def _usage_nova(said: Said, input_tokens: int) -> Body:
    total = input_tokens + said.output_tokens
    return {
        "inputTokens": input_tokens,
        "outputTokens": said.output_tokens,
        "totalTokens": total,
    }


def _write_nova(body: Body, said: Said, input_tokens: int, ident: str) -> Body:
    message = {"role": "assistant", "content": [{"text": said.text}]}
    usage = _usage_nova(said, input_tokens)
    return {"output": {"message": message}, "stopReason": said.stop_reason, "usage": usage}


def _chunks_nova(
    body: Body, said: Said, input_tokens: int, ident: str
) -> Iterator[tuple[Body, int]]:
    yield {"messageStart": {"role": "assistant"}}, 0
    for text, carried in _spoken(said):
        delta = {"delta": {"text": text}, "contentBlockIndex": 0}
        yield {"contentBlockDelta": delta}, carried
    yield {"contentBlockStop": {"contentBlockIndex": 0}}, 0
    yield {"messageStop": {"stopReason": said.stop_reason}}, 0
    yield {"metadata": {"usage": _usage_nova(said, input_tokens)}}, 0


def _read_generic(body: Body) -> Prompt:
    if isinstance(body.get("prompt"), str):
        parts, attachments = [body["prompt"]], 0
    else:
        parts, attachments = _chat(body)
    limit = body.get("max_completion_tokens", body.get("max_tokens", body.get("max_gen_len")))
    stops = prompt.strings(body.get("stop"), "stop")
    return prompt.gather(parts, attachments, _positive(limit, "max_tokens"), stops)


_FINISH = {"max_tokens": "length"}


def _write_generic(body: Body, said: Said, input_tokens: int, ident: str) -> Body:
    finish = _FINISH.get(said.stop_reason, "stop")
    if "prompt" in body:
        return {"outputs": [{"text": said.text, "stop_reason": finish}]}
    message = {"role": "assistant", "content": said.text}
    return {
        "id": f"chatcmpl-{ident}",
        "object": "chat.completion",
        "created": int(time.time()),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": input_tokens,
            "completion_tokens": said.output_tokens,
            "total_tokens": input_tokens + said.output_tokens,
        },
    }


def _chunks_generic(
    body: Body, said: Said, input_tokens: int, ident: str
) -> Iterator[tuple[Body, int]]:
    for text, carried in _spoken(said):
        yield _chunk_generic(body, ident, text, None), carried
    finish = _FINISH.get(said.stop_reason, "stop")
    yield _chunk_generic(body, ident, "", finish), 0


def _chunk_generic(body: Body, ident: str, text: str, finish: str | None) -> Body:
    if "prompt" in body:
        return {"outputs": [{"text": text, "stop_reason": finish}]}
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": f"chatcmpl-{ident}", "object": "chat.completion.chunk", "choices": [choice]}


_ANTHROPIC = Family(_read_anthropic, _write_anthropic, _chunks_anthropic)
_NOVA = Family(_read_nova, _write_nova, _chunks_nova)
_GENERIC = Family(_read_generic, _write_generic, _chunks_generic)
