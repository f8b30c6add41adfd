"""What each stage alone would have asked for the newest answers, beside what was paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from cascade.domain.policy import Policy
from cascade.domain.prices import as_usd, cost_pico
from cascade.domain.reading import read
from cascade.domain.request import Tokens
from cascade.domain.tariffs import is_hourly
from cascade.models import Attempt, Cascade, Trial
from cascade.queries.cascades import Standing
from cascade.queries.tariffs import price_table

# As many answers as a page can add up while somebody waits.
NEWEST = 1_000
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rival:
    """A stage that answers everything: its cost in USD, and what the cascade cost less."""

    stage: str
    model: str
    usd: Decimal
    saved_usd: Decimal

    @property
    def saved_share(self) -> float | None:
        """Return what the cascade saved of it; None where it costs nothing by the token."""
        return float(self.saved_usd / self.usd) if self.usd else None


@dataclass(frozen=True, slots=True)
class Beside:
    """The newest answers: what they cost, shadow calls and all, and what rivals would have.

    `by_the_hour` answers more are left out: what their stage costs is its deployment's.
    """

    requests: int
    by_the_hour: int
    usd: Decimal
    rivals: tuple[Rival, ...]
    price_version: str


def beside(*, cascade: Cascade, standing: Standing | None, now: datetime) -> Beside | None:
    """Return the stages of what is live as rivals; None when nothing is, or nothing was answered.

    A rival answers with the tokens of the answer that was given, at today's prices. Stages paid by
    the hour are left out.
    """
    if standing is None:
        return None
    answered = Trial.objects.filter(cascade=cascade, status__in=("answered", "short"))
    newest = answered.order_by("-at", "-pk")[:NEWEST]
    rows = list(newest.values_list("uuid", "stage", "usd", "shadow_usd"))
    given, by_the_hour = _given({uuid: stage for uuid, stage, *_ in rows})
    counted = [(usd + shadow) for uuid, _, usd, shadow in rows if uuid in given]
    if not counted:
        return None
    paid = sum(counted, ZERO)
    rivals, version = _rivals(read(standing.live.body), list(given.values()), paid, now)
    return Beside(len(counted), by_the_hour, paid, rivals, version)


def _given(stages: dict[UUID, str]) -> tuple[dict[UUID, Tokens], int]:
    """Return the tokens of the answer that each request was given, and how many had an hour's."""
    calls = Attempt.objects.filter(
        trial_uuid__in=list(stages), role="stage", outcome="answered"
    ).order_by("at", "pk")
    names = ("trial_uuid", "stage", "model", "input_tokens", "output_tokens", "cached_tokens")
    found: dict[UUID, Tokens] = {}
    hours = set()
    for uuid, stage, model, paid, written, cached in calls.values_list(*names):
        if stages[uuid] != stage:
            continue
        if is_hourly(model):
            hours.add(uuid)
        else:
            found[uuid] = Tokens(paid, written, cached)
    return found, len(hours)


def _rivals(
    policy: Policy, given: list[Tokens], paid: Decimal, now: datetime
) -> tuple[tuple[Rival, ...], str]:
    table = price_table(now=now)
    found = []
    for stage in reversed(policy.stages):
        tariff = table.find(stage.target.model)
        if tariff is None or tariff.is_hourly:
            continue
        usd = as_usd(sum(cost_pico(tariff, tokens) for tokens in given))
        found.append(Rival(stage.name, stage.target.model, usd, usd - paid))
    return tuple(found), table.version
