"""What the advice tests stand on: the product's own catalog and price list, and workloads."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from billing.adapters import price_list
from billing.domain.prices import Price, PriceBook
from deployments.adapters import catalog
from deployments.domain import workload_input
from deployments.domain.options import Option
from deployments.domain.ranking import Ranked, recommend
from deployments.domain.workload import Workload

TODAY = date(2026, 11, 20)
CATALOG = catalog.load()
QUOTAS = CATALOG.default_quotas
ROOT = Path(__file__).resolve().parents[3]
QUOTE_SKU = "bedrock-pt:amazon.nova-micro-v1:0:none:unit-second"


@cache
def book() -> PriceBook:
    """The product's own price list of us-east-1."""
    return next(each for each in price_list.load() if each.region == "us-east-1")


def with_quote(usd: str) -> PriceBook:
    """The same book with an example quote for a Nova Micro model unit-hour, no commitment."""
    quote = Price(QUOTE_SKU, "second", Decimal(3600), Decimal(usd), "quote", "example", TODAY, True)
    return PriceBook("us-east-1", TODAY, {**book().prices, QUOTE_SKU: quote})


@cache
def scenario() -> dict[str, dict[str, Any]]:
    """The features of scenario A by short name."""
    body = json.loads((ROOT / "deployments/data/scenarios.json").read_text("utf-8"))
    return {each["slug"]: each for each in body["scenarios"][0]["features"]}


def read(**given: Any) -> Workload:
    """Read a workload as a person writes it, on top of a plain one."""
    return workload_input.read(PLAIN | given, known_models=CATALOG.by_id)


def of_scenario(slug: str, **changes: Any) -> Workload:
    """Return a workload of scenario A, with changes."""
    given = scenario()[slug]["workload"] | changes
    return workload_input.read(given, known_models=CATALOG.by_id)


def ask(workload: Workload, *, prices: PriceBook | None = None, **quotas: Decimal) -> Ranked:
    """Return the ranking of a workload on the test's day."""
    return recommend(
        workload=workload,
        catalog=CATALOG,
        prices=prices or book(),
        quotas={**QUOTAS, **quotas},
        today=TODAY,
    )


def option(ranked: Ranked, option_id: str) -> Option:
    """Return one option by id. Raises StopIteration."""
    return next(each for each in ranked.options if each.option_id == option_id)


def check(given: Option, name: str) -> str:
    """Return the sentence of a check, with `ok:` or `broken:` before it."""
    found = next(each for each in given.checks if each.name == name)
    return f"{'ok' if found.holds else 'broken'}: {found.sentence}"


PLAIN: dict[str, Any] = {
    "pattern": "interactive",
    "load": "5",
    "peak_rps": "10",
    "input_tokens_mean": 500,
    "input_tokens_p95": 1000,
    "output_tokens_mean": 100,
    "output_tokens_p95": 200,
    "latency_ms": 5000,
}
