"""The product's own price list: a file with a source and a day on every row."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from billing.domain import skus
from billing.domain.prices import Price, PriceBook

FILE = Path(__file__).resolve().parent.parent / "data" / "prices.json"


def load(*, file: Path = FILE) -> tuple[PriceBook, ...]:
    """Return one book for each Region of the file.

    Raises ValueError when a row names an unknown SKU, another unit than the SKU's, or comes twice.
    """
    books: dict[str, dict[str, Price]] = {}
    for row in json.loads(file.read_text(encoding="utf-8")):
        price = _price(row)
        book = books.setdefault(row["region"], {})
        if price.sku in book:
            raise ValueError(f"{file.name} has two prices for {price.sku} in {row['region']}.")
        book[price.sku] = price
    return tuple(
        PriceBook(region=region, as_of=max(each.as_of for each in book.values()), prices=book)
        for region, book in sorted(books.items())
    )


def _price(row: dict[str, str]) -> Price:
    unit = skus.unit_of(row["sku"])
    price = Price(
        sku=row["sku"],
        unit=row["unit"],
        per=Decimal(row["per"]),
        usd=Decimal(row["usd"]),
        kind=row["kind"],
        source=row["source"],
        as_of=date.fromisoformat(row["as_of"]),
    )
    if (price.unit, price.per) != (unit.name, unit.per):
        raise ValueError(f"{price.sku} is priced for {unit.per} {unit.name}, not as the file says.")
    return price
