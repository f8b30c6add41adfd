"""What a launch commits to, in words for people who are about to press the button."""

from __future__ import annotations

from decimal import Decimal

from billing.domain.money import in_words
from deployments.domain.options import Option
from deployments.domain.wording import months_in_words


def least_owed_usd(option: Option) -> Decimal:
    """Return the USD owed for the whole term whatever happens; 0 without a commitment."""
    return option.cost.fixed_usd * option.commitment_months


def commitment_in_words(option: Option) -> str:
    """Return what cannot be undone about a launch; empty without a commitment."""
    if not option.commitment_months:
        return ""
    return (
        f"This buys {option.size.model_units:,} model units for "
        f"{months_in_words(option.commitment_months)}. AWS lets nobody delete them before the end "
        f"of that term: about {in_words(least_owed_usd(option))} are owed at least, used or not, "
        "also when it is retired or resized sooner."
    )
