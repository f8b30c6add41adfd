"""Tariffs by the name that targets, attempts and price tables carry. Pure.

A managed model is named by the id it is invoked with, as in `us.amazon.nova-lite-v1:0`, because
its ways differ in price. What a deployment pays by the hour is named `<model>@hourly`.
"""

from __future__ import annotations

from billing.domain.prices import PriceBook
from cascade.domain.booking import sku_of
from cascade.domain.prices import Tariff, pico_a_million

HOURLY = "@hourly"


def hourly_key(model: str) -> str:
    """Return the name of what is paid by the hour elsewhere."""
    return f"{model}{HOURLY}"


def is_hourly(key: str) -> bool:
    """Say whether its tokens are paid by the hour elsewhere."""
    return key.endswith(HOURLY)


def tariff_of(key: str, *, book: PriceBook, long_prompt_tokens: int | None) -> Tariff | None:
    """Return a tariff at the book's prices; None when input or output has no price.

    `long_prompt_tokens` is the longest prompt at the usual price; None when length never matters.
    """
    if is_hourly(key):
        return Tariff(input=0, output=0, cached=0, is_hourly=True)
    usual = _side(key, book, is_long=False)
    if usual is None or long_prompt_tokens is None:
        return usual
    longer = _side(key, book, is_long=True)
    if longer is None:
        return usual
    return Tariff(
        input=usual.input,
        output=usual.output,
        cached=usual.cached,
        long_from=long_prompt_tokens + 1,
        long=longer,
    )


def as_json(tariff: Tariff) -> dict[str, object]:
    """Return a tariff as plain values, as snapshots carry it."""
    return {
        "input": tariff.input,
        "output": tariff.output,
        "cached": tariff.cached,
        "long_from": tariff.long_from,
        "long": None if tariff.long is None else as_json(tariff.long),
        "is_hourly": tariff.is_hourly,
    }


def _side(key: str, book: PriceBook, *, is_long: bool) -> Tariff | None:
    ending = "-long" if is_long else ""
    ways = (f"{way}{ending}" for way in ("input", "output", "cache-read"))
    paid, written, cached = (_pico(sku_of(key, way), book) for way in ways)
    if paid is None or written is None:
        return None
    # What has no price of its own in the cache is charged as any other input.
    return Tariff(input=paid, output=written, cached=paid if cached is None else cached)


def _pico(sku: str, book: PriceBook) -> int | None:
    price = book.find(sku)
    return None if price is None else pico_a_million(usd=price.usd, per=price.per)
