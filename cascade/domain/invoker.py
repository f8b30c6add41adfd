"""The port through which every model is asked, and the ways in which that fails. Pure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cascade.domain.policy import Target
from cascade.domain.request import Answer, Chat, Stop, Tokens, ToolCall


class Trouble(StrEnum):
    """How an upstream failed; what may be tried again is decided by `is_passing`."""

    THROTTLED = "throttled"  # it said so; perhaps also when to come back
    OVERLOADED = "overloaded"  # 5xx, not ready, cold
    TIMED_OUT = "timed-out"  # no answer, or no next token, in time
    BROKEN = "broken"  # the connection or the stream was cut, or an event was malformed
    REFUSED = "refused"  # it will never do this: bad request, no access, too long
    UNREACHABLE = "unreachable"  # no connection was made

    @property
    def is_passing(self) -> bool:
        """Say whether the same request may succeed later or elsewhere."""
        return self is not Trouble.REFUSED


class UpstreamFailed(Exception):
    """An upstream did not answer; `words` are its own, `retry_after_s` what it asked for.

    `tokens` were used (and are owed) before it failed, as far as it said.
    """

    def __init__(
        self,
        trouble: Trouble,
        words: str,
        *,
        retry_after_s: float | None = None,
        tokens: Tokens | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(words)
        self.trouble = trouble
        self.words = words
        self.retry_after_s = retry_after_s
        self.tokens = tokens
        self.status = status


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer as it streams: text, or (a piece of) a tool call."""

    text: str = ""
    tool_call: ToolCall | None = None
    tool_index: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """The clean end of a stream; a stream without one was cut."""

    stop: Stop
    tokens: Tokens


class Upstream(Protocol):
    """Something that answers chats. Safe to call from many tasks at once."""

    async def ask(self, target: Target, chat: Chat, *, within_s: float) -> Answer:
        """Return the whole answer. Raises UpstreamFailed, also when time runs out."""
        ...

    def stream(self, target: Target, chat: Chat, *, within_s: float) -> AsyncIterator[Piece | End]:
        """Yield pieces and then exactly one End. Raises UpstreamFailed; never ends without End."""
        ...
