"""Prices and charges: the list that ships, and invoices computed by hand."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adapters import price_list
from billing.domain import skus
from billing.domain.prices import CHARGE_QUANTUM, Price, rate

INVOICES = json.loads((Path(__file__).parent / "golden_invoices.json").read_text())
(BOOK,) = price_list.load()


def price(usd: str, *, per: int = 1_000_000) -> Price:
    return Price("x", "token", Decimal(per), Decimal(usd), "list", "a test", date(2026, 11, 1))


def price_of(line: dict[str, Any], invoice: dict[str, Any], *, hour: int) -> Price | None:
    """Return the quote that holds in an hour of the invoice's month, or the list's price."""
    day = date.fromisoformat(f"{invoice['month']}-{hour // 24 + 1:02d}")
    quotes = [
        quote
        for quote in invoice["quotes"]
        if quote["sku"] == line["sku"] and date.fromisoformat(quote["as_of"]) <= day
    ]
    if not quotes:
        return BOOK.find(line["sku"])
    newest = max(quotes, key=lambda quote: quote["as_of"])
    unit = skus.unit_of(line["sku"])
    return Price(line["sku"], unit.name, unit.per, Decimal(newest["usd"]), "quote", "", day)


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice["name"])
def test_an_invoice_computed_by_hand_comes_out_to_the_cent(invoice: dict[str, Any]) -> None:
    total, unpriced = Decimal(0), set()
    for line in invoice["usage"]:
        for hour in range(line["hours"]):
            found = price_of(line, invoice, hour=hour)
            if found is None:
                unpriced.add(line["sku"])
            else:
                total += rate(quantity=Decimal(line["per_hour"]), price=found)
    assert total.quantize(Decimal("0.01")) == Decimal(invoice["usd"]), invoice["working"]
    assert unpriced == set(invoice["unpriced"])


def test_the_price_list_has_a_source_and_a_day_on_every_row() -> None:
    assert BOOK.region == "us-east-1"
    assert len(BOOK.prices) > 350
    for found in BOOK.prices.values():
        assert found.source
        assert found.kind in ("list", "estimate")
        assert date(2023, 1, 1) <= found.as_of <= date(2026, 11, 20)
        assert found.usd > 0


def test_what_is_derived_is_marked_an_estimate_and_what_is_published_is_not() -> None:
    assert BOOK.prices["sagemaker:ml.g7.2xlarge:second"].kind == "estimate"
    assert BOOK.prices["sagemaker:ml.g5.xlarge:second"].kind == "list"
    assert "us-west-2" in BOOK.prices["sagemaker:ml.p5.48xlarge:second"].source
    assert BOOK.prices["sagemaker:ml.p5.48xlarge:second"].kind == "estimate"


def test_provisioned_throughput_has_no_public_price() -> None:
    assert not [sku for sku in BOOK.prices if sku.startswith("bedrock-pt:")]


def test_a_us_profile_costs_a_tenth_more_than_the_global_one_for_claude() -> None:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    here = BOOK.prices[skus.bedrock_tokens(model=model, route="us", direction="input")]
    world = BOOK.prices[skus.bedrock_tokens(model=model, route="global", direction="input")]
    assert here.usd == world.usd * Decimal("1.1")


def test_a_model_that_is_not_in_the_region_has_no_in_region_price() -> None:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    assert BOOK.find(skus.bedrock_tokens(model=model, route="in-region", direction="input")) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"sku": "bedrock:m:us:sideways"}, "not a SKU"),
        ({"unit": "token"}, "priced for 1 gb"),
        ({"per": "1000"}, "priced for 1 gb"),
    ],
)
def test_a_price_list_that_contradicts_itself_is_not_loaded(
    tmp_path: Path, row: dict[str, str], words: str
) -> None:
    good = {
        "region": "us-east-1",
        "sku": "sagemaker-serverless:gb",
        "unit": "gb",
        "per": "1",
        "usd": "1",
        "kind": "list",
        "source": "a test",
        "as_of": "2026-11-01",
    }
    file = tmp_path / "prices.json"
    file.write_text(json.dumps([good | row]))
    with pytest.raises(ValueError, match=words):
        price_list.load(folder=tmp_path)


def test_a_price_list_with_two_prices_for_one_thing_is_not_loaded(tmp_path: Path) -> None:
    row = json.loads((price_list.FOLDER / "lambda.json").read_text())[0]
    file = tmp_path / "prices.json"
    file.write_text(json.dumps([row, row]))
    with pytest.raises(ValueError, match="two prices"):
        price_list.load(folder=tmp_path)


def test_a_charge_is_rounded_once_and_half_to_even() -> None:
    assert rate(quantity=Decimal(1), price=price("0.0000005")) == Decimal("0")
    assert rate(quantity=Decimal(3), price=price("0.0000005")) == Decimal("0.000000000002")


@given(
    quantity=st.decimals(0, Decimal("9999999999999999999"), places=9),
    usd=st.decimals(0, Decimal("999999999999"), places=12),
    per=st.sampled_from([1, 3600, 1_000_000]),
)
def test_a_charge_is_never_further_from_exact_than_half_a_quantum(
    quantity: Decimal, usd: Decimal, per: int
) -> None:
    charged = rate(quantity=quantity, price=price(str(usd), per=per))
    error = abs(Fraction(quantity) * Fraction(usd) / per - Fraction(charged))
    assert error <= Fraction(CHARGE_QUANTUM) / 2
