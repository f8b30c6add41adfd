"""Where the choice turns, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from deployments.domain.curves import load
from deployments.domain.options import TIER_NAMES, Option
from deployments.domain.sensitivity import Flip, PriceFlip
from deployments.domain.whatif import Lever
from deployments.domain.wording import milliseconds, usd_a_month

LEVER_NAMES: Mapping[Lever, str] = {
    Lever.LOAD: "Mean load",
    Lever.INPUT_TOKENS: "Input tokens",
    Lever.OUTPUT_TOKENS: "Output tokens",
    Lever.LATENCY: "Latency objective",
    Lever.QUALITY: "Quality floor",
}


def value(lever: Lever, figure: Decimal) -> str:
    """Return a figure with its unit, as `12.3 requests/s`, `200 tokens` or `no floor`."""
    match lever:
        case Lever.LOAD:
            return f"{load(figure)} requests/s"
        case Lever.INPUT_TOKENS | Lever.OUTPUT_TOKENS:
            return f"{figure:,.0f} tokens"
        case Lever.LATENCY:
            return milliseconds(float(figure)) if figure >= 10_000 else f"{figure:,.0f} ms"
        case Lever.QUALITY:
            return f"{figure.normalize():f} points" if figure else "no floor"


def sentence(flip: Flip) -> str:
    """Return where one figure turns the choice, or how far it was followed without a change."""
    name, now = LEVER_NAMES[flip.lever], value(flip.lever, flip.now)
    if flip.after is None:
        far = value(flip.lever, flip.before)
        return f"{name}: the choice stays the same {_to(flip)} {far} (now {now})."
    start = f"{name}: at {value(flip.lever, flip.after)} (now {now})"
    if flip.option is None:
        return f"{start} nothing meets every constraint any more."
    return f"{start} the choice becomes {_named(flip.option)}, {_price(flip.option)}."


def price_sentence(flip: PriceFlip | None) -> str:
    """Return by how much the choice's own prices may rise before another is as cheap."""
    if flip is None:
        return "Prices: no rise of what the choice pays makes another option cheaper."
    return (
        f"Prices: when what the choice pays for rises by {flip.rise * 100:.1f} %, "
        f"{_named(flip.option)} costs as little."
    )


def order(flips: Sequence[Flip]) -> tuple[Flip, ...]:
    """Return what turns the choice soonest first, then what does not turn it."""
    return tuple(sorted(flips, key=_nearness))


def _nearness(flip: Flip) -> tuple[bool, Decimal]:
    if flip.after is None:
        return True, Decimal(0)
    low, high = sorted((flip.now, flip.after))
    return False, high / low if low else high


def _to(flip: Flip) -> str:
    return "up to" if flip.is_up else "down to"


def _named(option: Option) -> str:
    return f"{option.summary} ({TIER_NAMES[option.tier]})"


def _price(option: Option) -> str:
    usd = option.cost.expected_usd
    return "no public price" if usd is None else usd_a_month(usd)
