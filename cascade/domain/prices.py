"""What tokens cost, in integers that pure code can carry. Pure.

The books keep prices to twelve decimals, so a price for a million tokens is a whole number of
pico-dollars and a cost is exact to the pico-dollar. Counters and limits are whole micro-dollars,
each attempt rounded up, so that what is held is never less than what is owed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cascade.domain.request import Tokens

PICO = 1_000_000_000_000
MICRO = 1_000_000
PICO_A_MICRO = PICO // MICRO
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """Pico-dollars for a million tokens of one model.

    From `long_from` input tokens on (0: never) a request is charged by `long`. `is_hourly` marks
    what is paid by the hour elsewhere: its tokens cost nothing more.
    """

    input: int
    output: int
    cached: int
    long_from: int = 0
    long: Tariff | None = None
    is_hourly: bool = False


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Tariffs by model, of one Region, as of a day (ISO date); `version` names it in every row."""

    version: str
    region: str
    as_of: str
    tariffs: Mapping[str, Tariff]

    def find(self, model: str) -> Tariff | None:
        """Return a model's tariff; None when it has no price."""
        return self.tariffs.get(model)


def pico_a_million(*, usd: Decimal, per: Decimal) -> int:
    """Return a price in USD for `per` tokens as pico-dollars for a million, rounded once."""
    return int((usd * PICO * MILLION / per).to_integral_value())


def cost_pico(tariff: Tariff, tokens: Tokens) -> int:
    """Return what an answer cost, in pico-dollars, rounded half to even once."""
    if tariff.is_hourly:
        return 0
    if tariff.long is not None and 0 < tariff.long_from <= tokens.input:
        return cost_pico(tariff.long, tokens)
    fresh = tokens.input - tokens.cached
    return _rounded(
        fresh * tariff.input + tokens.cached * tariff.cached + tokens.output * tariff.output
    )


def worst_micro(tariff: Tariff, *, input_tokens: int, max_output_tokens: int) -> int:
    """Return the most an attempt can cost, in micro-dollars: nothing cached, every token used."""
    return as_micro(cost_pico(tariff, Tokens(input=input_tokens, output=max_output_tokens)))


def as_micro(pico: int) -> int:
    """Return pico-dollars as micro-dollars, rounded up."""
    return -(-pico // PICO_A_MICRO)


def as_usd(pico: int) -> Decimal:
    """Return pico-dollars as USD, exact."""
    return Decimal(pico).scaleb(-12)


def plain_usd(pico: int) -> str:
    """Return pico-dollars as USD with every digit."""
    return f"{as_usd(pico).normalize() + Decimal(0):f}"


def _rounded(pico_millions: int) -> int:
    whole, rest = divmod(pico_millions, MILLION)
    if rest * 2 == MILLION:
        return whole + whole % 2
    return whole + (rest * 2 > MILLION)
