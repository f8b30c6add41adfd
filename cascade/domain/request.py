"""A chat as it is asked, and an answer as it came, whatever the wire they travel on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Speaker(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Stop(StrEnum):
    """Why an answer ended."""

    END = "end"
    LENGTH = "length"
    TOOL = "tool"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message: text, or an image as base64 of `media_type`."""

    text: str = ""
    media_type: str = ""
    data: str = ""

    @property
    def is_image(self) -> bool:
        """Say whether it is an image."""
        return bool(self.media_type)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish that a tool be run; `arguments` is JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool offered to the model; `schema` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. A tool's result names the call it answers."""

    speaker: Speaker
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    answers_call: str = ""

    @property
    def text(self) -> str:
        """Return its text, parts joined by line ends."""
        return "\n".join(part.text for part in self.parts if part.text)


@dataclass(frozen=True, slots=True)
class Chat:
    """What a client asks of a model.

    `schema` is the JSON schema the answer must satisfy, None when any text will do;
    `tool_choice` is "auto", "none", "required" or a tool's name. None leaves it to the model.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_words: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    wants_json: bool = False

    @property
    def question(self) -> str:
        """Return the text of the last thing the user said; empty when nobody asked."""
        asked = (each.text for each in reversed(self.messages) if each.speaker is Speaker.USER)
        return next(asked, "")

    @property
    def text(self) -> str:
        """Return everything that was said, in order."""
        return "\n".join(message.text for message in self.messages)

    @property
    def has_images(self) -> bool:
        """Say whether any message holds an image."""
        return any(part.is_image for message in self.messages for part in message.parts)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens as the model counted them; `cached` of the input were read from a prompt cache."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, or the tools it wants run."""

    text: str
    stop: Stop
    tokens: Tokens
    tool_calls: tuple[ToolCall, ...] = ()
