"""Money in words and months in days. Pure."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)
# Tariffs by the month are for 730 hours, AWS's own convention (8,760 hours a year / 12).
HOURS_A_MONTH = Decimal(730)


def in_words(usd: Decimal) -> str:
    """Return `1,234.56 USD`; below a cent, as many digits as say something."""
    if usd and abs(usd) < CENT:
        return f"{exact(usd)} USD"
    return f"{usd.quantize(CENT, ROUND_HALF_EVEN):,} USD"


def exact(usd: Decimal) -> str:
    """Return every digit there is and no zero more than cents need, as in `0.00` or `1.2345`."""
    whole, _, digits = f"{usd:f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, self.number, 1)

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return monthrange(self.year, self.number)[1]

    @property
    def last(self) -> date:
        """Return its last day."""
        return date(self.year, self.number, self.days)

    @property
    def starts_at(self) -> datetime:
        """Return its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """Return the first moment after it."""
        return self.starts_at + timedelta(days=self.days)

    @property
    def before(self) -> Month:
        """Return the month before."""
        return month_of(self.starts_at - timedelta(days=1))

    @property
    def after(self) -> Month:
        """Return the month after."""
        return month_of(self.ends_at)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


def month_of(moment: datetime) -> Month:
    """Return the month a moment falls into, in UTC."""
    there = moment.astimezone(UTC)
    return Month(there.year, there.month)


def month_named(text: str) -> Month:
    """Return the month of `2026-11`. Raises ValueError on anything else."""
    year, dash, number = text.partition("-")
    if len(text) != 7 or not dash or not (year + number).isascii():
        raise ValueError(f"{text[:20]!r} is not a month; one looks like 2026-11.")
    first = date(int(year), int(number), 1)
    if not 2000 <= first.year <= 2999:
        raise ValueError(f"{text} is not a month of these books (2000-01 to 2999-12).")
    return Month(first.year, first.month)


def hours_between(start: datetime, end: datetime) -> Decimal:
    """Return the hours from one moment to a later one, to the microsecond."""
    return Decimal((end - start) // timedelta(microseconds=1)) / Decimal(3_600_000_000)
