"""One answer's verdict: from the rules, a scorer, a second model and a judge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cascade.domain.gate import prior, rules
from cascade.domain.gate.agreement import Agreement
from cascade.domain.gate.findings import Finding
from cascade.domain.gate.judge import JudgeReply
from cascade.domain.gate.scorer import Scorer, chance
from cascade.domain.hashing import Read, features
from cascade.domain.request import Answer, Chat

BROKEN = 0.0
# A refusal is an answer: the last stage may give it. No cheaper one may, whoever speaks for it.
REFUSED = 0.02
# What is neither broken nor refuses scores more than that, whoever speaks against it.
LEAST = 0.021
# How much of the log-odds the judge decides; the rest stays with rules and scorer.
JUDGE_SHARE = 0.6

_CLOSE = 1e-3
_SURE = 0.02


@dataclass(frozen=True, slots=True)
class Verdict:
    """P(good), 0 to 1, and what led to it; 0 means that nobody can use the answer."""

    p_good: float
    findings: tuple[Finding, ...] = ()

    @property
    def is_final(self) -> bool:
        """Say whether nothing said later can lift it: the answer is broken or refuses."""
        return any(one.is_fatal or one.rule == "refusal" for one in self.findings)


def assess(
    chat: Chat, answer: Answer, *, scorer: Scorer | None = None, read: Read = features
) -> Verdict:
    """Return how likely an answer is good; by hand-set weights when no scorer is trained.

    What is broken (no JSON where a schema was asked, an invalid tool call, cut, empty) gets 0.
    """
    findings = rules.look(chat, answer)
    if any(one.is_fatal for one in findings):
        return Verdict(BROKEN, findings)
    if any(one.rule == "refusal" for one in findings):
        return Verdict(REFUSED, findings)
    if scorer is None:
        return Verdict(max(prior.chance(findings), LEAST), findings)
    found = chance(scorer, chat, answer, findings=findings, read=read)
    return Verdict(max(found, LEAST), findings)


def prefix(chat: Chat, text_so_far: str) -> Verdict:
    """Return how good the first sentence of a stream seems; what is not yet there is not missed."""
    findings = rules.look_at_beginning(chat, text_so_far)
    if any(one.is_fatal for one in findings):
        return Verdict(BROKEN, findings)
    if any(one.rule == "refusal" for one in findings):
        return Verdict(REFUSED, findings)
    return Verdict(prior.chance(findings), findings)


def with_agreement(
    verdict: Verdict, agreement: Agreement, *, who: str = "A second model"
) -> Verdict:
    """Return a verdict after a second model answered; a broken answer stays broken."""
    found = Finding("agreement", agreement.told(who), amount=agreement.degree)
    findings = (*verdict.findings, found)
    if verdict.is_final:
        return Verdict(verdict.p_good, findings)
    return Verdict(_chance(_log_odds(verdict.p_good) + agreement.evidence), findings)


def with_earlier(verdict: Verdict, agreements: Mapping[str, Agreement]) -> Verdict:
    """Return a verdict beside what earlier stages (by name) said; who is most alike counts."""
    if not agreements:
        return verdict
    stage, closest = max(agreements.items(), key=lambda each: each[1].evidence)
    return with_agreement(verdict, closest, who=f"Stage {stage}")


def with_judgement(verdict: Verdict, reply: JudgeReply) -> Verdict:
    """Return a verdict after a judge spoke; a reply without a score moves nothing."""
    if reply.score is None:
        found = Finding("judge", f"The judge's reply was not used. {reply.reason}", amount=0.0)
        return Verdict(verdict.p_good, (*verdict.findings, found))
    findings = (*verdict.findings, Finding("judge", reply.reason, amount=reply.score))
    if verdict.is_final:
        return Verdict(verdict.p_good, findings)
    judged = _log_odds(min(max(reply.score, _SURE), 1 - _SURE))
    odds = JUDGE_SHARE * judged + (1 - JUDGE_SHARE) * _log_odds(verdict.p_good)
    return Verdict(_chance(odds), findings)


def _log_odds(share: float) -> float:
    held = min(max(share, _CLOSE), 1 - _CLOSE)
    return math.log(held / (1 - held))


def _chance(odds: float) -> float:
    return max(1 / (1 + math.exp(-odds)), LEAST)
