"""What hosted language models take and give: OpenAI's chat, prompts of vLLM, inputs of TGI."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.runtime import tokens
from sandbox.runtime.models import prompt
from sandbox.runtime.models.prompt import Prompt
from sandbox.runtime.replies import Said
from sandbox.wire import AwsError

Body = dict[str, Any]
_DEFAULT_MAX_TOKENS = 4_096


class NotUnderstood(Exception):
    """The container answers 400; the message is what it says."""


def read(raw: bytes) -> tuple[Body, Prompt]:
    """Return the body and the prompt in it; raises NotUnderstood."""
    try:
        body = json.loads(raw)
    except ValueError as broken:
        raise NotUnderstood(f"The request is not valid JSON: {broken}") from broken
    if not isinstance(body, dict):
        raise NotUnderstood("The request must be a JSON object.")
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    limit = parameters.get(
        "max_new_tokens", body.get("max_completion_tokens", body.get("max_tokens"))
    )
    limit = _DEFAULT_MAX_TOKENS if limit is None else limit
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise NotUnderstood("The maximum of tokens must be a positive integer.")
    try:
        return body, prompt.gather(_parts(body), 0, limit, ())
    except AwsError as wrong:
        raise NotUnderstood(wrong.message) from wrong


def _parts(body: Body) -> list[str]:
    if isinstance(body.get("messages"), list):
        return [_content(message) for message in body["messages"]]
    given = body.get("inputs", body.get("prompt"))
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and all(isinstance(part, str) for part in given):
        return given
    raise NotUnderstood("One of messages, prompt and inputs is required.")


def _content(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    raise NotUnderstood("Each message needs a role and content.")


def write(body: Body, said: Said, input_tokens: int) -> Body:
    """Return the answer in the shape of the question, with usage counts."""
    usage = {
        "prompt_tokens": input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": input_tokens + said.output_tokens,
    }
    finish = "length" if said.stop_reason == "max_tokens" else "stop"
    if "messages" in body:
        message = {"role": "assistant", "content": said.text}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"object": "chat.completion", "choices": [choice], "usage": usage}
    if "prompt" in body:
        choice = {"index": 0, "text": said.text, "finish_reason": finish}
        return {"object": "text_completion", "choices": [choice], "usage": usage}
    return {"generated_text": said.text, "finish_reason": finish, "usage": usage}


def chunks(body: Body, said: Said, input_tokens: int) -> Iterator[tuple[bytes, int]]:
    """Yield server-sent events and the tokens that each carries."""
    for piece in tokens.pieces(said.text, 8):
        if "messages" in body:
            chunk = {"choices": [{"index": 0, "delta": {"content": piece}}]}
        elif "prompt" in body:
            chunk = {"choices": [{"index": 0, "text": piece}]}
        else:
            chunk = {"token": {"text": piece}}
        yield _event(chunk), tokens.count(piece)
    closing = write(body, said, input_tokens)
    if "choices" in closing:
        finish = closing["choices"][0]["finish_reason"]
        nothing = {"delta": {"content": ""}} if "messages" in body else {"text": ""}
        yield _event({"choices": [{"index": 0, **nothing, "finish_reason": finish}]}), 0
    yield _event({"choices": [], "usage": closing["usage"]}), 0
    yield b"data: [DONE]\n\n", 0


def _event(chunk: Body) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()
