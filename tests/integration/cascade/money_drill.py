"""A pretend gateway: attempts and requests at today's prices, told to a real stream."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum

from billing.models import Charge, SpendDay
from cascade.adapters.counters import Counters
from cascade.adapters.stream import Stream
from cascade.domain.booking import EPOCH
from cascade.domain.events import Attempt, Trial, encode
from cascade.domain.prices import PriceTable, as_usd, cost_pico
from cascade.domain.request import Tokens
from cascade.domain.scopes import Hold, limits_of, names_of
from cascade.models import Attempt as AttemptRow
from cascade.models import Cascade, CascadeHour, ScopeMonth, StageHour
from cascade.models import Trial as TrialRow
from cascade.queries.tariffs import price_table
from portal.models import Feature

KEY = "ab12cd34"
# Cheap, middle, strong with a dearer price for long prompts, and one paid by the hour.
STAGES = (
    ("small", "us.amazon.nova-micro-v1:0"),
    ("medium", "us.amazon.nova-pro-v1:0"),
    ("large", "global.anthropic.claude-haiku-5-5"),
    ("own", "llama@hourly"),
)


@dataclass(slots=True)
class Gateway:
    """Makes requests of a cascade; everything random comes from `dice`."""

    cascade: Cascade
    prices: PriceTable
    dice: random.Random
    now: datetime
    attempts: list[Attempt] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    def request(self) -> tuple[list[Attempt], Trial]:
        """Make a request that tries one to three stages, sometimes with a judge or a shadow."""
        at = self.now - timedelta(seconds=self.dice.random() * 7000)
        trial = self._uuid()
        tried = self.dice.randint(1, 3)
        made = [self._attempt(trial, at, number, "stage") for number in range(1, tried + 1)]
        for role in ("judge", "shadow"):
            if self.dice.random() < 0.2:
                made.append(self._attempt(trial, at, len(made) + 1, role))
        pico = sum(each.pico for each in made if each.role != "shadow")
        told = Trial(
            id=trial,
            at_us=made[0].at_us,
            cascade=self.cascade.pk,
            feature=self.cascade.feature_id,
            team=self.cascade.feature.team_id,
            key=KEY,
            policy=1,
            status=self.dice.choice(("answered", "answered", "short", "failed")),
            http=200,
            stage=made[tried - 1].stage,
            tried=tuple({"stage": each.stage, "score": 0.5} for each in made[:tried]),
            prompt="How do I reset my password? \x00 \ud83d",
            escalations=tried - 1,
            latency_ms=self.dice.randint(1, 5000),
            first_token_ms=self.dice.choice((None, 120)),
            pico=pico,
            shadow_pico=sum(each.pico for each in made if each.role == "shadow"),
            baseline_model=STAGES[2][1],
            baseline_pico=pico * 3,
        )
        self.attempts += made
        self.trials.append(told)
        return made, told

    def _uuid(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)

    def _attempt(self, trial: UUID, at: datetime, number: int, role: str) -> Attempt:
        stage, model = self.dice.choice(STAGES)
        is_long = self.dice.random() < 0.2
        tokens = self.dice.randint(100_001, 300_000) if is_long else self.dice.randint(1, 9_000)
        used = Tokens(
            input=tokens,
            output=self.dice.randint(0, 2_000),
            cached=self.dice.choice((0, 0, self.dice.randint(0, tokens))),
        )
        tariff = self.prices.find(model)
        assert tariff is not None, model
        return Attempt(
            id=self._uuid(),
            trial=trial,
            at_us=(at - EPOCH) // timedelta(microseconds=1),
            cascade=self.cascade.pk,
            feature=self.cascade.feature_id,
            team=self.cascade.feature.team_id,
            key=KEY,
            policy=1,
            number=number,
            role=role,
            stage=stage,
            model=model,
            deployment="own-production" if tariff.is_hourly else "",
            outcome=self.dice.choice(("answered", "answered", "cancelled")),
            tokens=used,
            pico=cost_pico(tariff, used),
            price_version=self.prices.version,
        )


def gateway(feature: Feature, *, now: datetime, seed: int = 1) -> Gateway:
    """Return a gateway of a new cascade of a feature; prices must be loaded."""
    cascade = Cascade.objects.create(
        feature=feature,
        environment="production",
        slug=f"{feature.slug}-cascade",
        created_at=now,
    )
    prices = price_table(now=now, also=[STAGES[3][1]])
    return Gateway(cascade, prices, random.Random(seed), now)


def tell(url: str, events: Iterable[Attempt | Trial | bytes]) -> None:
    """Put events into the stream and the counters as a gateway does."""

    async def whole() -> None:
        counters = Counters(url)
        await counters.begin()
        for event in events:
            if isinstance(event, Attempt):
                await _spend(counters, event)
            else:
                raw = event if isinstance(event, bytes) else encode(event)
                await counters.append(event=raw)
        await counters.close()

    asyncio.run(whole())


async def _spend(counters: Counters, attempt: Attempt) -> None:
    """Hold the double, then settle."""
    named = {"key": attempt.key, "feature": attempt.feature, "team": attempt.team}
    hold = Hold(
        hold_id=str(attempt.id),
        scopes=limits_of(**named, limits={}),
        micro=2 * attempt.micro,
        expires_s=60,
        on_loss=encode(lost(attempt)),
    )
    assert (await counters.reserve(hold=hold)).is_granted
    assert await counters.settle(
        hold_id=hold.hold_id, scopes=names_of(**named), micro=attempt.micro, event=encode(attempt)
    )


def lost(attempt: Attempt) -> Attempt:
    """Return what is booked when nobody settles: nothing but one micro-dollar's worth."""
    return replace(attempt, outcome="lost", tokens=Tokens(), pico=0)


def requests(made: Gateway, count: int) -> list[Attempt | Trial]:
    """Return the events of some requests, attempts before their trials."""
    events: list[Attempt | Trial] = []
    for _ in range(count):
        attempts, trial = made.request()
        events += [*attempts, trial]
    return events


def usd_of(attempts: Sequence[Attempt]) -> Decimal:
    """Return what attempts cost, exact."""
    return as_usd(sum(each.pico for each in attempts))


def total(table: Any, *columns: str) -> Decimal:
    """Return the sum of columns over a table."""
    found = table.objects.aggregate(**{f"{name}_": Sum(name) for name in columns})
    return sum((value or Decimal(0) for value in found.values()), Decimal(0))


def sums() -> dict[str, Decimal]:
    """Return what each table that holds the money adds up to, in USD."""
    return {
        "attempts": total(AttemptRow, "usd"),
        "requests": total(TrialRow, "usd", "shadow_usd"),
        "stages": total(StageHour, "usd"),
        "cascades": total(CascadeHour, "usd", "shadow_usd"),
        "charges": total(Charge, "usd"),
        "days": total(SpendDay, "usd"),
    }


def spent(url: str, month: str = "2026-11") -> dict[str, int]:
    """Return the counters of a month."""
    stream = Stream(url)
    try:
        found = stream.server.hgetall(f"cascade:spent:{month}")
    finally:
        stream.close()
    return {name.decode(): int(micro) for name, micro in found.items()}


def charged() -> dict[str, int]:
    """Return the rows of the month that counters are made of."""
    return dict(ScopeMonth.objects.values_list("scope", "micro"))


def raw(event: Attempt | Trial, **change: Any) -> bytes:
    """Return an event as JSON with fields changed."""
    return json.dumps({**json.loads(encode(event)), **change}).encode()
