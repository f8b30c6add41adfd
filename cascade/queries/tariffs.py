"""Today's tariffs of every model a cascade may call, as one table with a version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings

from billing.queries.prices import price_book
from cascade.domain import tariffs
from cascade.domain.prices import PriceTable, Tariff
from deployments.adapters import catalog
from deployments.domain.catalog import Model, Route


@dataclass(frozen=True, slots=True)
class Way:
    """One way to call a managed model; `key` is the id it is invoked with and its tariff's name."""

    key: str
    model: Model
    route: Route


def ways() -> Iterator[Way]:
    """Yield every way to call a managed model of the catalog in this Region."""
    for model in catalog.load().models:
        if model.kind == "managed" and settings.AWS_REGION in model.regions:
            for route in model.routes:
                yield Way(route.invoke_id, model, route)


def way_to(*, key: str) -> Way | None:
    """Return the way to invoke an id; None when the catalog has none."""
    return next((way for way in ways() if way.key == key), None)


def price_table(*, now: datetime, also: Iterable[str] = ()) -> PriceTable:
    """Return the tariffs in force; `also` names those of deployments, paid by the hour."""
    book = price_book(region=settings.AWS_REGION, now=now)
    found: dict[str, Tariff] = {}
    for way in ways():
        limit = way.model.long_prompt_tokens
        tariff = tariffs.tariff_of(way.key, book=book, long_prompt_tokens=limit)
        if tariff is not None:
            found[way.key] = tariff
    for key in sorted({key for key in also if tariffs.is_hourly(key)}):
        found[key] = Tariff(input=0, output=0, cached=0, is_hourly=True)
    return PriceTable(
        version=_version(found),
        region=settings.AWS_REGION,
        as_of=book.as_of.isoformat(),
        tariffs=found,
    )


def _version(found: dict[str, Tariff]) -> str:
    text = json.dumps({key: tariffs.as_json(each) for key, each in found.items()}, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:12]
