"""What would change a recommendation's choice: computed once, then remembered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.cache import cache

from billing.queries.prices import price_book
from deployments.adapters import catalog
from deployments.domain import sensitivity, turning
from deployments.domain.inplay import InPlay
from deployments.domain.options import TIER_NAMES, Option
from deployments.domain.sensitivity import Flip, PriceFlip
from deployments.models import Recommendation
from deployments.queries import advice, probes

REMEMBERED_S = 7 * 24 * 3600
ASKED_AGAIN_S = 60  # a lost message is repeated after so long


@dataclass(frozen=True, slots=True)
class Turn:
    """How far one assumption can go before the choice is another; figures are text with units.

    `after` is empty when nothing changed as far as `before`; `option_id` then too, and when nothing
    is feasible there.
    """

    lever: str
    direction: str  # up or down
    now: str
    before: str
    after: str
    option_id: str
    summary: str
    tier_name: str
    usd: Decimal | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Study:
    """The turns, those nearest to today's figures first."""

    turns: tuple[Turn, ...]
    price_rise: Decimal | None  # as a share; None when no rise changes the choice
    price_sentence: str
    note: str  # empty when it stands on the recommendation's own choice


def study_of(recommendation: Recommendation) -> Study:
    """Return the study of a recommendation at the prices and measurements of its moment."""
    kept = remembered(recommendation)
    if kept is None:
        kept = _studied(recommendation)
        cache.set(_key(recommendation), kept, REMEMBERED_S)
    return kept


def remembered(recommendation: Recommendation) -> Study | None:
    """Return the study where it was computed before; None while it is not."""
    found: Study | None = cache.get(_key(recommendation))
    return found


def is_asked_anew(recommendation: Recommendation) -> bool:
    """Say whether nobody asked for the study within the last minute, and note that one does."""
    return bool(cache.add(f"{_key(recommendation)}-asked", True, ASKED_AGAIN_S))


def _key(recommendation: Recommendation) -> str:
    return f"study-{recommendation.pk}-{recommendation.created_at:%Y%m%d%H%M%S%f}"


def _studied(recommendation: Recommendation) -> Study:
    facts, then = catalog.load(), recommendation.created_at
    workload = advice.workload_of(recommendation.workload)
    play = InPlay(
        workload=workload,
        catalog=facts,
        prices=price_book(region=workload.region, now=then),
        quotas=facts.default_quotas,
        today=then.date(),
        measured=probes.measured(region=workload.region, now=then),
    )
    price = sensitivity.price_flip(play.ranked)
    return Study(
        turns=tuple(_turn(flip) for flip in turning.order(sensitivity.flips(play))),
        price_rise=price.rise if price else None,
        price_sentence=_price_sentence(play.ranked.pick, price),
        note=_note(recommendation, play.ranked.options, play.ranked.pick),
    )


def _turn(flip: Flip) -> Turn:
    option = flip.option
    return Turn(
        lever=turning.LEVER_NAMES[flip.lever],
        direction="up" if flip.is_up else "down",
        now=turning.value(flip.lever, flip.now),
        before=turning.value(flip.lever, flip.before),
        after="" if flip.after is None else turning.value(flip.lever, flip.after),
        option_id=option.option_id if option else "",
        summary=option.summary if option else "",
        tier_name=TIER_NAMES[option.tier] if option else "",
        usd=option.cost.expected_usd if option else None,
        sentence=turning.sentence(flip),
    )


def _price_sentence(pick: str, price: PriceFlip | None) -> str:
    return turning.price_sentence(price) if pick else ""


def _note(recommendation: Recommendation, options: Any, pick: str) -> str:
    if pick == recommendation.pick:
        return ""
    now: Option | None = next((each for each in options if each.option_id == pick), None)
    named = now.summary if now else "none"
    return (
        "With what the catalogue knows now, the choice for this workload at the prices of that "
        f"day is {named}; the turns below are those of that choice. Compare again to see it."
    )
