"""An upstream in memory that does what a script says: the twin of the real ones, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.policy import Target
from cascade.domain.request import Answer, Chat, Stop, Tokens, ToolCall

_FINE = Answer("Here is a short answer.", Stop.END, Tokens(input=12, output=6))


@dataclass(frozen=True, slots=True)
class Act:
    """What happens to one request. Times are in seconds.

    `after_s` passes before the first piece (or the whole answer), `between_s` between pieces.
    `fails` is raised at once; with `pieces_before` pieces it is raised behind them, as when a
    stream is cut, an event is malformed or half an answer came. A whole answer then just fails.
    `hangs` waits for ever: only the deadline ends it.
    """

    answer: Answer = _FINE
    after_s: float = 0.0
    between_s: float = 0.0
    fails: UpstreamFailed | None = None
    pieces_before: int = 0
    hangs: bool = False


def throttled(*, retry_after_s: float | None = None) -> Act:
    """Return the act of a server that has enough."""
    words = "Too many requests, please wait before trying again."
    failed = UpstreamFailed(Trouble.THROTTLED, words, retry_after_s=retry_after_s, status=429)
    return Act(fails=failed)


def failing(trouble: Trouble, words: str = "An error was scripted.", *, status: int = 0) -> Act:
    """Return the act of a server that fails so."""
    return Act(fails=UpstreamFailed(trouble, words, status=status))


def cut(*, after_pieces: int, answer: Answer = _FINE) -> Act:
    """Return the act of a stream that is cut behind some pieces."""
    failed = UpstreamFailed(Trouble.BROKEN, "The stream was cut before its end.")
    return Act(answer=answer, fails=failed, pieces_before=after_pieces)


@dataclass(slots=True)
class MemoryUpstream:
    """Answers by script: acts of `by_address` in turn, the last one for ever; `usual` elsewhere.

    `asked` holds every target and chat in order, `left` counts streams that were left early.
    """

    usual: Act = field(default_factory=Act)
    by_address: dict[str, list[Act]] = field(default_factory=dict)
    asked: list[tuple[Target, Chat]] = field(default_factory=list)
    left: int = 0

    async def ask(self, target: Target, chat: Chat, *, within_s: float) -> Answer:
        """Return the whole answer. Raises UpstreamFailed, also when time runs out."""
        act = self._next(target, chat)
        await _wait(act, act.after_s, left_s=within_s)
        if act.fails is not None:
            raise _again(act.fails)
        return act.answer

    async def stream(
        self, target: Target, chat: Chat, *, within_s: float
    ) -> AsyncIterator[Piece | End]:
        """Yield pieces and then exactly one End. Raises UpstreamFailed; never ends without End."""
        act = self._next(target, chat)
        deadline = asyncio.get_running_loop().time() + within_s
        is_over = False
        try:
            await _wait(act, act.after_s, left_s=within_s)
            for place, piece in enumerate(_pieces(act.answer)):
                if act.fails is not None and place >= act.pieces_before:
                    break
                if place:
                    left_s = deadline - asyncio.get_running_loop().time()
                    await _wait(act, act.between_s, left_s=left_s)
                yield piece
            is_over = True
            if act.fails is not None:
                raise _again(act.fails)
            yield End(stop=act.answer.stop, tokens=act.answer.tokens)
        except UpstreamFailed:
            is_over = True
            raise
        finally:
            self.left += not is_over

    def _next(self, target: Target, chat: Chat) -> Act:
        self.asked.append((target, chat))
        acts = self.by_address.get(target.address)
        if not acts:
            return self.usual
        return acts.pop(0) if len(acts) > 1 else acts[0]


async def _wait(act: Act, seconds: float, *, left_s: float) -> None:
    """Let time pass; raise UpstreamFailed when it runs out before."""
    if act.hangs or seconds > left_s:
        await asyncio.sleep(max(left_s, 0.0))
        raise UpstreamFailed(Trouble.TIMED_OUT, "No answer came in time.")
    if seconds > 0:
        await asyncio.sleep(seconds)


def _pieces(answer: Answer) -> Iterator[Piece]:
    yield from (Piece(text=word) for word in _words(answer.text))
    for place, call in enumerate(answer.tool_calls):
        begun = ToolCall(call_id=call.call_id, name=call.name, arguments="")
        yield Piece(tool_call=begun, tool_index=place)
        said = ToolCall(call_id="", name="", arguments=call.arguments)
        yield Piece(tool_call=said, tool_index=place)


def _words(text: str) -> Iterable[str]:
    """Return a text cut before each space, so that the pieces join to it."""
    head, *rest = text.split(" ")
    found = [head, *(f" {word}" for word in rest)]
    return [word for word in found if word]


def _again(failed: UpstreamFailed) -> UpstreamFailed:
    """Return a failure of its own for each request: a traceback belongs to one."""
    return UpstreamFailed(
        failed.trouble,
        failed.words,
        retry_after_s=failed.retry_after_s,
        tokens=failed.tokens,
        status=failed.status,
    )
