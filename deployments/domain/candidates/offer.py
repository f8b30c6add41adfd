"""An option out of what a tier says of itself: priced and judged in one place. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deployments.domain import cost
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.options import Capacity, Check, Latency, Option, Size, Tier


@dataclass(frozen=True, slots=True)
class Offer:
    """What a tier offers, before its price; `name` follows the tier and the model in the id."""

    tier: Tier
    model: str
    name: str
    size: Size
    drafts: Sequence[cost.Draft]
    assumptions: tuple[str, ...]
    latency: Latency
    capacity: Capacity
    checks: tuple[Check, ...]
    summary: str
    burden: int
    invoke_id: str = ""
    scales_to_zero: bool = False
    commitment_months: int = 0
    notes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


def priced(offer: Offer, question: Question) -> Option:
    """Return the option with its tariff lines at the day's prices, and its verdict."""
    found = cost.price(
        offer.drafts,
        prices=question.prices,
        assumptions=(*offer.assumptions, *question.workload.assumptions),
    )
    return Option(
        option_id=f"{offer.tier}/{offer.model}/{offer.name}",
        tier=offer.tier,
        model=offer.model,
        invoke_id=offer.invoke_id,
        size=offer.size,
        cost=found,
        latency=offer.latency,
        capacity=offer.capacity,
        checks=offer.checks,
        verdict=verdict(offer.checks, found),
        scales_to_zero=offer.scales_to_zero,
        burden=offer.burden,
        commitment_months=offer.commitment_months,
        summary=offer.summary,
        notes=offer.notes,
        extra=offer.extra,
    )
