"""What another size would cost, before anybody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.domain.budgets import Consent
from billing.queries.budgets import consent
from deployments.domain.options import Option, Size
from deployments.domain.sizing import WORDS, BadSize, resized
from deployments.models import Deployment
from portal.errors import Invalid

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Resizing:
    """Another size and its price in USD a month, beside the size it has."""

    changes: str  # empty when nothing would change
    before_usd: Decimal
    after_usd: Decimal
    difference_usd: Decimal
    consent: Consent
    still_owed: str  # what the size it has goes on costing; empty when it ends with it


def resizing_of(
    *, deployment: Deployment, option: Option, size: Mapping[str, int], now: datetime
) -> Resizing:
    """Return what a resize would change and hold; nothing is kept.

    Raises Invalid for a size that cannot be.
    """
    try:
        after = resized(option=option, size=size) if size else option
    except BadSize as bad:
        raise Invalid("The size cannot be taken as it is.", fields=bad.fields) from bad
    before_usd = option.cost.expected_usd or ZERO
    after_usd = after.cost.expected_usd or ZERO
    return Resizing(
        changes=_changes(option.size, after.size),
        before_usd=before_usd,
        after_usd=after_usd,
        difference_usd=after_usd - before_usd,
        consent=consent(
            feature=deployment.feature, deployment=deployment.slug, monthly_usd=after_usd, now=now
        ),
        still_owed=_still_owed(option),
    )


def _changes(before: Size, after: Size) -> str:
    return "; ".join(
        f"{words}: {getattr(before, name):,} to {getattr(after, name):,}"
        for name, words in WORDS.items()
        if getattr(before, name) != getattr(after, name)
    )


def _still_owed(option: Option) -> str:
    if not option.commitment_months:
        return ""
    return (
        f"The {option.size.model_units:,} model units it has were bought for a term: AWS lets "
        "nobody delete them before its end, so they are paid beside the new ones until then."
    )
