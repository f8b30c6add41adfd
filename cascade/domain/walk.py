"""The one state machine of a request through a cascade; live and replay walk it alike. Pure.

A plan says which stages are tried in which order. After everything that happens, `next_move` looks
at what was tried and says the next thing to do, until it accepts an answer or gives up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cascade.domain.gate.assessing import REFUSED
from cascade.domain.policy import Fallback, PartnerWhen, Policy

# What no judge may save: an answer that is broken.
BROKEN = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in the order in which they are tried, and why.

    `p_right` holds P(right) by stage before any call, empty when nothing looked at the request.
    `highest` is the highest stage that money allows. `enough` holds by stage the score from which
    on no later stage is likelier right by enough to be worth its money; empty: thresholds alone.
    """

    order: tuple[int, ...]
    reason: str
    p_right: tuple[float, ...] = ()
    highest: int = 0
    enough: tuple[float, ...] = ()


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


def opinions(policy: Policy, tried: Sequence[Tried], *, place: int) -> tuple[int, ...]:
    """Return the stages whose answers speak for or against the next one's, which is `place`'s.

    What is broken or refuses says nothing about another answer; the last stage's is given anyway.
    """
    if place == len(policy.stages) - 1:
        return ()
    return tuple(each.stage for each in tried if each.score is not None and each.score > REFUSED)


def _after_answer(
    policy: Policy, plan: Plan, tried: Sequence[Tried], last: Tried, score: float, *, left_s: float
) -> Move:
    stage = policy.stages[last.stage]
    if score > BROKEN and left_s > 0 and last.stage < len(policy.stages) - 1:
        doubt = _doubt(policy, last, score, can_go_on=not _is_last(policy, plan, tried))
        if doubt is not None:
            return doubt
    if score >= stage.threshold and score > BROKEN:
        why = f"scored {score:.2f}, {stage.threshold:.2f} is asked"
        return Move(Step.ACCEPT, last.stage, why)
    if plan.enough and score >= plan.enough[last.stage] and score > BROKEN:
        why = f"scored {score:.2f}, and no stage above is likelier right by what it costs"
        return Move(Step.ACCEPT, last.stage, why, is_short=True)
    why = f"{stage.name} scored {score:.2f}, {stage.threshold:.2f} is asked"
    return _onward(policy, plan, tried, left_s=left_s, why=why)


def _doubt(policy: Policy, last: Tried, score: float, *, can_go_on: bool) -> Move | None:
    """Return whom to ask about an answer before it is decided; None when nobody would help.

    The top stage's answer is given whatever anybody says of it, so nobody is paid to speak.
    """
    stage = policy.stages[last.stage]
    if stage.partner is not None and not last.is_compared:
        if stage.partner_when is PartnerWhen.ALWAYS:
            return Move(Step.COMPARE, last.stage, "a second model is always asked here")
        if can_go_on and score < stage.threshold:
            return Move(Step.COMPARE, last.stage, f"scored {score:.2f}: a second model is asked")
    judge = policy.judge
    if judge is not None and can_go_on and not last.is_judged and judge.low <= score < judge.high:
        return Move(Step.JUDGE, last.stage, f"scored {score:.2f}: the judge is asked")
    return None


def _onward(policy: Policy, plan: Plan, tried: Sequence[Tried], *, left_s: float, why: str) -> Move:
    """Return the call of the next stage, or the end when there is none to call."""
    if left_s > 0:
        if not _is_last(policy, plan, tried):
            return Move(Step.ASK, plan.order[len(tried)], why)
        rescue = _rescue(policy, plan, tried)
        if rescue is not None:
            return Move(Step.ASK, rescue, f"{why}; another stage stands in")
    scored = [(each.score, each.stage) for each in tried if each.score]
    if not scored:
        return Move(Step.FAIL, tried[-1].stage, f"{why}; nothing usable came back")
    last = tried[-1]
    # The last stage's answer counts more than a weaker model's good opinion of itself.
    place = last.stage if last.score else max(scored)[1]
    best = max(each.score or BROKEN for each in tried if each.stage == place)
    is_short = place < len(policy.stages) - 1 and best < policy.stages[place].threshold
    if is_short and policy.fallback is Fallback.REFUSE:
        return Move(Step.FAIL, place, f"{why}; no answer reached its threshold")
    return Move(Step.ACCEPT, place, f"{why}; no stage is left", is_short=is_short)


def _rescue(policy: Policy, plan: Plan, tried: Sequence[Tried]) -> int | None:
    """Return the strongest untried stage that money allows when the last planned one failed.

    A plan skips stages to save; that must not leave a request without an answer.
    """
    if tried[-1].score is not None or _escalations(tried) > policy.most_escalations:
        return None
    untried = set(range(plan.highest + 1)) - {each.stage for each in tried}
    return max(untried, default=None)


def _is_last(policy: Policy, plan: Plan, tried: Sequence[Tried]) -> bool:
    """Say whether no further stage may be called; a failed stage is no escalation."""
    return len(tried) >= len(plan.order) or _escalations(tried) > policy.most_escalations


def _escalations(tried: Sequence[Tried]) -> int:
    """Count the stages that answered: asking one more is an escalation."""
    return sum(1 for each in tried if each.score is not None)


def _name(policy: Policy, tried: Tried) -> str:
    return f"{policy.stages[tried.stage].name} ({tried.failed})"
