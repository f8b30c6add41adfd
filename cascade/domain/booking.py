"""What the books are told of attempts: tokens by SKU, hour and price. Pure.

A gateway says what an attempt cost; the books multiply tokens by their own prices. Both must say
the same to the last digit, so each attempt is booked under those SKUs whose prices make its cost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from billing.domain import skus
from billing.domain.usage import Usage, hour_of
from cascade.domain.events import Attempt
from cascade.domain.prices import MILLION

TIER = "cascade"
# A profile's id begins with where it may run; what has no such beginning runs in its Region.
ROUTES = ("us", "global")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIRECTIONS = ("input", "output", "cache-read", "input-long", "output-long", "cache-read-long")
# How a price list may price input, output and cached tokens; the first that fits is meant.
SHORT = (("input", "output", "cache-read"), ("input", "output", "input"))
LONG = (
    ("input-long", "output-long", "cache-read-long"),
    ("input-long", "output-long", "cache-read"),
    ("input-long", "output-long", "input-long"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """Where a cascade's money is booked."""

    slug: str
    environment: str


@dataclass(frozen=True, slots=True)
class PricedFrom:
    """Pico-dollars for a million tokens, in force from a moment on."""

    at: datetime
    pico: int


# The prices of each SKU, oldest first.
History = Mapping[str, Sequence[PricedFrom]]


@dataclass(frozen=True, slots=True)
class Booking:
    """What to tell the books, and the attempts whose cost their prices do not make."""

    usage: tuple[Usage, ...]
    unlike: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of the books: what does not differ among the attempts it sums up."""

    cascade: int
    feature: int
    model: str
    sku: str
    hour: datetime
    priced_at: datetime


@dataclass(slots=True)
class _Sum:
    tokens: int = 0
    ids: list[str] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)


def parts_of(model: str) -> tuple[str, str]:
    """Return the model and the route (us, global or in-region) that an id to invoke means."""
    start, _, rest = model.partition(".")
    return (rest, start) if start in ROUTES else (model, "in-region")


def sku_of(model: str, direction: str) -> str:
    """Return the SKU of a model's tokens, from the id it is invoked by."""
    name, route = parts_of(model)
    return skus.bedrock_tokens(model=name, route=route, direction=direction)


def skus_of(models: Iterable[str]) -> tuple[str, ...]:
    """Return all SKUs that attempts of some models may be booked under."""
    return tuple(sku_of(model, way) for model in sorted(set(models)) for way in DIRECTIONS)


def booking(
    attempts: Iterable[Attempt],
    *,
    accounts: Mapping[int, Account],
    prices: History,
    now: datetime,
) -> Booking:
    """Return the usage of new attempts: one row for a cascade, model, SKU, hour and price.

    What cost nothing (a stage paid by the hour, a call that failed) is not booked. A clock that
    runs ahead is not believed: nothing is used later than `now`.
    """
    sums: dict[_Line, _Sum] = {}
    unlike = []
    for attempt in attempts:
        if not attempt.pico:
            continue
        moment = min(EPOCH + timedelta(microseconds=attempt.at_us), now)
        ways = _fitting(attempt, prices, moment)
        if ways is None:
            unlike.append(attempt)
        for line, tokens in _lines(attempt, ways or SHORT[0], prices, moment):
            held = sums.setdefault(line, _Sum())
            held.tokens += tokens
            held.ids.append(str(attempt.id))
            held.moments.append(moment)
    usage = tuple(_usage(line, held, accounts[line.cascade]) for line, held in sums.items())
    return Booking(usage=usage, unlike=tuple(unlike))


def _fitting(attempt: Attempt, prices: History, moment: datetime) -> tuple[str, str, str] | None:
    """Return how input, output and cached tokens were priced; None when no way makes the cost."""
    for ways in (*SHORT, *LONG):
        found = [_price(prices, sku_of(attempt.model, way), moment) for way in ways]
        needed = zip(found, _tokens(attempt), strict=True)
        costs = [0 if not n else n * price.pico if price else None for price, n in needed]
        total = sum(cost for cost in costs if cost is not None)
        if None not in costs and total == attempt.pico * MILLION:
            return ways
    return None


def _lines(
    attempt: Attempt, ways: Sequence[str], prices: History, moment: datetime
) -> Iterator[tuple[_Line, int]]:
    for way, tokens in zip(ways, _tokens(attempt), strict=True):
        if not tokens:
            continue
        sku = sku_of(attempt.model, way)
        price = _price(prices, sku, moment)
        priced_at = price.at if price else EPOCH
        hour = hour_of(moment)
        yield _Line(attempt.cascade, attempt.feature, attempt.model, sku, hour, priced_at), tokens


def _tokens(attempt: Attempt) -> tuple[int, int, int]:
    tokens = attempt.tokens
    return tokens.input - tokens.cached, tokens.output, tokens.cached


def _price(prices: History, sku: str, moment: datetime) -> PricedFrom | None:
    known = prices.get(sku, ())
    place = bisect_right(known, moment, key=lambda price: price.at)
    return known[place - 1] if place else None


def _usage(line: _Line, held: _Sum, account: Account) -> Usage:
    digest = sha256("\n".join(sorted(held.ids)).encode()).hexdigest()
    return Usage(
        uid=f"cascade:{digest}:{line.sku}",
        feature_id=line.feature,
        deployment=account.slug,
        environment=account.environment,
        tier=TIER,
        model=parts_of(line.model)[0],
        resource=f"cascade/{account.slug}",
        sku=line.sku,
        quantity=Decimal(held.tokens),
        unit=skus.TOKENS.name,
        started_at=min(held.moments),
        ended_at=max(held.moments) + timedelta(microseconds=1),
    )
