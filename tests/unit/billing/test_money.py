"""Money in words, months in days."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from billing.domain import money


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        ("0", "0.00 USD"),
        ("1234.5", "1,234.50 USD"),
        ("-1234567.891", "-1,234,567.89 USD"),
        ("0.000000035000", "0.000000035 USD"),
        ("0.01", "0.01 USD"),
        ("200000", "200,000.00 USD"),
    ],
)
def test_money_reads_as_people_write_it(usd: str, words: str) -> None:
    assert money.in_words(Decimal(usd)) == words


@pytest.mark.parametrize(
    ("usd", "digits"),
    [("1.500000000000", "1.50"), ("0", "0.00"), ("12", "12.00"), ("1.234500", "1.2345")],
)
def test_exact_money_has_every_digit_and_no_idle_zero(usd: str, digits: str) -> None:
    assert money.exact(Decimal(usd)) == digits


def test_a_month_is_the_one_in_utc() -> None:
    early_in_tokyo = datetime(2026, 12, 1, 3, 0, tzinfo=timezone(timedelta(hours=9)))
    assert money.month_of(early_in_tokyo) == money.Month(2026, 11)


@pytest.mark.parametrize(
    ("month", "days"), [((2027, 2), 28), ((2028, 2), 29), ((2026, 11), 30), ((2026, 12), 31)]
)
def test_a_month_has_the_days_it_has(month: tuple[int, int], days: int) -> None:
    it = money.Month(*month)
    assert it.days == days
    assert it.last == date(*month, days)
    assert it.ends_at - it.starts_at == timedelta(days=days)
    assert it.after.before == it


def test_a_month_is_named_by_year_and_number() -> None:
    assert money.month_named("2026-11") == money.Month(2026, 11)
    assert str(money.Month(2026, 2)) == "2026-02"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "1999-12", "2026/11", "²026-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words some of them
        money.month_named(text)


def test_hours_are_counted_to_the_microsecond() -> None:
    start = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert money.hours_between(start, start + timedelta(minutes=90)) == Decimal("1.5")
