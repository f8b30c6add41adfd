"""Which stages a request will see: the one it names, or what router, classifier and budget say."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

from cascade.domain import planning
from cascade.domain.policy import Classifier, Target
from cascade.domain.request import Answer, Chat
from cascade.domain.walk import Plan
from cascade.gateway import senses
from cascade.gateway.money import Purse
from cascade.gateway.turn import Turn, likely_tokens

LIKELY_OUTPUT_TOKENS = 250
CLASS_TOKENS = 8


class Ask(Protocol):
    """Asks a helping model; None when it cannot be asked."""

    def __call__(
        self, role: str, stage: str, target: Target, chat: Chat, *, most: int
    ) -> Awaitable[Answer | None]:
        """Return what it says."""
        ...


async def plan_of(turn: Turn, *, only: int | None, purse: Purse, ask: Ask) -> Plan:
    """Return the plan of a request; `only` is the stage that it names."""
    policy = turn.policy
    share = purse.shares.get(turn.cascade.feature_id, 0.0)
    highest = policy.highest_at(share)
    if only is not None:
        return _named(turn, only, highest=highest, share=share)
    if policy.classifier is Classifier.LLM:
        plan = await _classified(turn, ask, highest)
    else:
        learned = policy.classifier is Classifier.LEARNED
        router = turn.version.router if learned else None
        plan = planning.plan(
            policy,
            p_right=senses.foreseen(router, turn.chat, stages=len(policy.stages), read=turn.read),
            prices=turn.snapshot.prices,
            input_tokens=likely_tokens(turn.chat),
            output_tokens=min(
                turn.chat.max_output_tokens or LIKELY_OUTPUT_TOKENS, LIKELY_OUTPUT_TOKENS
            ),
            highest=highest,
        )
    if highest < len(policy.stages) - 1:
        return replace(plan, reason=f"{plan.reason}; {_stepped_down(share)}")
    return plan


def _named(turn: Turn, only: int, *, highest: int, share: float) -> Plan:
    """Return the plan of a request that names its stage; the budget binds it as any other."""
    reason = "the request names this stage"
    if only > highest:
        reason = f"the request names {turn.policy.stages[only].name}"
        reason = f"{reason}; {_stepped_down(share)}"
    stage = min(only, highest)
    return Plan((stage,), reason, (), stage)


async def _classified(turn: Turn, ask: Ask, highest: int) -> Plan:
    """Return the plan of who asks a model how hard the request is; unsure: from the start."""
    target, level = turn.policy.classifier_target, None
    if target is not None:
        asked = senses.hardness_asked(turn.chat)
        reply = await ask("classifier", "", target, asked, most=CLASS_TOKENS)
        level = None if reply is None else senses.level_of(reply)
    if level is None:
        return Plan(tuple(range(highest + 1)), "the classifier did not say", (), highest)
    first = min(highest, round(level * (len(turn.policy.stages) - 1) / 2))
    reason = f"classified as {senses.LEVELS[level]}"
    return Plan(tuple(range(first, highest + 1)), reason, (), highest)


def _stepped_down(share: float) -> str:
    return f"{share:.0%} of the month's budget is spent, so nothing higher is used"
