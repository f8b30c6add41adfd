"""Numbers as people say them. Pure."""

from __future__ import annotations

from decimal import Decimal

_SCALES = (
    (Decimal(10) ** 12, "trillion"),
    (Decimal(10) ** 9, "billion"),
    (Decimal(10) ** 6, "million"),
)


def count(number: Decimal | int | float) -> str:
    """Return `1.3 billion`, `57,600` or `0.58`: three digits that matter above a million."""
    value = Decimal(str(number))
    for scale, name in _SCALES:
        if value >= scale:
            return f"{_short(value / scale)} {name}"
    return _short(value) if value < 100 else f"{value:,.0f}"


def milliseconds(ms: float) -> str:
    """Return `842 ms`, `32.1 s`, `5.0 min` or `12.5 h`."""
    if ms < 10_000:
        return f"{ms:,.0f} ms"
    if ms < 120_000:
        return f"{ms / 1000:,.1f} s"
    return f"{ms / 60_000:,.1f} min" if ms < 7_200_000 else f"{ms / 3_600_000:,.1f} h"


def usd_a_month(usd: Decimal) -> str:
    """Return `12,345 USD a month`; below a hundred with cents."""
    return f"{usd:,.2f} USD a month" if usd < 100 else f"{usd:,.0f} USD a month"


def months_in_words(months: int) -> str:
    """Return `1 month`, `6 months`."""
    return f"{months} month{'' if months == 1 else 's'}"


def percent(share: Decimal | float) -> str:
    """Return a share of one as `40 %`."""
    return f"{Decimal(str(share)) * 100:.0f} %"


def _short(value: Decimal) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:.1f}" if value >= 1 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
