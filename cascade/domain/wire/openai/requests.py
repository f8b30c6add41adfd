"""What is asked in POST /v1/chat/completions, read from JSON and written to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cascade.domain.request import Chat, Message, Part, Speaker, Tool, ToolCall
from cascade.domain.wire.fields import Fault, flag, known, mapping, maybe, number, text, whole
from cascade.domain.wire.openai import messages, tools

MOST_STOP_WORDS = 4
MOST_OUTPUT_TOKENS = 1_000_000
# Fields that change nothing about the answer, or only promise to try.
_IGNORED = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "user",
        "verbosity",
    }
)
# Fields that would change the answer in a way that not every model can: only their usual value.
_USUAL: Mapping[str, tuple[object, ...]] = {
    "audio": (None,),
    "frequency_penalty": (None, 0),
    "function_call": (None,),
    "functions": (None,),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "moderation": (None,),
    "n": (None, 1),
    "parallel_tool_calls": (None, True),
    "prediction": (None,),
    "presence_penalty": (None, 0),
    "top_logprobs": (None, 0),
    "web_search_options": (None,),
}
_READ = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "response_format",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
_KNOWN = _READ | _IGNORED | _USUAL.keys()


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat, the model it names, and how the client wants to hear the answer."""

    chat: Chat
    model: str
    is_streamed: bool = False
    wants_usage: bool = False


def read_request(body: object) -> Asked:
    """Return what a client asks. Raises Fault with the field's path and what would be right."""
    sent = mapping(body, "")
    known(sent, _KNOWN, "")
    _refuse_unusual(sent)
    said = messages.read(sent.get("messages"))
    offered = tools.read(sent.get("tools"))
    wants_json, schema = _format(sent.get("response_format"))
    is_streamed = bool(maybe(sent.get("stream"), "stream", flag))
    return Asked(
        chat=Chat(
            messages=said,
            tools=offered,
            tool_choice=tools.read_choice(sent.get("tool_choice"), offered),
            max_output_tokens=_most_tokens(sent),
            temperature=maybe(sent.get("temperature"), "temperature", number, least=0, most=2),
            top_p=maybe(sent.get("top_p"), "top_p", number, least=0, most=1),
            stop_words=_stop_words(sent.get("stop")),
            schema=schema,
            wants_json=wants_json,
        ),
        model=text(sent.get("model"), "model", least=1),
        is_streamed=is_streamed,
        wants_usage=_wants_usage(sent.get("stream_options"), is_streamed=is_streamed),
    )


def _refuse_unusual(sent: Mapping[str, Any]) -> None:
    for name in sent.keys() & _USUAL.keys():
        if sent[name] not in _USUAL[name]:
            usual = _USUAL[name][-1]
            words = "leave it out" if usual is None else f"leave it out, or send {usual!r}"
            raise Fault(name, f"Not every model of a cascade can do this; {words.lower()}.")


def _most_tokens(sent: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        if sent.get(name) is not None:
            return whole(sent[name], name, least=1, most=MOST_OUTPUT_TOKENS)
    return None


def _stop_words(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if words is None:
        return ()
    if not isinstance(words, list) or len(words) > MOST_STOP_WORDS:
        raise Fault("stop", f"This must be a text or a list of at most {MOST_STOP_WORDS} texts.")
    return tuple(text(word, f"stop.{place}", least=1) for place, word in enumerate(words))


def _wants_usage(value: object, *, is_streamed: bool) -> bool:
    if value is None:
        return False
    options = mapping(value, "stream_options")
    if not is_streamed:
        raise Fault("stream_options", "This belongs to a stream; send stream: true with it.")
    known(options, frozenset({"include_usage", "include_obfuscation"}), "stream_options")
    return bool(maybe(options.get("include_usage"), "stream_options.include_usage", flag))


def _format(value: object) -> tuple[bool, Mapping[str, Any] | None]:
    """Return whether JSON is wanted, and the schema it must satisfy."""
    if value is None:
        return False, None
    wanted = mapping(value, "response_format")
    match wanted.get("type"):
        case "text":
            return False, None
        case "json_object":
            return True, None
        case "json_schema":
            path = "response_format.json_schema"
            named = mapping(wanted.get("json_schema"), path)
            return True, mapping(named.get("schema"), f"{path}.schema")
    raise Fault("response_format.type", "This must be text, json_object or json_schema.")


def write_request(chat: Chat, *, model: str, is_streamed: bool = False) -> dict[str, Any]:
    """Return a chat as the body of a request to a server that speaks this."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in chat.messages],
    }
    if chat.tools:
        body["tools"] = [_tool(tool) for tool in chat.tools]
        body["tool_choice"] = tools.write_choice(chat.tool_choice)
    settings = {
        "max_tokens": chat.max_output_tokens,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "stop": list(chat.stop_words) or None,
        "response_format": _written_format(chat),
    }
    body |= {name: value for name, value in settings.items() if value is not None}
    if is_streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _written_format(chat: Chat) -> dict[str, Any] | None:
    if chat.schema is not None:
        named = {"name": "answer", "schema": dict(chat.schema)}
        return {"type": "json_schema", "json_schema": named}
    return {"type": "json_object"} if chat.wants_json else None


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.speaker.value, "content": _content(message)}
    if message.speaker is Speaker.TOOL:
        written["tool_call_id"] = message.answers_call
    if message.tool_calls:
        written["tool_calls"] = [_call(call) for call in message.tool_calls]
        written["content"] = written["content"] or None
    return written


def _content(message: Message) -> str | list[dict[str, Any]]:
    if any(part.is_image for part in message.parts):
        return [_part(part) for part in message.parts]
    return message.text


def _part(part: Part) -> dict[str, Any]:
    if not part.is_image:
        return {"type": "text", "text": part.text}
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{part.media_type};base64,{part.data}"},
    }


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": named}


def _tool(tool: Tool) -> dict[str, Any]:
    named: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.schema)}
    if tool.description:
        named["description"] = tool.description
    return {"type": "function", "function": named}
