"""An option's tariff lines in the units that people use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.domain.money import exact
from deployments.domain.options import Option, TariffLine

# A tariff line's unit as people say it: its name, and how many of ours one of it is.
UNITS: Mapping[str, tuple[str, Decimal, str]] = {
    "second": ("hours", Decimal(3600), "an hour"),
    "token": ("tokens", Decimal(1), "per million"),
    "request": ("requests", Decimal(1), "per million"),
    "gb-second": ("GB-seconds", Decimal(1), "each"),
    "gb": ("GB", Decimal(1), "each"),
}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A tariff line in the units people use."""

    label: str
    sku: str
    quantity: Decimal
    unit: str
    price: str
    usd: Decimal | None
    kind: str
    source: str
    as_of: date | None
    is_example: bool
    is_fixed: bool


def shown_lines(option: Option) -> tuple[ShownLine, ...]:
    """Return an option's tariff lines in hours and millions, with exact prices."""
    return tuple(_shown(line) for line in option.cost.lines)


def _shown(line: TariffLine) -> ShownLine:
    unit, size, per = UNITS.get(line.unit, (line.unit, Decimal(1), f"per {line.per:f}"))
    price = "no price" if line.unit_usd is None else f"{exact(line.unit_usd)} USD {per}"
    return ShownLine(
        label=line.label,
        sku=line.sku,
        quantity=line.quantity / size,
        unit=unit,
        price=price,
        usd=line.usd,
        kind=line.kind,
        source=line.source,
        as_of=line.as_of,
        is_example=line.is_example,
        is_fixed=line.is_fixed,
    )
