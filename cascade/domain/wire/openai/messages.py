"""The messages of a chat completion, read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cascade.domain.request import Message, Part, Speaker, ToolCall
from cascade.domain.wire.fields import Fault, mapping, sequence, text

MOST_MESSAGES = 4_000
MOST_PARTS = 400
_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
}
_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})")


def read(value: object) -> tuple[Message, ...]:
    """Return what was said, in order; tools' results must answer calls before them."""
    sent = sequence(value, "messages", most=MOST_MESSAGES)
    if not sent:
        raise Fault("messages", "Say something: at least one message is needed.")
    called: set[str] = set()
    return tuple(
        _message(mapping(each, f"messages.{place}"), f"messages.{place}", called)
        for place, each in enumerate(sent)
    )


def _message(sent: Mapping[str, Any], path: str, called: set[str]) -> Message:
    role = sent.get("role")
    speaker = _SPEAKERS.get(role) if isinstance(role, str) else None
    if speaker is None:
        raise Fault(f"{path}.role", f"This must be one of {', '.join(_SPEAKERS)}.")
    calls = _calls(sent, path, called) if speaker is Speaker.ASSISTANT else ()
    parts = _content(sent, path, speaker, is_needed=not calls)
    answers = ""
    if speaker is Speaker.TOOL:
        answers = text(sent.get("tool_call_id"), f"{path}.tool_call_id", least=1)
        if answers not in called:
            raise Fault(f"{path}.tool_call_id", "No assistant message before this made that call.")
    return Message(speaker=speaker, parts=parts, tool_calls=calls, answers_call=answers)


def _content(
    sent: Mapping[str, Any], path: str, speaker: Speaker, *, is_needed: bool
) -> tuple[Part, ...]:
    value = sent.get("content")
    if isinstance(value, str) and value:
        return (Part(text=value),)
    if value is None and sent.get("refusal"):
        return (Part(text=text(sent["refusal"], f"{path}.refusal")),)
    if isinstance(value, list) and value:
        parts = sequence(value, f"{path}.content", most=MOST_PARTS)
        return tuple(
            _part(mapping(each, f"{path}.content.{place}"), f"{path}.content.{place}", speaker)
            for place, each in enumerate(parts)
        )
    # A tool may have nothing to say.
    if (value is not None and value not in ("", [])) or (is_needed and speaker is not Speaker.TOOL):
        raise Fault(f"{path}.content", "This must be a text or a list of parts, and not empty.")
    return ()


def _part(sent: Mapping[str, Any], path: str, speaker: Speaker) -> Part:
    match sent.get("type"):
        case "text":
            return Part(text=text(sent.get("text"), f"{path}.text"))
        case "refusal" if speaker is Speaker.ASSISTANT:
            return Part(text=text(sent.get("refusal"), f"{path}.refusal"))
        case "image_url" if speaker is Speaker.USER:
            return _image(sent.get("image_url"), f"{path}.image_url")
    kinds = "text or image_url" if speaker is Speaker.USER else "text"
    raise Fault(f"{path}.type", f"A {speaker.value} message has parts of type {kinds}.")


def _image(value: object, path: str) -> Part:
    url = text(mapping(value, path).get("url"), f"{path}.url")
    found = _IMAGE.fullmatch(url)
    if found is None:
        raise Fault(
            f"{path}.url",
            "Nothing is fetched from elsewhere: send the image itself, as "
            "data:image/png;base64,... (png, jpeg, gif or webp).",
        )
    return Part(media_type=found[1], data=found[2])


def _calls(sent: Mapping[str, Any], path: str, called: set[str]) -> tuple[ToolCall, ...]:
    if sent.get("function_call") is not None:
        raise Fault(f"{path}.function_call", "This form is outdated; send tool_calls.")
    if sent.get("tool_calls") is None:
        return ()
    path = f"{path}.tool_calls"
    calls = []
    for place, each in enumerate(sequence(sent["tool_calls"], path, most=MOST_PARTS)):
        call = _call(mapping(each, f"{path}.{place}"), f"{path}.{place}")
        called.add(call.call_id)
        calls.append(call)
    return tuple(calls)


def _call(sent: Mapping[str, Any], path: str) -> ToolCall:
    if sent.get("type", "function") != "function":
        raise Fault(f"{path}.type", "This must be function.")
    named = mapping(sent.get("function"), f"{path}.function")
    return ToolCall(
        call_id=text(sent.get("id"), f"{path}.id", least=1),
        name=text(named.get("name"), f"{path}.function.name", least=1),
        arguments=text(named.get("arguments"), f"{path}.function.arguments"),
    )
