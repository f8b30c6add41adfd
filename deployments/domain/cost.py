"""Quantities of SKUs a month, priced line by line from the book. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.domain import skus
from billing.domain.prices import PriceBook, rate
from deployments.domain.options import Cost, TariffLine
from deployments.domain.workload import SECONDS_PER_MONTH, Workload

ZERO = Decimal(0)
LOW_LOAD = Decimal("0.8")
LOAD_ASSUMPTIONS = (
    "A month has 730 hours.",
    "Low: the load is 20 % below the stated mean. Expected: the stated mean load and mean tokens. "
    "High: every request as long as the 95th percentile.",
)
FIXED_ASSUMPTION = "A month has 730 hours, and what is reserved is paid for every one of them."


@dataclass(frozen=True, slots=True)
class Draft:
    """A line before its price: how much of a SKU a month, at three loads."""

    label: str
    sku: str
    low: Decimal
    expected: Decimal
    high: Decimal
    is_fixed: bool = False


def tokens(workload: Workload, *, model: str, route: str, seen: int, suffix: str) -> list[Draft]:
    """Return the two lines of a managed model's tokens; `seen` are image tokens a request.

    `suffix` names the tariff: "" or "-long", "-batch", "-flex", "-priority".
    """
    lengths = (
        ("input", workload.input_tokens_mean + seen, workload.input_tokens_p95 + seen),
        ("output", workload.output_tokens_mean, workload.output_tokens_p95),
    )
    return [
        by_load(
            workload,
            label=f"{direction.capitalize()} tokens",
            sku=skus.bedrock_tokens(model=model, route=route, direction=direction + suffix),
            mean=Decimal(mean),
            high=Decimal(p95),
        )
        for direction, mean, p95 in lengths
    ]


def by_load(workload: Workload, *, label: str, sku: str, mean: Decimal, high: Decimal) -> Draft:
    """Return a line that grows with the load: a mean and a high quantity for each request."""
    requests = workload.requests_per_month
    return Draft(
        label, sku, requests * LOW_LOAD * mean, requests * mean, requests * max(mean, high)
    )


def by_the_hour(*, label: str, sku: str, count: int, most: int) -> Draft:
    """Return a line for `count` units held all month; high is `most` of them."""
    held = count * SECONDS_PER_MONTH
    return Draft(label, sku, held, held, most * SECONDS_PER_MONTH, is_fixed=True)


def price(drafts: Sequence[Draft], *, prices: PriceBook, assumptions: tuple[str, ...] = ()) -> Cost:
    """Return the cost of the lines; low, expected and high are None when a price is missing."""
    lines = tuple(_line(draft, prices) for draft in drafts)
    fixed = sum((line.usd or ZERO for line in lines if line.is_fixed), ZERO)
    variable = sum((line.usd or ZERO for line in lines if not line.is_fixed), ZERO)
    is_priced = all(line.usd is not None for line in lines)
    return Cost(
        low_usd=_total(drafts, "low", prices) if is_priced else None,
        expected_usd=fixed + variable if is_priced else None,
        high_usd=_total(drafts, "high", prices) if is_priced else None,
        fixed_usd=fixed,
        variable_usd=variable,
        lines=lines,
        assumptions=assumptions,
    )


def _line(draft: Draft, prices: PriceBook) -> TariffLine:
    unit, found = skus.unit_of(draft.sku), prices.find(draft.sku)
    return TariffLine(
        label=draft.label,
        sku=draft.sku,
        quantity=draft.expected,
        unit=unit.name,
        unit_usd=found.usd if found else None,
        per=found.per if found else unit.per,
        usd=rate(quantity=draft.expected, price=found) if found else None,
        kind=found.kind if found else "missing",
        source=found.source if found else "",
        as_of=found.as_of if found else None,
        is_fixed=draft.is_fixed,
        is_example=found.is_example if found else False,
    )


def _total(drafts: Sequence[Draft], which: str, prices: PriceBook) -> Decimal:
    total = ZERO
    for draft in drafts:
        found = prices.find(draft.sku)
        if found is not None:
            total += rate(quantity=getattr(draft, which), price=found)
    return total
