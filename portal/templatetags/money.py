"""Money, numbers, shares and durations as people read them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

Number = Decimal | int | float | str | None

NARROW = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (1000, "K"))
BYTE_STEPS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
LONGEST = 40  # digits; more than that is nobody's money and would fill the page
UNKNOWN = format_html(
    '<span class="unknown"><span aria-hidden="true">{}</span>'
    '<span class="visually-hidden">not known</span></span>',
    "–",  # noqa: RUF001
)


def decimal_of(value: Number) -> Decimal | None:
    """Return a number as Decimal; None for nothing, for words and for what is not finite."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def grouped(value: Decimal, *, places: int) -> str:
    """Return `1,234.56`, rounded half to even, with a real minus sign and never `-0`."""
    if value.adjusted() > LONGEST:
        return f"{value:.3E}"
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text


def shortened(value: Decimal) -> str:
    """Return three leading digits and a letter: 84.2K, 1.30B; below 1,000 see `grouped`."""
    for step, letter in STEPS:
        if abs(value) >= step:
            scaled = value / step
            return f"{grouped(scaled, places=_places_for_three_digits(scaled))}{letter}"
    return grouped(value, places=0 if value == value.to_integral_value() else 2)


def _places_for_three_digits(value: Decimal) -> int:
    size = abs(value)
    return 0 if size >= 100 else 1 if size >= 10 else 2


def _money_places(value: Decimal) -> int:
    """Return 2, or for less than a cent enough to show three digits that are not 0."""
    if value == 0 or abs(value) >= Decimal("0.01"):
        return 2
    return min(-value.adjusted() + 2, 12)


def money_text(value: Number, *, places: int | None = None, unit: str = "USD") -> str:
    """Return `1,234.56 USD`; a dash for nothing."""
    amount = decimal_of(value)
    if amount is None:
        return "–"  # noqa: RUF001
    exact = _money_places(amount) if places is None else places
    return f"{grouped(amount, places=exact)}{NARROW}{unit}"


@register.simple_tag
def money(
    value: Number,
    short: bool = False,
    places: int | None = None,
    sign: bool = False,
    unit: str = "USD",
) -> SafeString:
    """Write an amount; `short` writes 84.2K with the full sum on hover and for screen readers.

    `sign` writes a plus before a gain, for differences. The sum is never cut: it is rounded half
    to even at 2 places, at `places`, or further when it is less than a cent.
    """
    amount = decimal_of(value)
    if amount is None:
        return UNKNOWN
    plus = "+" if sign and amount > 0 else ""
    full = plus + money_text(amount, places=places, unit=unit)
    css = "money money-negative" if amount < 0 else "money"
    if not short or abs(amount) < 1000:
        return format_html('<span class="{}">{}</span>', css, full)
    brief = f"{plus}{shortened(amount)}{NARROW}{unit}"
    return format_html(
        '<span class="{}" title="{}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{}</span></span>',
        css, full, brief, full,
    )  # fmt: skip


@register.filter
def usd(value: Number) -> str:
    """Return `1,234.56 USD` as plain text, for attributes and sentences."""
    return money_text(value)


@register.filter
def usd_short(value: Number) -> str:
    """Return `84.2K USD` as plain text; from 1,000 up only."""
    amount = decimal_of(value)
    if amount is None or abs(amount) < 1000:
        return money_text(value)
    return f"{shortened(amount)}{NARROW}USD"


@register.simple_tag
def number(
    value: Number, unit: str = "", places: int | None = None, short: bool = False
) -> SafeString:
    """Write a number with its unit: `1,300,000,000 requests`; `short` writes 1.30B."""
    amount = decimal_of(value)
    if amount is None:
        return UNKNOWN
    full = with_unit(grouped(amount, places=_number_places(amount, places)), unit)
    if not short or abs(amount) < 10_000:
        return format_html('<span class="number">{}</span>', full)
    return format_html(
        '<span class="number" title="{}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{}</span></span>',
        full, with_unit(shortened(amount), unit), full,
    )  # fmt: skip


def with_unit(text: str, unit: str) -> str:
    """Return the number and its unit, held together."""
    return f"{text}{NARROW}{unit}" if unit else text


def _number_places(value: Decimal, places: int | None) -> int:
    if places is not None:
        return places
    if value == value.to_integral_value():
        return 0
    return 1 if abs(value) >= 100 else 2 if abs(value) >= Decimal("0.1") else 4


@register.filter
def plain_number(value: Number) -> str:
    """Return `1,234` or `12.34` as plain text."""
    amount = decimal_of(value)
    return "–" if amount is None else grouped(amount, places=_number_places(amount, None))  # noqa: RUF001


@register.filter
def percent(value: Number, places: int = 0) -> str:
    """Return a share as per cent: 0.1234 -> `12 %`; a share below 1 % that is not 0 says so."""
    share = decimal_of(value)
    if share is None:
        return "–"  # noqa: RUF001
    if places == 0 and 0 < abs(share) < Decimal("0.005"):
        return f"<{NARROW}1{NARROW}%"
    return f"{grouped(share * 100, places=places)}{NARROW}%"


@register.filter
def milliseconds(value: Number) -> str:
    """Return `180 ms`, from 1,000 up `1.20 s`."""
    amount = decimal_of(value)
    if amount is None:
        return "–"  # noqa: RUF001
    if abs(amount) < 1000:
        return f"{grouped(amount, places=0)}{NARROW}ms"
    seconds = amount / 1000
    return f"{grouped(seconds, places=_places_for_three_digits(seconds))}{NARROW}s"


@register.filter
def duration(value: timedelta | Number) -> str:
    """Return seconds, or a timedelta, in its two largest units: `2 min 5 s`, `3 h`, `4 d 2 h`."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    amount = decimal_of(seconds)
    if amount is None:
        return "–"  # noqa: RUF001
    left = int(abs(amount))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{NARROW}{unit}")
        elif parts:
            break
    return (MINUS if amount < 0 and parts else "") + " ".join(parts[:2])


@register.filter
def file_size(value: Number) -> str:
    """Return bytes as `1.50 GiB`, `12 B`."""
    amount = decimal_of(value)
    if amount is None:
        return "–"  # noqa: RUF001
    for step, unit in BYTE_STEPS:
        if abs(amount) >= step:
            scaled = amount / step
            return f"{grouped(scaled, places=_places_for_three_digits(scaled))}{NARROW}{unit}"
    return f"{grouped(amount, places=0)}{NARROW}B"


@register.filter
def cell(value: object) -> str:
    """Return a table's cell as text: numbers with thousands separated, words as they are."""
    if value is None:
        return "–"  # noqa: RUF001
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        return plain_number(value)
    return str(value)
