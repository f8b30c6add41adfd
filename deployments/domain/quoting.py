"""What a missing price may be for an option to win: its break-even, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from deployments.domain.options import Option, TariffLine, Tier, Verdict
from deployments.domain.wording import usd_a_month

CENT = Decimal("0.01")
PLACES = Decimal("0.0001")
_UNIT_WORDS: Mapping[str, str] = {
    "bedrock-pt": "model unit-hour",
    "bedrock-reserved": "thousand tokens a minute held for a month, in and out alike",
    "bedrock-custom": "million tokens, in and out alike",
    "bedrock": "million tokens, in and out alike",
    "bedrock-import": "copy-minute",
    "bedrock-marketplace": "instance-hour of the software",
}
_OTHER_WORDS: Mapping[str, str] = {
    "second": "unit-hour",
    "token": "million tokens",
    "request": "million requests",
}


def with_break_even(option: Option, ranked: Sequence[Option]) -> Option:
    """Return an option without a price with the one at which it costs what its best rival does.

    `extra` gets `break_even_usd_month` (for all that has no price, together) and, when that is
    counted in one unit, `break_even_unit_usd` and `break_even_unit`.
    """
    missing = [line for line in option.cost.lines if line.usd is None]
    if option.cost.expected_usd is not None or not missing:
        return option
    rival = rival_usd(option, ranked)
    if rival is None:
        said = "Needs a quote: there is no public price, and no rival with a price to compare."
        return replace(option, notes=(said, *option.notes))
    room = rival - sum((line.usd for line in option.cost.lines if line.usd is not None), Decimal(0))
    extra = {**option.extra, "break_even_usd_month": str(max(room, Decimal(0)).quantize(CENT))}
    if room <= 0:
        return _hopeless(option, rival, extra)
    unit_usd = _unit_usd(room, missing)
    start = "Needs a quote: there is no public price."
    would = "It would win" if option.verdict is Verdict.NEEDS_QUOTE else "It would cost less"
    if unit_usd is None:
        said = f"{start} {would} below {usd_a_month(room)} for what has none."
        return replace(option, notes=(said, *option.notes), extra=extra)
    extra |= {"break_even_unit_usd": str(unit_usd), "break_even_unit": _unit(missing[0])}
    if option.tier is Tier.BEDROCK_PROVISIONED:
        extra["break_even_unit_hour_usd"] = str(unit_usd)
    said = f"{start} {would} below {unit_usd:,} USD a {_unit(missing[0])}{_units(option)}."
    return replace(option, notes=(said, *option.notes), extra=extra)


def rival_usd(option: Option, ranked: Sequence[Option]) -> Decimal | None:
    """Return USD a month of the cheapest feasible option with a price.

    Without one, of the cheapest of the same model paid by the token; None without that either.
    """
    priced = [each for each in ranked if each.cost.expected_usd is not None]
    feasible = [each for each in priced if each.verdict is Verdict.FEASIBLE]
    alike = [
        each
        for each in priced
        if each.tier is Tier.BEDROCK_ON_DEMAND and each.model == option.model
    ]
    return min((_usd(each) for each in feasible or alike), default=None)


def words(option: Option) -> str:
    """Return below which price an option without one would win, as the end of a sentence."""
    unit_usd = option.extra.get("break_even_unit_usd")
    if unit_usd is not None:
        unit = option.extra["break_even_unit"]
        return f"needs a quote and would win below {unit_usd} USD a {unit}"
    month = option.extra.get("break_even_usd_month")
    if month is None:
        return "needs a quote"
    if not Decimal(month):
        return "needs a quote, and none would make it win"
    return f"needs a quote and would win below {month} USD a month for what has no price"


def _hopeless(option: Option, rival: Decimal, extra: Mapping[str, str]) -> Option:
    said = (
        f"Needs a quote: there is no public price for a part, and no quote would make it win: the "
        f"rest alone costs {usd_a_month(option.cost.fixed_usd + option.cost.variable_usd)} against "
        f"{usd_a_month(rival)} of the best rival."
    )
    return replace(option, notes=(said, *option.notes), extra=extra)


def _unit_usd(room: Decimal, missing: Sequence[TariffLine]) -> Decimal | None:
    """Return USD a unit when all that has no price is counted in the same one."""
    counted = sum((line.quantity / line.per for line in missing), Decimal(0))
    if len({(line.unit, line.per) for line in missing}) != 1 or not counted:
        return None
    return (room / counted).quantize(PLACES)


def _unit(line: TariffLine) -> str:
    family = line.sku.partition(":")[0]
    return _UNIT_WORDS.get(family) or _OTHER_WORDS.get(line.unit, line.unit)


def _units(option: Option) -> str:
    return f" ({option.size.model_units} units)" if option.size.model_units else ""


def _usd(option: Option) -> Decimal:
    return option.cost.expected_usd if option.cost.expected_usd is not None else Decimal(0)
