"""What one unit of work came to: money spent over what was metered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.domain import skus
from billing.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity of one SKU and the USD it came to."""

    sku: str
    quantity: Decimal
    usd: Decimal

    @property
    def unit(self) -> skus.Unit:
        """Return what it is counted in."""
        return skus.unit_of(self.sku)

    @property
    def label(self) -> str:
        """Return the SKU in words."""
        return skus.label_of(self.sku)


@dataclass(frozen=True, slots=True)
class UnitCost:
    """`usd` for one `of`, with the sentence that says what was divided by what."""

    usd: Decimal
    of: str
    basis: str


def unit_costs(lines: Iterable[Line]) -> tuple[UnitCost, ...]:
    """Return USD per 1,000 requests, per million tokens and per hour, where these were metered.

    All of the deployment's money is divided, whatever it was spent on.
    """
    held = tuple(lines)
    usd = sum((line.usd for line in held), ZERO)
    asked = (
        (skus.REQUESTS, Decimal(1000), "1,000 requests", "requests"),
        (skus.TOKENS, Decimal(1_000_000), "a million tokens", "tokens"),
        (skus.SECONDS, Decimal(3600), "an hour of an instance or model unit", "seconds"),
    )
    return tuple(
        UnitCost(usd * per / quantity, of, f"{usd:,.2f} USD over {quantity:,.0f} {words}")
        for unit, per, of, words in asked
        if (quantity := sum((line.quantity for line in held if line.unit == unit), ZERO)) > 0
    )
