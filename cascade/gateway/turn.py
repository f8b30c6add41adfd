"""One request on its way: what is known of it, what was tried, and what it cost so far."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from cascade.domain.events import LONGEST_TEXT, Attempt, Trial
from cascade.domain.gate.agreement import Agreement
from cascade.domain.gate.assessing import Verdict
from cascade.domain.hashing import Remembered
from cascade.domain.policy import Policy
from cascade.domain.prices import cost_pico
from cascade.domain.request import Answer, Chat
from cascade.domain.scopes import ScopeLimit, limits_of
from cascade.domain.walk import Plan, Tried
from cascade.gateway.snapshot import Cascade, Key, Snapshot, Version

# A token is rarely shorter than four letters; only what nobody counted is guessed with it.
LETTERS_A_TOKEN = 4
FRAME_TOKENS = 20
TOOLS_TOKENS = 600
IMAGE_TOKENS = 3_000


@dataclass(slots=True)
class Turn:
    """A request: `at_us` since 1970, `began_s` and `waited_s` (for models) of a monotonic clock."""

    uuid: UUID
    at_us: int
    began_s: float
    snapshot: Snapshot
    cascade: Cascade
    version: Version
    key: Key
    chat: Chat
    is_canary: bool = False
    is_streamed: bool = False
    may_replace: bool = False
    plan: Plan = field(default_factory=lambda: Plan((0,), ""))
    tried: list[Tried] = field(default_factory=list)
    looks: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    made: list[Attempt] = field(default_factory=list)
    waited_s: float = 0.0
    first_token_ms: int | None = None
    status: str = "failed"
    http: int = 500
    stage: int | None = None
    admission: Awaitable[None] | None = None
    is_let_in: bool = True
    read: Remembered = field(default_factory=Remembered)

    async def admitted(self) -> None:
        """Return when its key's rates let it in. Raises Refused."""
        asked, self.admission = self.admission, None
        if asked is not None:
            await asked

    @property
    def policy(self) -> Policy:
        """Return the policy it is answered by."""
        return self.version.policy

    @property
    def scopes(self) -> tuple[ScopeLimit, ...]:
        """Return who pays, each with its monthly limit."""
        limits: Mapping[str, int | None] = {
            **self.cascade.limits,
            f"key:{self.key.prefix}": self.key.monthly_micro,
        }
        return limits_of(
            key=self.key.prefix,
            feature=self.cascade.feature_id,
            team=self.cascade.team_id,
            limits=limits,
        )

    @property
    def left_s(self) -> float:
        """Return what is left of its deadline."""
        return self.policy.deadline_s - (time.monotonic() - self.began_s)

    @property
    def pico(self) -> int:
        """Return what its attempts cost, shadow calls left out."""
        return sum(each.pico for each in self.made if each.role != "shadow")

    @property
    def attempts(self) -> int:
        """Return how many calls of models it took."""
        return sum(1 for each in self.made if each.role != "shadow")

    def baseline(self) -> tuple[str, int]:
        """Return the strongest stage's model, and what its answer would have cost, in pico-USD.

        For the prompt as the answering model counted it and an answer of the same length.
        """
        model = self.policy.stages[-1].target.model
        tariff = self.snapshot.prices.find(model)
        answer = self.answers.get(self.stage) if self.stage is not None else None
        if tariff is None or answer is None:
            return model, 0
        # What came from a prompt cache would have come from one there too.
        return model, cost_pico(tariff, answer.tokens)

    @property
    def escalations(self) -> int:
        """Return how many answers were followed by another stage; a failed call is none."""
        return sum(1 for each in self.tried[:-1] if each.score is not None)

    def overhead_ms(self, now_s: float) -> float:
        """Return the gateway's own part of the time so far."""
        return max(0.0, (now_s - self.began_s - self.waited_s) * 1000)

    def attempt(self, **known: Any) -> Attempt:
        """Return an attempt of this request with what every attempt of it shares."""
        return Attempt(
            trial=self.uuid,
            cascade=self.cascade.cascade_id,
            feature=self.cascade.feature_id,
            team=self.cascade.team_id,
            key=self.key.prefix,
            policy=self.version.number,
            number=len(self.made) + 1,
            price_version=self.snapshot.prices.version,
            **known,
        )

    def trial(self, now_s: float) -> Trial:
        """Return the request as it is logged."""
        model, baseline = self.baseline()
        answer = self.answers.get(self.stage) if self.stage is not None else None
        logs = self.policy.logs_text
        names = [stage.name for stage in self.policy.stages]
        return Trial(
            id=self.uuid,
            at_us=self.at_us,
            cascade=self.cascade.cascade_id,
            feature=self.cascade.feature_id,
            team=self.cascade.team_id,
            key=self.key.prefix,
            policy=self.version.number,
            status=self.status,
            http=self.http,
            stage="" if self.stage is None else names[self.stage],
            is_canary=self.is_canary,
            plan={
                "order": [names[at] for at in self.plan.order],
                "reason": self.plan.reason,
                "p_right": [round(each, 4) for each in self.plan.p_right],
                "highest": names[min(self.plan.highest, len(names) - 1)],
            },
            tried=tuple(self.looks),
            prompt=clean(self.chat.question or self.chat.text) if logs else "",
            answer=clean(said(answer)) if logs and answer is not None else "",
            is_streamed=self.is_streamed,
            first_token_ms=self.first_token_ms,
            latency_ms=round((now_s - self.began_s) * 1000),
            overhead_ms=round(self.overhead_ms(now_s), 3),
            escalations=self.escalations,
            pico=self.pico,
            shadow_pico=sum(each.pico for each in self.made if each.role == "shadow"),
            baseline_model=model,
            baseline_pico=baseline,
        )


def said(answer: Answer) -> str:
    """Return an answer as one text, its tool calls written out."""
    calls = (f"{call.name}({call.arguments})" for call in answer.tool_calls)
    return "\n".join(part for part in (answer.text, *calls) if part)


def clean(text: str) -> str:
    """Return a text as the log keeps it: without NUL, and cut."""
    return text[:LONGEST_TEXT].replace("\x00", "\ufffd")


def likely_tokens(chat: Chat) -> int:
    """Return about how many tokens a chat has, for what nobody counted."""
    letters = sum(len(message.text) for message in chat.messages)
    letters += sum(len(str(tool.schema)) + len(tool.description) for tool in chat.tools)
    return letters // LETTERS_A_TOKEN + FRAME_TOKENS


def most_tokens(chat: Chat) -> int:
    """Return how many tokens a chat has at most: no token is shorter than one byte."""
    count = 0
    for message in chat.messages:
        count += FRAME_TOKENS
        for part in message.parts:
            count += IMAGE_TOKENS if part.is_image else _bytes(part.text)
        count += sum(_bytes(call.arguments) + FRAME_TOKENS for call in message.tool_calls)
    for tool in chat.tools:
        count += TOOLS_TOKENS + _bytes(tool.description) + _bytes(str(tool.schema))
    return count + (0 if chat.schema is None else _bytes(str(chat.schema)) + TOOLS_TOKENS)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def limited(chat: Chat, *, stage_most: int, key_most: int | None) -> Chat:
    """Return the chat with the smallest of the limits that client, stage and key set."""
    limits = (chat.max_output_tokens, stage_most, key_most)
    return replace(chat, max_output_tokens=min(each for each in limits if each is not None))


def agreements(found: Mapping[str, Agreement]) -> dict[str, list[Any]]:
    """Return what the log keeps of how alike answers are, by stage."""
    return {name: [round(each.degree, 4), str(each.kind)] for name, each in found.items()}


def looked(stage: str, verdict: Verdict | None, failed: str) -> dict[str, Any]:
    """Return what the log keeps of a stage: its score, what spoke against it, or how it failed."""
    findings: list[Mapping[str, str]] = []
    score = None
    if verdict is not None:
        score = round(verdict.p_good, 4)
        findings = [{"rule": each.rule, "words": each.words} for each in verdict.findings]
    return {"stage": stage, "score": score, "findings": findings, "failed": failed}
