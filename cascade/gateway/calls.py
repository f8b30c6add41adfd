"""One call of a model: admitted by its breaker, paid for, tried again, written down."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from uuid import uuid4

from cascade.domain.breaker import Breaker
from cascade.domain.events import Attempt
from cascade.domain.invoker import End, Piece, Trouble, Upstream, UpstreamFailed
from cascade.domain.policy import Kind, Target
from cascade.domain.prices import cost_pico, worst_micro
from cascade.domain.request import Answer, Chat, Tokens
from cascade.domain.retrying import MOST_RETRIES, RetryBudget, pause_s
from cascade.gateway.money import NoMoney, Purse, Uncounted
from cascade.gateway.turn import LETTERS_A_TOKEN, Turn, likely_tokens, limited, most_tokens

# Roles whose answer a client may get, or is compared with.
FOR_THE_CLIENT = ("stage", "partner", "shadow")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be called: a target in a role, at a stage, with its limits.

    `is_last_resort` is called although its breaker is open: there is nothing else to ask.
    """

    role: str
    stage: str
    target: Target
    max_output_tokens: int
    timeout_s: float
    is_last_resort: bool = False


@dataclass(slots=True)
class Caller:
    """Calls models for requests of this process."""

    upstreams: Mapping[Kind, Upstream]
    purse: Purse
    breakers: dict[str, Breaker] = field(default_factory=lambda: defaultdict(Breaker))
    retries: RetryBudget = field(default_factory=RetryBudget)
    draw: random.Random = field(default_factory=random.Random)

    async def ask(self, turn: Turn, wanted: Wanted, chat: Chat) -> Answer:
        """Return the whole answer. Raises UpstreamFailed, NoMoney, Uncounted, Refused."""
        self.retries.earn()
        retry = 0
        while True:
            try:
                return await self._once(turn, wanted, chat)
            except UpstreamFailed as failed:
                wait_s = self.pause(turn, failed, retry)
                if wait_s is None:
                    raise
                began_s = time.monotonic()
                await asyncio.sleep(wait_s)
                turn.waited_s += time.monotonic() - began_s
                retry += 1

    def pause(self, turn: Turn, failed: UpstreamFailed, retry: int) -> float | None:
        """Return how long to wait before another try; None when there is none."""
        if not failed.trouble.is_passing or retry >= MOST_RETRIES:
            return None
        if failed.trouble is Trouble.TIMED_OUT or failed.words == CLOSED_DOOR:
            return None
        wait_s = pause_s(retry=retry, draw=self.draw.random(), retry_after_s=failed.retry_after_s)
        if wait_s >= turn.left_s / 2 or not self.retries.spend():
            return None
        return wait_s

    async def _once(self, turn: Turn, wanted: Wanted, chat: Chat) -> Answer:
        call = await self._begin(turn, wanted, chat)
        upstream = self.upstreams[wanted.target.kind]
        try:
            answer = await upstream.ask(wanted.target, call.chat, within_s=call.within_s)
        except UpstreamFailed as failed:
            call.failed(failed)
            raise
        except BaseException:
            call.left(said=0)
            raise
        call.answered(answer.tokens)
        return answer

    async def stream(
        self, turn: Turn, wanted: Wanted, chat: Chat
    ) -> AsyncGenerator[Piece | End, None]:
        """Yield the answer as it comes. Raises as `ask`; nothing is tried again here."""
        self.retries.earn()
        call = await self._begin(turn, wanted, chat)
        upstream = self.upstreams[wanted.target.kind]
        letters = 0
        try:
            stream = upstream.stream(wanted.target, call.chat, within_s=call.within_s)
            async with aclosing(stream) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if isinstance(piece, End):
                        call.answered(piece.tokens)
                    else:
                        letters += _letters(piece)
                    yield piece
        except UpstreamFailed as failed:
            call.failed(failed, said=letters)
            raise
        finally:
            if not call.is_over:
                call.left(said=letters)

    async def _begin(self, turn: Turn, wanted: Wanted, chat: Chat) -> _Call:
        """Admit and pay for a call. Raises UpstreamFailed when its breaker is open, and as hold."""
        tariff = turn.snapshot.prices.find(wanted.target.model)
        if tariff is None:
            raise UpstreamFailed(Trouble.REFUSED, f"{wanted.target.model} has no price.")
        breaker = self.breakers[wanted.target.address]
        is_admitted = breaker.admits(now_s=time.monotonic())
        is_probe = is_admitted and breaker.is_probing
        if not is_admitted and not wanted.is_last_resort:
            raise UpstreamFailed(Trouble.OVERLOADED, CLOSED_DOOR)
        # What a key may be answered with says nothing of how long a judge may speak.
        key_most = turn.key.max_output_tokens if wanted.role in FOR_THE_CLIENT else None
        fitted = limited(chat, stage_most=wanted.max_output_tokens, key_most=key_most)
        within_s = min(wanted.timeout_s, turn.left_s)
        guess = Tokens(input=likely_tokens(chat))
        lost = turn.attempt(
            id=uuid4(),
            at_us=time.time_ns() // 1000,
            role=wanted.role,
            stage=wanted.stage,
            model=wanted.target.model,
            deployment=wanted.target.deployment,
            outcome="lost",
            tokens=guess,
            pico=cost_pico(tariff, guess),
        )
        most = worst_micro(
            tariff,
            input_tokens=most_tokens(chat),
            max_output_tokens=fitted.max_output_tokens or wanted.max_output_tokens,
        )
        if within_s <= 0:
            if is_probe:
                breaker.left()
            raise UpstreamFailed(Trouble.TIMED_OUT, "The request's deadline has passed.")
        try:
            await self._paid(turn, lost, micro=max(most, lost.micro), seconds=within_s)
        except BaseException:
            if is_probe:
                breaker.left()
            raise
        return _Call(turn, lost, fitted, within_s, breaker, self.purse, is_probe)

    async def _paid(self, turn: Turn, lost: Attempt, *, micro: int, seconds: float) -> None:
        """Hold an attempt's money when its request is let in. Raises Refused, and as hold."""
        try:
            await self.purse.hold(turn, lost, micro=micro, seconds=seconds)
        except (NoMoney, Uncounted):
            # Whose rate is used up hears that first: it passes sooner.
            await turn.admitted()
            raise
        try:
            await turn.admitted()
        except BaseException:
            self.purse.give_back(lost)
            raise


def _letters(piece: Piece) -> int:
    call = piece.tool_call
    return len(piece.text) + (0 if call is None else len(call.name) + len(call.arguments))


CLOSED_DOOR = "It failed too often lately; it is asked again in a while."


@dataclass(slots=True)
class _Call:
    """A call under way: ends once, as answered, failed or left."""

    turn: Turn
    attempt: Attempt
    chat: Chat
    within_s: float
    breaker: Breaker
    purse: Purse
    is_probe: bool
    began_s: float = field(default_factory=time.monotonic)
    is_over: bool = False

    def answered(self, tokens: Tokens) -> None:
        """Charge an answer."""
        self.breaker.succeeded(now_s=time.monotonic())
        self._end("answered", tokens)

    def failed(self, failed: UpstreamFailed, *, said: int = 0) -> None:
        """Charge what a failed call used, as far as anybody knows."""
        if self.is_over:
            return
        if failed.trouble.is_passing:
            self.breaker.failed(
                now_s=time.monotonic(),
                retry_after_s=failed.retry_after_s,
                is_probe=self.is_probe,
            )
        else:
            self.breaker.succeeded(now_s=time.monotonic())
        self._end(
            "failed", failed.tokens or self._guess(said, failed.trouble), failed.trouble.value
        )

    def left(self, *, said: int) -> None:
        """Charge a call whose client left: its prompt, and what was said until then."""
        if self.is_probe:
            self.breaker.left()
        self._end("cancelled", Tokens(self.attempt.tokens.input, -(-said // LETTERS_A_TOKEN)))

    def _guess(self, said: int, trouble: Trouble) -> Tokens:
        """Return what a failed call is charged: its prompt, when the model had begun with it.

        Who was throttled, refused or never reached the model owes nothing; who waited in vain or
        was cut off does, as far as anybody knows.
        """
        if not said and trouble not in (Trouble.TIMED_OUT, Trouble.BROKEN):
            return Tokens()
        return Tokens(self.attempt.tokens.input, -(-said // LETTERS_A_TOKEN))

    def _end(self, outcome: str, tokens: Tokens, trouble: str = "") -> None:
        if self.is_over:
            return
        self.is_over = True
        took_s = time.monotonic() - self.began_s
        self.turn.waited_s += took_s
        tariff = self.turn.snapshot.prices.find(self.attempt.model)
        made = replace(
            self.attempt,
            number=len(self.turn.made) + 1,
            outcome=outcome,
            trouble=trouble,
            tokens=tokens,
            pico=0 if tariff is None else cost_pico(tariff, tokens),
            latency_ms=round(took_s * 1000),
        )
        self.turn.made.append(made)
        self.purse.settle(made)
