"""A Converse request, read into a chat. Pure.

A user's turn may hold tools' results and text: the results become messages of their own, before
the text. Cache points and reasoning change no answer and are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade.domain.request import Chat, Message, Part, Speaker, Tool, ToolCall
from cascade.domain.wire.fields import (
    Fault,
    compact,
    known,
    mapping,
    maybe,
    number,
    parse,
    sequence,
    text,
    whole,
)

MOST_MESSAGES = 4_000
MOST_BLOCKS = 400
MOST_TOOLS = 128
MOST_STOP_WORDS = 2_500
MOST_OUTPUT_TOKENS = 1_000_000
_FIELDS = frozenset(
    {"messages", "system", "inferenceConfig", "toolConfig", "outputConfig"}
    # What changes no answer.
    | {"requestMetadata", "serviceTier", "performanceConfig"}
)
_FORMATS = ("png", "jpeg", "gif", "webp")
_PASSED_OVER = frozenset({"cachePoint", "reasoningContent"})


def read_request(body: object) -> Chat:
    """Return what a client asks. Raises Fault with the field's path and what would be right."""
    sent = mapping(body, "")
    known(sent, _FIELDS, "")
    settings = maybe(sent.get("inferenceConfig"), "inferenceConfig", mapping) or {}
    known(
        settings,
        frozenset({"maxTokens", "temperature", "topP", "stopSequences"}),
        "inferenceConfig",
    )
    at = "inferenceConfig"
    tools, choice = _tools(sent.get("toolConfig"))
    stops = maybe(settings.get("stopSequences"), f"{at}.stopSequences", sequence, most=2_500) or []
    schema = _schema(sent.get("outputConfig"))
    return Chat(
        messages=(*_system(sent.get("system")), *_messages(sent.get("messages"))),
        tools=tools,
        tool_choice=choice,
        max_output_tokens=maybe(
            settings.get("maxTokens"), f"{at}.maxTokens", whole, least=1, most=MOST_OUTPUT_TOKENS
        ),
        temperature=maybe(
            settings.get("temperature"), f"{at}.temperature", number, least=0, most=1
        ),
        top_p=maybe(settings.get("topP"), f"{at}.topP", number, least=0, most=1),
        stop_words=tuple(
            text(word, f"{at}.stopSequences.{place}", least=1) for place, word in enumerate(stops)
        ),
        schema=schema,
        wants_json=schema is not None,
    )


def _system(value: object) -> tuple[Message, ...]:
    found = []
    for place, each in enumerate(maybe(value, "system", sequence, most=MOST_BLOCKS) or []):
        path = f"system.{place}"
        block = mapping(each, path)
        if "text" in block:
            part = Part(text=text(block["text"], f"{path}.text", least=1))
            found.append(Message(speaker=Speaker.SYSTEM, parts=(part,)))
        elif not _PASSED_OVER & block.keys():
            raise Fault(path, "This must be a text or a cachePoint.")
    return tuple(found)


def _messages(value: object) -> tuple[Message, ...]:
    sent = sequence(value, "messages", most=MOST_MESSAGES)
    if not sent:
        raise Fault("messages", "Say something: at least one message is needed.")
    found: list[Message] = []
    for place, each in enumerate(sent):
        path = f"messages.{place}"
        message = mapping(each, path)
        blocks = sequence(message.get("content"), f"{path}.content", most=MOST_BLOCKS)
        match message.get("role"):
            case "user":
                found += _user(blocks, f"{path}.content")
            case "assistant":
                found.append(_assistant(blocks, f"{path}.content"))
            case _:
                raise Fault(f"{path}.role", "This must be user or assistant.")
    return tuple(found)


def _user(blocks: list[Any], path: str) -> list[Message]:
    results: list[Message] = []
    parts: list[Part] = []
    for place, each in enumerate(blocks):
        block = mapping(each, f"{path}.{place}")
        if "toolResult" in block:
            results.append(_result(block["toolResult"], f"{path}.{place}.toolResult"))
        else:
            parts += _parts(block, f"{path}.{place}")
    if not results and not parts:
        raise Fault(path, "This must not be empty.")
    said = [Message(speaker=Speaker.USER, parts=tuple(parts))] if parts else []
    return results + said


def _assistant(blocks: list[Any], path: str) -> Message:
    calls: list[ToolCall] = []
    parts: list[Part] = []
    for place, each in enumerate(blocks):
        block = mapping(each, f"{path}.{place}")
        if "toolUse" in block:
            calls.append(_call(block["toolUse"], f"{path}.{place}.toolUse"))
        else:
            parts += _parts(block, f"{path}.{place}")
    return Message(speaker=Speaker.ASSISTANT, parts=tuple(parts), tool_calls=tuple(calls))


def _parts(block: Mapping[str, Any], path: str) -> list[Part]:
    """Return the part a block is, or none for what is passed over. Raises Fault."""
    if "text" in block:
        return [Part(text=text(block["text"], f"{path}.text"))]
    if "image" in block:
        return [_image(block["image"], f"{path}.image")]
    if "guardContent" in block:
        at = f"{path}.guardContent.text"
        guarded = mapping(block["guardContent"], f"{path}.guardContent").get("text")
        return [Part(text=text(mapping(guarded, at).get("text"), f"{at}.text"))]
    if _PASSED_OVER & block.keys():
        return []
    raise Fault(path, "Not every model of a cascade can read this; send text or images.")


def _image(value: object, path: str) -> Part:
    sent = mapping(value, path)
    if sent.get("format") not in _FORMATS:
        raise Fault(f"{path}.format", f"This must be one of {', '.join(_FORMATS)}.")
    data = mapping(sent.get("source"), f"{path}.source").get("bytes")
    found = text(data, f"{path}.source.bytes", least=1)
    return Part(media_type=f"image/{sent['format']}", data=found)


def _call(value: object, path: str) -> ToolCall:
    sent = mapping(value, path)
    return ToolCall(
        call_id=text(sent.get("toolUseId"), f"{path}.toolUseId", least=1),
        name=text(sent.get("name"), f"{path}.name", least=1),
        arguments=compact(mapping(sent.get("input"), f"{path}.input")),
    )


def _result(value: object, path: str) -> Message:
    sent = mapping(value, path)
    parts: list[Part] = []
    blocks = sequence(sent.get("content"), f"{path}.content", most=MOST_BLOCKS)
    for place, each in enumerate(blocks):
        block = mapping(each, f"{path}.content.{place}")
        if "json" in block:
            parts.append(Part(text=compact(block["json"])))
        else:
            parts += _parts(block, f"{path}.content.{place}")
    call_id = text(sent.get("toolUseId"), f"{path}.toolUseId", least=1)
    return Message(speaker=Speaker.TOOL, parts=tuple(parts), answers_call=call_id)


def _tools(value: object) -> tuple[tuple[Tool, ...], str]:
    """Return the tools and which must be called."""
    if value is None:
        return (), "auto"
    sent = mapping(value, "toolConfig")
    found = []
    for place, each in enumerate(sequence(sent.get("tools"), "toolConfig.tools", most=MOST_TOOLS)):
        path = f"toolConfig.tools.{place}"
        tool = mapping(each, path)
        if "toolSpec" in tool:
            found.append(_tool(tool["toolSpec"], f"{path}.toolSpec"))
        elif "cachePoint" not in tool:
            raise Fault(path, "This must be a toolSpec or a cachePoint.")
    return tuple(found), _choice(sent.get("toolChoice"), {tool.name for tool in found})


def _tool(value: object, path: str) -> Tool:
    sent = mapping(value, path)
    schema = mapping(sent.get("inputSchema"), f"{path}.inputSchema").get("json")
    return Tool(
        name=text(sent.get("name"), f"{path}.name", least=1),
        description=maybe(sent.get("description"), f"{path}.description", text) or "",
        schema=mapping(schema, f"{path}.inputSchema.json"),
    )


def _choice(value: object, names: set[str]) -> str:
    if value is None:
        return "auto"
    path = "toolConfig.toolChoice"
    sent = mapping(value, path)
    if "auto" in sent:
        return "auto"
    if "any" in sent:
        return "required"
    name = mapping(sent.get("tool"), f"{path}.tool").get("name")
    if name not in names:
        raise Fault(f"{path}.tool.name", f"No tool is named {name!r}.")
    return str(name)


def _schema(value: object) -> Mapping[str, Any] | None:
    """Return the schema of outputConfig.textFormat, which travels as JSON text."""
    if value is None:
        return None
    path = "outputConfig.textFormat"
    wanted = mapping(value, "outputConfig").get("textFormat")
    if wanted is None:
        return None
    structure = mapping(mapping(wanted, path).get("structure"), f"{path}.structure")
    path = f"{path}.structure.jsonSchema"
    written = text(mapping(structure.get("jsonSchema"), path).get("schema"), f"{path}.schema")
    try:
        return mapping(parse(written.encode()), f"{path}.schema")
    except Fault as wrong:
        raise Fault(f"{path}.schema", wrong.words) from None
