"""The product's own price list: a file for each service, a source and a day on every row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from billing.domain import skus
from billing.domain.prices import Price, PriceBook

FOLDER = Path(__file__).resolve().parent.parent / "data" / "prices"


def load(*, folder: Path = FOLDER) -> tuple[PriceBook, ...]:
    """Return one book for each Region of the folder's files.

    Raises ValueError when a row names an unknown SKU, another unit than the SKU's, or comes twice.
    """
    books: dict[str, dict[str, Price]] = {}
    for row in _rows(folder):
        price = _price(row)
        book = books.setdefault(row["region"], {})
        if price.sku in book:
            raise ValueError(f"There are two prices for {price.sku} in {row['region']}.")
        book[price.sku] = price
    return tuple(
        PriceBook(region=region, as_of=max(each.as_of for each in book.values()), prices=book)
        for region, book in sorted(books.items())
    )


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for file in sorted(folder.glob("*.json")):
        yield from json.loads(file.read_text(encoding="utf-8"))


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
