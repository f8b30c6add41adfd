"""An answer as it comes: shown at once, after its first sentence, or only when it is whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from cascade.domain.commit import is_first_sentence, seems_first_sentence
from cascade.domain.gate.assessing import Verdict
from cascade.domain.invoker import End, Piece, UpstreamFailed
from cascade.domain.policy import Streaming
from cascade.domain.request import Answer, Chat, ToolCall
from cascade.gateway import senses
from cascade.gateway.calls import Caller, Wanted
from cascade.gateway.turn import Turn

Made = TypeVar("Made")
KEEP_ALIVE_S = 5.0
# The beginning of an answer passes when it seems no worse than a coin's throw.
PREFIX_PASSES = 0.5


class Mode(StrEnum):
    """When the client sees an answer."""

    AT_ONCE = "at-once"  # nothing could replace it
    COMMIT = "commit"
    WHOLE = "whole"
    OPTIMISTIC = "optimistic"


class Out(Protocol):
    """What a client reads, in whatever wire."""

    has_begun: bool

    async def piece(self, piece: Piece) -> None:
        """Send a piece; the first one begins the response."""
        ...

    async def end(self, end: End) -> None:
        """Send the clean end."""
        ...

    async def comment(self, words: str) -> None:
        """Send a sign of life."""
        ...

    async def replace(self, words: str) -> None:
        """Take back what was sent."""
        ...


class CutOff(Exception):
    """A stream that a client already reads was cut: nothing may pretend that it ended."""

    def __init__(self, failed: UpstreamFailed) -> None:
        super().__init__(failed.words)
        self.failed = failed


class Halfway(Exception):
    """A stream was cut while a client read it that understands how an answer is replaced."""

    def __init__(self, failed: UpstreamFailed) -> None:
        super().__init__(failed.words)
        self.failed = failed


class BadBeginning(Exception):
    """The first sentence was not good enough, and nobody saw it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("The beginning was not good enough.")
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Came:
    """A whole answer; `is_shown` says that the client has all of it but its end."""

    answer: Answer
    is_shown: bool


def mode_of(turn: Turn, *, is_last: bool) -> Mode:
    """Return when the client may see a stage's answer."""
    if is_last:
        return Mode.AT_ONCE
    match turn.policy.streaming:
        case Streaming.COMMIT:
            return Mode.COMMIT
        case Streaming.OPTIMISTIC if turn.may_replace:
            return Mode.OPTIMISTIC
    return Mode.WHOLE


async def alive(out: Out, work: Awaitable[Made]) -> Made:
    """Await work, and let the client hear now and then that somebody is at it."""
    task = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=KEEP_ALIVE_S)
            if done:
                return task.result()
            await out.comment("still working")
    finally:
        if not task.done():
            # Its call ends first, so that the request's sum holds what it cost.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def stream(
    caller: Caller, turn: Turn, wanted: Wanted, chat: Chat, out: Out, mode: Mode
) -> Came:
    """Return a stage's answer, shown as its mode says; tried again while nobody saw anything.

    Raises UpstreamFailed (nothing was shown), CutOff, Halfway, BadBeginning, and as Caller.ask.
    """
    if mode is Mode.WHOLE:
        return Came(await alive(out, caller.ask(turn, wanted, chat)), is_shown=False)
    retry = 0
    while True:
        relay = _Relay(turn, chat, out, mode)
        try:
            return await relay.run(caller, wanted)
        except UpstreamFailed as failed:
            if relay.is_shown and mode is Mode.OPTIMISTIC:
                raise Halfway(failed) from failed
            if relay.is_shown:
                raise CutOff(failed) from failed
            wait_s = caller.pause(turn, failed, retry)
            if wait_s is None:
                raise
            await asyncio.sleep(wait_s)
            turn.waited_s += wait_s
            retry += 1


class _Relay:
    """Passes one stream on, from the moment its mode allows."""

    def __init__(self, turn: Turn, chat: Chat, out: Out, mode: Mode) -> None:
        self.turn, self.chat, self.out, self.mode = turn, chat, out, mode
        self.pieces: list[Piece] = []
        self.is_shown = False
        self.is_open = mode in (Mode.AT_ONCE, Mode.OPTIMISTIC)
        self.signs: asyncio.Task[None] | None = None

    async def run(self, caller: Caller, wanted: Wanted) -> Came:
        """Relay until the end; who must wait for the beginning hears that somebody is at it."""
        self.signs = None if self.is_open else asyncio.create_task(self._alive())
        try:
            async with aclosing(caller.stream(self.turn, wanted, self.chat)) as stream:
                async for piece in stream:
                    if isinstance(piece, End):
                        return Came(gathered(self.pieces, piece), self.is_shown)
                    await self._took(piece)
        finally:
            await _ended(self.signs)
        raise AssertionError("A stream ended without its end.")

    async def _alive(self) -> None:
        while not self.is_open:
            await asyncio.sleep(KEEP_ALIVE_S)
            if not self.is_open:
                await self.out.comment("still working")

    async def _took(self, piece: Piece) -> None:
        self.pieces.append(piece)
        if self.is_open:
            await self._show(piece)
            return
        text = "".join(each.text for each in self.pieces)
        is_sentence = is_first_sentence(text)
        if any(each.tool_call for each in self.pieces):
            return
        if not is_sentence and not seems_first_sentence(text):
            return
        verdict = senses.begun(self.chat, text)
        if verdict.p_good < PREFIX_PASSES:
            if is_sentence:
                raise BadBeginning(verdict)
            return
        self.is_open = True
        await _ended(self.signs)
        for held in self.pieces:
            await self._show(held)

    async def _show(self, piece: Piece) -> None:
        self.is_shown = True
        if self.turn.first_token_ms is None:
            self.turn.first_token_ms = round((time.monotonic() - self.turn.began_s) * 1000)
        await self.out.piece(piece)


async def _ended(signs: asyncio.Task[None] | None) -> None:
    """End who gives signs of life, so that nothing of it comes between the pieces."""
    if signs is not None:
        signs.cancel()
        await asyncio.gather(signs, return_exceptions=True)


def gathered(pieces: Sequence[Piece], end: End) -> Answer:
    """Return the whole answer of a stream's pieces."""
    calls: dict[int, list[ToolCall]] = {}
    for piece in pieces:
        if piece.tool_call is not None:
            calls.setdefault(piece.tool_index, []).append(piece.tool_call)
    return Answer(
        text="".join(piece.text for piece in pieces),
        stop=end.stop,
        tokens=end.tokens,
        tool_calls=tuple(
            ToolCall(
                call_id=next((part.call_id for part in parts if part.call_id), ""),
                name=next((part.name for part in parts if part.name), ""),
                arguments="".join(part.arguments for part in parts),
            )
            for _, parts in sorted(calls.items())
        ),
    )


async def show(out: Out, turn: Turn, answer: Answer) -> None:
    """Send a whole answer as a stream."""
    if turn.first_token_ms is None:
        turn.first_token_ms = round((time.monotonic() - turn.began_s) * 1000)
    if answer.text or not answer.tool_calls:
        await out.piece(Piece(text=answer.text))
    for place, call in enumerate(answer.tool_calls):
        await out.piece(Piece(tool_call=call, tool_index=place))
    await out.end(End(answer.stop, answer.tokens))
