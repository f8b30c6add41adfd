"""A request through its cascade: the pure walk says what is next, this does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cascade.domain.gate import assessing
from cascade.domain.gate.assessing import REFUSED, Verdict
from cascade.domain.invoker import Trouble, UpstreamFailed
from cascade.domain.policy import Fallback, Target
from cascade.domain.request import Answer, Chat
from cascade.domain.walk import Move, Step, Tried, next_move, opinions
from cascade.gateway import planned, refusing, senses, streaming
from cascade.gateway.calls import Caller, Wanted
from cascade.gateway.money import NoMoney, Uncounted
from cascade.gateway.streaming import BadBeginning, Mode, Out
from cascade.gateway.turn import Turn, agreements, looked

log = logging.getLogger("slipway.gateway")


SHORT_ANSWER_TOKENS = 64
SIDE_CALL_S = 15.0
NO_MONEY = "no budget"
# What somebody else says of an answer: its verdict after theirs before.
Word = Callable[[Verdict], Verdict]


def _no_word(verdict: Verdict) -> Verdict:
    return verdict


@dataclass(slots=True)
class Flow:
    """One request's way; `only` is the stage that was asked for by name, `out` its reader.

    `verdicts` are by stage, and `unheard` what they would be had no earlier answer been heard.
    """

    caller: Caller
    turn: Turn
    out: Out | None = None
    only: int | None = None
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    unheard: dict[int, Verdict] = field(default_factory=dict)
    shown: int | None = None
    last_failure: UpstreamFailed | None = None
    refused_scope: str = ""

    async def run(self) -> Answer:
        """Return the answer that is given; when streamed, the client has it then.

        Raises Refused, and CutOff when a stream broke that the client already reads.
        """
        try:
            return await self._walk()
        except (refusing.Refused, streaming.CutOff, OSError):
            raise
        except Exception as bug:
            log.exception("The request %s failed in a way nobody foresaw", self.turn.uuid)
            if self.out is not None and self.out.has_begun:
                failed = UpstreamFailed(Trouble.BROKEN, "The gateway failed.")
                raise streaming.CutOff(failed) from bug
            raise refusing.unforeseen() from bug

    async def _walk(self) -> Answer:
        turn = self.turn
        turn.plan = await planned.plan_of(
            turn, only=self.only, purse=self.caller.purse, ask=self._side
        )
        while True:
            move = next_move(turn.policy, turn.plan, turn.tried, left_s=turn.left_s)
            match move.step:
                case Step.ASK:
                    if await self._ask(move):
                        return turn.answers[move.stage]
                case Step.COMPARE:
                    await self._compare(move.stage)
                case Step.JUDGE:
                    await self._judge(move.stage)
                case Step.ACCEPT:
                    return await self._accept(move)
                case Step.FAIL:
                    raise self._refusal(move.reason)

    # Calls

    async def _ask(self, move: Move) -> bool:
        """Call a stage; say whether the client has its answer already, whatever it is worth."""
        turn, stage = self.turn, self.turn.policy.stages[move.stage]
        wanted = Wanted(
            role="stage",
            stage=stage.name,
            target=stage.target,
            max_output_tokens=stage.max_output_tokens,
            timeout_s=stage.timeout_s,
            is_last_resort=self._is_last(move.stage),
        )
        mode = streaming.mode_of(turn, is_last=self._is_final(move.stage))
        try:
            await self._take_back(move)
            came = await self._called(wanted, mode)
        except UpstreamFailed as failed:
            self._failed(move.stage, failed)
            return False
        except streaming.Halfway as cut:
            self.shown = move.stage
            self._failed(move.stage, cut.failed)
            return False
        except BadBeginning as bad:
            self._tried(move.stage, bad.verdict)
            return False
        except NoMoney as none:
            self._step_down(move.stage, none)
            return False
        except Uncounted as why:
            raise refusing.uncounted(str(why)) from why
        turn.answers[move.stage] = came.answer
        verdict = senses.assessed(turn.version.scorer, turn.chat, came.answer, read=turn.read)
        self._tried(move.stage, *self._beside_earlier(move.stage, verdict))
        if not came.is_shown or self.out is None:
            return False
        self.shown = move.stage
        if mode is Mode.OPTIMISTIC:
            return False
        await self._end(move.stage, is_short=False)
        return True

    def _beside_earlier(self, place: int, alone: Verdict) -> tuple[Verdict, dict[str, Any]]:
        """Return a verdict after earlier answers were heard, and what the log keeps of them.

        They are laid beside it also where they do not count: a replay may ask what if they did.
        """
        turn = self.turn
        asked = opinions(turn.policy, turn.tried, place=place)
        earlier = {
            turn.policy.stages[each].name: turn.answers[each]
            for each in asked
            if each in turn.answers
        }
        if not earlier or alone.p_good <= REFUSED:
            return alone, {}
        found = senses.likened(turn.chat, turn.answers[place], earlier)
        kept: dict[str, Any] = {"like": agreements(found)}
        if not turn.policy.hears_earlier:
            return alone, kept
        self.unheard[place] = alone
        return assessing.with_earlier(alone, found), kept | {"alone": round(alone.p_good, 4)}

    async def _called(self, wanted: Wanted, mode: Mode) -> streaming.Came:
        turn = self.turn
        if self.out is None:
            return streaming.Came(await self.caller.ask(turn, wanted, turn.chat), is_shown=False)
        return await streaming.stream(self.caller, turn, wanted, turn.chat, self.out, mode)

    async def _take_back(self, move: Move) -> None:
        """Tell a client that reads a rejected answer that another one comes."""
        if self.shown is not None and self.out is not None:
            await self.out.replace(move.reason)
            self.shown = None

    def _is_last(self, place: int) -> bool:
        """Say whether no other stage could be asked after this one."""
        turn = self.turn
        return place == len(turn.policy.stages) - 1 or (
            len(turn.tried) + 1 >= len(turn.plan.order) and place >= turn.plan.highest
        )

    def _is_final(self, place: int) -> bool:
        """Say whether this stage's answer is given whatever it is worth."""
        rejected = sum(1 for each in self.turn.tried if each.score is not None)
        return self._is_last(place) or rejected >= self.turn.policy.most_escalations

    def _step_down(self, place: int, none: NoMoney) -> None:
        """Go on with cheaper stages only, or with what there is."""
        turn = self.turn
        self.refused_scope = none.scope
        self._tried(place, None, failed=f"{NO_MONEY}: {none.scope}")
        if place == 0:
            turn.plan = replace(turn.plan, order=turn.plan.order[: len(turn.tried)], highest=0)
            return
        turn.plan = replace(
            turn.plan,
            order=turn.plan.order[: len(turn.tried)],
            highest=min(turn.plan.highest, place - 1),
            reason=f"{turn.plan.reason}; no budget for {turn.policy.stages[place].name}",
        )

    def _failed(self, place: int, failed: UpstreamFailed) -> None:
        self.last_failure = failed
        self._tried(place, None, failed=f"{failed.trouble.value}: {failed.words[:200]}")

    def _tried(
        self,
        place: int,
        verdict: Verdict | None,
        kept: Mapping[str, Any] | None = None,
        *,
        failed: str = "",
    ) -> None:
        turn = self.turn
        score = None if verdict is None else verdict.p_good
        turn.tried.append(Tried(place, score, failed))
        if verdict is not None:
            self.verdicts[place] = verdict
        look = looked(turn.policy.stages[place].name, verdict, failed)
        turn.looks.append({**look, **(kept or {})})

    async def _side(
        self, role: str, stage: str, target: Target, chat: Chat, *, most: int = SHORT_ANSWER_TOKENS
    ) -> Answer | None:
        """Return what a helping model says; None when it cannot be asked."""
        wanted = Wanted(role, stage, target, most, min(SIDE_CALL_S, max(0.1, self.turn.left_s)))
        work = self.caller.ask(self.turn, wanted, chat)
        try:
            return await (work if self.out is None else streaming.alive(self.out, work))
        except (UpstreamFailed, NoMoney, Uncounted):
            return None

    async def _compare(self, place: int) -> None:
        turn, stage = self.turn, self.turn.policy.stages[place]
        said: Word = _no_word
        if stage.partner is not None:
            other = await self._side(
                "partner", stage.name, stage.partner, turn.chat, most=stage.max_output_tokens
            )
            if other is not None:
                said = partial(senses.compared, turn.chat, one=turn.answers[place], other=other)
        self._again(place, said, is_compared=True)

    async def _judge(self, place: int) -> None:
        turn, judge = self.turn, self.turn.policy.judge
        said: Word = _no_word
        if judge is not None and place in turn.answers:
            chat, fence = senses.judge_asked(turn.chat, turn.answers[place])
            reply = await self._side("judge", turn.policy.stages[place].name, judge.target, chat)
            if reply is not None:
                said = partial(senses.judged, reply=reply, fence=fence)
        self._again(place, said, is_judged=True)

    def _again(
        self, place: int, said: Word, *, is_compared: bool = False, is_judged: bool = False
    ) -> None:
        """Write a stage's score anew after somebody else spoke."""
        turn, last = self.turn, self.turn.tried[-1]
        verdict = self.verdicts[place] = said(self.verdicts[place])
        turn.tried[-1] = replace(
            last,
            score=verdict.p_good,
            is_compared=last.is_compared or is_compared,
            is_judged=last.is_judged or is_judged,
        )
        turn.looks[-1] |= looked(turn.policy.stages[place].name, verdict, "")
        if place in self.unheard:
            self.unheard[place] = said(self.unheard[place])
            turn.looks[-1]["alone"] = round(self.unheard[place].p_good, 4)

    # The end

    async def _accept(self, move: Move) -> Answer:
        answer = self.turn.answers.get(move.stage)
        if answer is None:  # Its beginning was turned down, and nothing better came.
            whole = [each.stage for each in self.turn.tried if each.stage in self.turn.answers]
            if not whole or self.turn.policy.fallback is Fallback.REFUSE:
                raise self._refusal(move.reason)
            return await self._accept(replace(move, stage=whole[-1], is_short=True))
        if self.out is None:
            self._done(move.stage, is_short=move.is_short)
            return answer
        if self.shown == move.stage:
            await self._end(move.stage, is_short=move.is_short)
            return answer
        await self._take_back(move)
        self._done(move.stage, is_short=move.is_short)
        await streaming.show(self.out, self.turn, answer)
        return answer

    async def _end(self, place: int, *, is_short: bool) -> None:
        answer = self.turn.answers[place]
        self._done(place, is_short=is_short)
        if self.out is not None:
            await self.out.end(streaming.End(answer.stop, answer.tokens))

    def _done(self, place: int, *, is_short: bool) -> None:
        self.turn.stage = place
        self.turn.status = "short" if is_short else "answered"
        self.turn.http = 200

    def _refusal(self, reason: str) -> refusing.Refused:
        if self.refused_scope and not self.turn.answers:
            return refusing.over_budget(self.refused_scope)
        return refusing.by_upstreams(self.last_failure, reason)
