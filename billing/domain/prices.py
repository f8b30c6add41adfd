"""Prices in force at a moment, and the book that holds them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

# One charge is rounded once, to a trillionth of a dollar; sums of charges are exact.
CHARGE_QUANTUM = Decimal("0.000000000001")
# Digits enough that nothing but that one rounding happens: 28 of a quantity and 24 of a price.
EXACT_DIGITS = 80


@dataclass(frozen=True, slots=True)
class Price:
    """USD for `per` units of a SKU, from a source, as of a day.

    `kind` is "list" (published), "quote" (entered by an administrator) or "estimate" (derived).
    """

    sku: str
    unit: str
    per: Decimal
    usd: Decimal
    kind: str
    source: str
    as_of: date
    is_example: bool = False
    price_id: int | None = None


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All prices of one Region in force at one moment."""

    region: str
    as_of: date
    prices: Mapping[str, Price]

    def find(self, sku: str) -> Price | None:
        """Return the price of a SKU; None when there is no public price and no quote."""
        return self.prices.get(sku)


def rate(*, quantity: Decimal, price: Price) -> Decimal:
    """Return USD for a quantity (in the price's unit), rounded once to CHARGE_QUANTUM."""
    with localcontext(prec=EXACT_DIGITS):
        return (quantity * price.usd / price.per).quantize(CHARGE_QUANTUM, ROUND_HALF_EVEN)
