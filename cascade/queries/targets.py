"""What a stage can call, as somebody chooses it on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from cascade.domain.prices import Tariff
from cascade.models import Cascade
from cascade.queries.tariffs import price_table, ways
from deployments.domain.options import Tier
from deployments.models import Deployment

PICO_A_USD = Decimal(10) ** 12
MODEL, DEPLOYMENT = "model", "deployment"


@dataclass(frozen=True, slots=True)
class Offered:
    """One thing to call: how a form names it, its words, and its two prices a million tokens."""

    value: str
    words: str
    input_usd: Decimal
    output_usd: Decimal
    is_hourly: bool = False

    @property
    def label(self) -> str:
        """Return its words with what it costs."""
        if self.is_hourly:
            return f"{self.words}: paid by the hour"
        prices = f"{_short(self.input_usd)} in, {_short(self.output_usd)} out USD per million"
        return f"{self.words}: {prices}"


def offered(*, cascade: Cascade, now: datetime) -> tuple[Offered, ...]:
    """Return the priced models, cheapest first, and then the team's deployments by the hour."""
    return (
        *sorted(_models(now), key=lambda each: (each.output_usd, each.words)),
        *_deployments(cascade),
    )


def _models(now: datetime) -> Iterator[Offered]:
    table, today = price_table(now=now), now.date()
    for way in ways():
        tariff, over = table.find(way.key), way.model.eol_on
        if tariff is not None and (over is None or over > today):
            words = f"{way.model.name} ({way.route.route})"
            yield Offered(f"{MODEL}:{way.key}", words, *_usd(tariff))


def _deployments(cascade: Cascade) -> Iterator[Offered]:
    rows = Deployment.objects.filter(
        feature__team=cascade.feature.team_id,
        is_wanted=True,
        current__tier__in=(Tier.SAGEMAKER_REAL_TIME.value, Tier.BEDROCK_PROVISIONED.value),
    ).select_related("current")
    for row in rows.order_by("slug"):
        words = f"{row.slug}, {row.current.model}" if row.current else row.slug
        yield Offered(f"{DEPLOYMENT}:{row.slug}", words, Decimal(0), Decimal(0), is_hourly=True)


def _usd(tariff: Tariff) -> tuple[Decimal, Decimal]:
    return Decimal(tariff.input) / PICO_A_USD, Decimal(tariff.output) / PICO_A_USD


def _short(usd: Decimal) -> str:
    return f"{usd.normalize():f}"


def value_of(target: Mapping[str, Any] | None) -> str:
    """Return how a form names a policy's target; empty for none."""
    if not target:
        return ""
    if target.get("deployment"):
        return f"{DEPLOYMENT}:{target['deployment']}"
    return f"{MODEL}:{target['address']}"


def target_of(value: str) -> dict[str, Any] | None:
    """Return the target a form's choice stands for, as policies write it; None for none.

    A deployment's kind and address are filled in when the policy is saved.
    """
    kind, _, name = value.partition(":")
    if not name:
        return None
    if kind == DEPLOYMENT:
        return {"kind": "sagemaker", "model": name, "address": name, "deployment": name}
    return {"kind": "bedrock", "model": name, "address": name}


def words_of(found: Sequence[Offered], target: Mapping[str, Any]) -> str:
    """Return a target in words."""
    value = value_of(target)
    return next((each.words for each in found if each.value == value), target.get("model", ""))
