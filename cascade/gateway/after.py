"""Calls that nobody waits for: shadow answers of the other stages, the judge's sampled word."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Any

from cascade.domain.events import Trial
from cascade.domain.gate import agreement, judge
from cascade.domain.invoker import UpstreamFailed
from cascade.domain.request import Answer
from cascade.gateway import senses
from cascade.gateway.calls import Caller, Wanted
from cascade.gateway.money import NoMoney, Purse, Uncounted
from cascade.gateway.turn import Turn, agreements, clean, said

JUDGE_TOKENS = 64
SIDE_CALL_S = 60.0


class Side(StrEnum):
    """What is done after an answer."""

    SHADOW = "shadow"
    SAMPLE = "sample"


def wanted(turn: Turn, *, draw: random.Random) -> tuple[Side, ...]:
    """Return which side calls a request was drawn for; none for what was not answered."""
    if turn.stage is None or turn.status not in ("answered", "short"):
        return ()
    policy, found = turn.policy, []
    # Near the end of a budget nobody pays for what is only of use later.
    has_money = turn.plan.highest == len(policy.stages) - 1
    if has_money and len(policy.stages) > 1 and draw.random() < policy.shadow_share:
        found.append(Side.SHADOW)
    if policy.judge is not None and draw.random() < policy.judge.sample_share:
        found.append(Side.SAMPLE)
    return tuple(found)


async def done(
    caller: Caller, purse: Purse, turn: Turn, trial: Trial, side: tuple[Side, ...]
) -> None:
    """Make the side calls, and log the request with what they said."""
    turn.began_s = max(turn.began_s, turn.began_s + trial.latency_ms / 1000)
    looks: list[Mapping[str, Any]] = []
    try:
        if Side.SHADOW in side:
            looks += await _shadow(caller, turn)
        if Side.SAMPLE in side:
            looks.append(await _sample(caller, turn))
    finally:
        shadow = sum(each.pico for each in turn.made if each.role == "shadow")
        words = tuple(each for each in looks if each)
        purse.tell(replace(trial, shadow_pico=shadow, pico=turn.pico, tried=(*trial.tried, *words)))


async def _shadow(caller: Caller, turn: Turn) -> list[Mapping[str, Any]]:
    """Ask every stage that was not asked, and say how far each agrees with the strongest.

    So whoever replays or calibrates later knows what every stage makes of this request.
    """
    stages = turn.policy.stages
    # One whose beginning was turned down has said nothing yet; one that failed is left alone.
    asked = {each.stage for each in turn.tried if each.stage in turn.answers or each.failed}
    answers = dict(turn.answers)
    for place, stage in enumerate(stages):
        if place in asked:
            continue
        call = Wanted("shadow", stage.name, stage.target, stage.max_output_tokens, SIDE_CALL_S)
        with suppress(UpstreamFailed, NoMoney, Uncounted):
            answers[place] = await caller.ask(turn, call, turn.chat)
    strongest = answers.pop(len(stages) - 1, None)
    if strongest is None:
        return []
    looks = [
        _beside(turn, place, answers, strongest, is_shadow=place not in asked)
        for place in sorted(answers)
    ]
    if looks and turn.stage != len(stages) - 1 and turn.policy.logs_text:
        looks[0]["answer"] = clean(said(strongest))
    return [*looks]


def _beside(
    turn: Turn, place: int, answers: Mapping[int, Answer], strongest: Answer, *, is_shadow: bool
) -> dict[str, Any]:
    """Return what is kept of a stage's answer beside the strongest's and those of stages below."""
    stages, answer = turn.policy.stages, answers[place]
    found = agreement.agree(turn.chat, answer, strongest)
    below = {stages[each].name: said for each, said in answers.items() if each < place}
    look: dict[str, Any] = {
        "shadow": stages[-1].name,
        "of": stages[place].name,
        "agreement": round(found.degree, 4),
        "kind": str(found.kind),
        "like": agreements(senses.likened(turn.chat, answer, below)),
    }
    if is_shadow:
        verdict = senses.assessed(turn.version.scorer, turn.chat, answer, read=turn.read)
        look["score"] = round(verdict.p_good, 4)
        look["said"] = clean(said(answer)) if turn.policy.logs_text else ""
    return look


async def _sample(caller: Caller, turn: Turn) -> Mapping[str, Any]:
    """Let the judge score the answer that was given."""
    asks = turn.policy.judge
    assert turn.stage is not None
    assert asks is not None
    name = turn.policy.stages[turn.stage].name
    chat, fence = senses.judge_asked(turn.chat, turn.answers[turn.stage])
    call = Wanted("judge", name, asks.target, JUDGE_TOKENS, SIDE_CALL_S)
    try:
        reply = await caller.ask(turn, call, chat)
    except (UpstreamFailed, NoMoney, Uncounted):
        return {}
    found = judge.read_judgement(reply.text, fence=fence)
    if found.score is None:
        return {}
    return {"judged": name, "score": round(found.score, 4)}
