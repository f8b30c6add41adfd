"""Invoices worked out by hand, to the cent: tariff lines, and whole options of a workload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.domain import skus
from billing.domain.prices import Price, PriceBook, rate
from tests.unit.deployments.advice_facts import TODAY, ask, book, option, read

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
ROWS = [row for path in sorted(GOLDEN.glob("*.json")) for row in json.loads(path.read_text())]
CENT = Decimal("0.01")


def _book(row: Mapping[str, Any]) -> PriceBook:
    """Return the product's price list with the row's example quotes."""
    quotes = {
        each["sku"]: Price(
            each["sku"],
            skus.unit_of(each["sku"]).name,
            Decimal(each["per"]),
            Decimal(each["usd"]),
            "quote",
            "example",
            TODAY,
            is_example=True,
        )
        for each in row["quotes"]
    }
    return PriceBook("us-east-1", TODAY, {**book().prices, **quotes})


def _of_lines(row: Mapping[str, Any], prices: PriceBook) -> Decimal:
    found = [(line, prices.find(line["sku"])) for line in row["lines"]]
    return sum(
        (rate(quantity=Decimal(line["quantity"]), price=price) for line, price in found if price),
        Decimal(0),
    )


def _of_option(row: Mapping[str, Any], prices: PriceBook) -> Decimal | None:
    ranked = ask(read(**row["workload"]), prices=prices)
    return option(ranked, row["option_id"]).cost.expected_usd


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_the_price_is_what_was_worked_out_by_hand(row: Mapping[str, Any]) -> None:
    prices = _book(row)
    found = _of_lines(row, prices) if "lines" in row else _of_option(row, prices)

    assert found is not None
    assert found.quantize(CENT, ROUND_HALF_UP) == Decimal(row["usd"]), row["working"]


def test_every_row_shows_its_working_and_ends_on_its_price() -> None:
    assert len(ROWS) >= 35
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["working"].replace(",", "").rstrip(".").endswith(row["usd"])
