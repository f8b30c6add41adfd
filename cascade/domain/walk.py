"""The one state machine of a request through a cascade; live and replay walk it alike. Pure.

A plan says which stages are tried in which order. After everything that happens, `next_move` looks
at what was tried and says the next thing to do, until it accepts an answer or gives up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cascade.domain.policy import Fallback, PartnerWhen, Policy

# What no judge may save: an answer that is broken.
BROKEN = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in the order in which they are tried, and why.

    `p_right` holds P(right) by stage before any call, empty when nothing looked at the request.
    `highest` is the highest stage that money allows.
    """

    order: tuple[int, ...]
    reason: str
    p_right: tuple[float, ...] = ()
    highest: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """One stage that was tried: its score (0 to 1), or how it failed.

    `is_compared` and `is_judged` say that the partner's or the judge's word is in the score.
    """

    stage: int
    score: float | None = None
    failed: str = ""
    is_compared: bool = False
    is_judged: bool = False


class Step(StrEnum):
    """What to do next."""

    ASK = "ask"  # call the stage
    COMPARE = "compare"  # ask the stage's partner and compare
    JUDGE = "judge"  # ask the judge
    ACCEPT = "accept"  # give this stage's answer
    FAIL = "fail"  # nothing is good enough, or nothing answered


@dataclass(frozen=True, slots=True)
class Move:
    """A step at a stage (the stage whose answer is given, for ACCEPT), with its reason."""

    step: Step
    stage: int
    reason: str
    is_short: bool = False


def next_move(policy: Policy, plan: Plan, tried: Sequence[Tried], *, left_s: float) -> Move:
    """Return the next move; `left_s` is what is left of the deadline, in seconds."""
    if not tried:
        return Move(Step.ASK, plan.order[0], plan.reason)
    last = tried[-1]
    if last.score is None:
        return _onward(policy, plan, tried, left_s=left_s, why=f"{_name(policy, last)} failed")
    return _after_answer(policy, plan, tried, last, last.score, left_s=left_s)


def _after_answer(
    policy: Policy, plan: Plan, tried: Sequence[Tried], last: Tried, score: float, *, left_s: float
) -> Move:
    stage = policy.stages[last.stage]
    asks_always = stage.partner is not None and stage.partner_when is PartnerWhen.ALWAYS
    if score > BROKEN and asks_always and not last.is_compared and left_s > 0:
        return Move(Step.COMPARE, last.stage, "a second model is always asked here")
    if score >= stage.threshold and score > BROKEN:
        why = f"scored {score:.2f}, {stage.threshold:.2f} is asked"
        return Move(Step.ACCEPT, last.stage, why)
    if score > BROKEN and left_s > 0 and not _is_last(policy, plan, tried):
        if stage.partner is not None and not last.is_compared:
            return Move(Step.COMPARE, last.stage, f"scored {score:.2f}: a second model is asked")
        judge = policy.judge
        if judge is not None and not last.is_judged and judge.low <= score < judge.high:
            return Move(Step.JUDGE, last.stage, f"scored {score:.2f}: the judge is asked")
    why = f"{stage.name} scored {score:.2f}, {stage.threshold:.2f} is asked"
    return _onward(policy, plan, tried, left_s=left_s, why=why)


def _onward(policy: Policy, plan: Plan, tried: Sequence[Tried], *, left_s: float, why: str) -> Move:
    """Return the call of the next stage, or the end when there is none to call."""
    if not _is_last(policy, plan, tried) and left_s > 0:
        return Move(Step.ASK, plan.order[len(tried)], why)
    scored = [(each.score, each.stage) for each in tried if each.score]
    if not scored:
        return Move(Step.FAIL, tried[-1].stage, f"{why}; nothing usable came back")
    last = tried[-1]
    # The last stage's answer counts more than a weaker model's good opinion of itself.
    place = last.stage if last.score else max(scored)[1]
    short = policy.stages[place].threshold > max(
        each.score or 0.0 for each in tried if each.stage == place
    )
    is_top = place == len(policy.stages) - 1
    if short and not is_top and policy.fallback is Fallback.REFUSE:
        return Move(Step.FAIL, place, f"{why}; no answer reached its threshold")
    return Move(Step.ACCEPT, place, f"{why}; no stage is left", is_short=short and not is_top)


def _is_last(policy: Policy, plan: Plan, tried: Sequence[Tried]) -> bool:
    """Say whether no further stage may be called; a failed stage is no escalation."""
    escalations = sum(1 for each in tried if each.score is not None)
    return len(tried) >= len(plan.order) or escalations > policy.most_escalations


def _name(policy: Policy, tried: Tried) -> str:
    return f"{policy.stages[tried.stage].name} ({tried.failed})"
