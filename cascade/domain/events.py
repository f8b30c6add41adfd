"""What the gateway tells about each attempt and each request, as it travels in the stream. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cascade.domain.event_fields import INT, MOST_PICO, SMALL, Fields, Undecodable
from cascade.domain.packing import packed
from cascade.domain.prices import as_micro
from cascade.domain.request import Tokens
from cascade.domain.scopes import month_of_us, names_of

# A text of a trial (prompt or answer) is kept up to this many characters.
LONGEST_TEXT = 8_000
ROLES = ("stage", "partner", "judge", "classifier", "shadow")
OUTCOMES = ("answered", "failed", "lost", "cancelled")
STATUSES = ("answered", "short", "failed", "refused", "cancelled")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a model: who asked, what came, and what it cost.

    `at_us` is the moment its money was held, in microseconds since 1970: it decides the month.
    """

    id: UUID
    trial: UUID
    at_us: int
    cascade: int
    feature: int
    team: int
    key: str
    policy: int
    number: int
    role: str
    stage: str
    model: str
    outcome: str
    tokens: Tokens
    pico: int
    price_version: str
    deployment: str = ""
    trouble: str = ""
    latency_ms: int = 0

    @property
    def micro(self) -> int:
        """Return what the counters are charged: micro-dollars, rounded up."""
        return as_micro(self.pico)

    @property
    def month(self) -> str:
        """Return the month it counts in, as in `2026-11`."""
        return month_of_us(self.at_us)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the names of those who pay for it."""
        return names_of(key=self.key, feature=self.feature, team=self.team)


@dataclass(frozen=True, slots=True)
class Trial:
    """One request of a client with its whole decision; costs in pico-dollars.

    `pico` is the sum of its attempts that are not shadow calls; `baseline_pico` what the strongest
    stage's model would have cost. `stage` is the one that answered, empty when none did.
    """

    id: UUID
    at_us: int
    cascade: int
    feature: int
    team: int
    key: str
    policy: int
    status: str
    http: int
    stage: str = ""
    is_canary: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)
    tried: tuple[Mapping[str, Any], ...] = ()
    prompt: str = ""
    answer: str = ""
    is_streamed: bool = False
    first_token_ms: int | None = None
    latency_ms: int = 0
    overhead_ms: float = 0.0
    escalations: int = 0
    pico: int = 0
    shadow_pico: int = 0
    baseline_model: str = ""
    baseline_pico: int = 0
    intent: str = ""


def encode(event: Attempt | Trial) -> bytes:
    """Return an event as one JSON object."""
    body = _attempt_body(event) if isinstance(event, Attempt) else _trial_body(event)
    return packed(body)


def decode(raw: bytes) -> Attempt | Trial:
    """Return the event that an entry holds. Raises Undecodable."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as fault:
        raise Undecodable(f"It is not JSON: {fault}") from fault
    if not isinstance(body, dict):
        raise Undecodable("It is not a JSON object.")
    match body.get("kind"):
        case "attempt":
            return _attempt(Fields(body))
        case "trial":
            return _trial(Fields(body))
        case kind:
            raise Undecodable(f"Its kind is {str(kind)[:40]!r}, not attempt or trial.")


def _attempt_body(event: Attempt) -> dict[str, Any]:
    return {
        "kind": "attempt",
        "id": str(event.id),
        "trial": str(event.trial),
        "at": event.at_us,
        "cascade": event.cascade,
        "feature": event.feature,
        "team": event.team,
        "key": event.key,
        "policy": event.policy,
        "number": event.number,
        "role": event.role,
        "stage": event.stage,
        "model": event.model,
        "deployment": event.deployment,
        "outcome": event.outcome,
        "trouble": event.trouble,
        "in": event.tokens.input,
        "out": event.tokens.output,
        "cached": event.tokens.cached,
        "pico": event.pico,
        "micro": event.micro,
        "latency_ms": event.latency_ms,
        "price_version": event.price_version,
    }


def _trial_body(event: Trial) -> dict[str, Any]:
    return {
        "kind": "trial",
        "id": str(event.id),
        "at": event.at_us,
        "cascade": event.cascade,
        "feature": event.feature,
        "team": event.team,
        "key": event.key,
        "policy": event.policy,
        "canary": event.is_canary,
        "status": event.status,
        "http": event.http,
        "stage": event.stage,
        "plan": dict(event.plan),
        "tried": [dict(each) for each in event.tried],
        "prompt": event.prompt[:LONGEST_TEXT],
        "answer": event.answer[:LONGEST_TEXT],
        "streamed": event.is_streamed,
        "first_token_ms": event.first_token_ms,
        "latency_ms": event.latency_ms,
        "overhead_ms": event.overhead_ms,
        "escalations": event.escalations,
        "pico": event.pico,
        "shadow_pico": event.shadow_pico,
        "baseline_model": event.baseline_model,
        "baseline_pico": event.baseline_pico,
        "intent": event.intent,
    }


def _attempt(read: Fields) -> Attempt:
    tokens = Tokens(input=read.whole("in"), output=read.whole("out"), cached=read.whole("cached"))
    if tokens.cached > tokens.input:
        raise Undecodable("cached: more tokens came from the cache than there were.")
    found = Attempt(
        id=read.uuid("id"),
        trial=read.uuid("trial"),
        at_us=read.moment("at"),
        cascade=read.whole("cascade"),
        feature=read.whole("feature"),
        team=read.whole("team"),
        key=read.name("key", longest=12),
        policy=read.whole("policy", most=INT),
        number=read.whole("number", most=SMALL),
        role=read.word("role", ROLES),
        stage=read.name("stage", longest=40),
        model=read.name("model", longest=120),
        deployment=read.name("deployment", longest=63),
        outcome=read.word("outcome", OUTCOMES),
        trouble=read.text("trouble", longest=40),
        tokens=tokens,
        pico=read.whole("pico", most=MOST_PICO),
        latency_ms=read.rounded("latency_ms"),
        price_version=read.name("price_version", longest=64),
    )
    if read.whole("micro") != found.micro:
        raise Undecodable("Its micro-dollars are not its pico-dollars rounded up.")
    return found


def _trial(read: Fields) -> Trial:
    has_first = read.body.get("first_token_ms") is not None
    return Trial(
        id=read.uuid("id"),
        at_us=read.moment("at"),
        cascade=read.whole("cascade"),
        feature=read.whole("feature"),
        team=read.whole("team"),
        key=read.name("key", longest=12),
        policy=read.whole("policy", most=INT),
        is_canary=bool(read.body.get("canary")),
        status=read.word("status", STATUSES),
        http=read.whole("http", most=999),
        stage=read.name("stage", longest=40),
        plan=read.mapping("plan"),
        tried=read.mappings("tried"),
        prompt=read.text("prompt", longest=LONGEST_TEXT),
        answer=read.text("answer", longest=LONGEST_TEXT),
        is_streamed=bool(read.body.get("streamed")),
        first_token_ms=read.rounded("first_token_ms") if has_first else None,
        latency_ms=read.rounded("latency_ms"),
        overhead_ms=read.number("overhead_ms"),
        escalations=read.whole("escalations", most=SMALL),
        pico=read.whole("pico", most=MOST_PICO),
        shadow_pico=read.whole("shadow_pico", most=MOST_PICO),
        baseline_model=read.name("baseline_model", longest=120),
        baseline_pico=read.whole("baseline_pico", most=MOST_PICO),
        intent=read.text("intent", longest=250),
    )
