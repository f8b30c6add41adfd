"""Prices come in once, follow each other, and never change what is charged."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from billing import queries
from billing.domain.usage import Usage
from billing.models import PriceRow
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.access import Actor
from portal.errors import Invalid, NotAllowed
from portal.models import AuditEvent
from tests.integration.billing.conftest import INPUT, UNPRICED


def quote(actor: Actor, now: datetime, **change: object) -> PriceRow:
    given = {
        "actor": actor,
        "region": "us-east-1",
        "sku": UNPRICED,
        "usd": Decimal("21.18"),
        "source": "Quote 12",
        "as_of": now.date(),
        "now": now,
    }
    return prices.enter_quote(**(given | change))


@pytest.mark.django_db
def test_loading_the_list_twice_adds_nothing(noon: datetime) -> None:
    assert prices.load_list(now=noon) > 350
    assert prices.load_list(now=noon + timedelta(days=1)) == 0


@pytest.mark.usefixtures("price_list")
def test_the_book_of_a_moment_has_the_prices_of_that_moment(
    noon: datetime, actor_of_controller: Actor
) -> None:
    quote(actor_of_controller, noon, sku=INPUT, usd=Decimal("0.05"))
    before = queries.price_book(region="us-east-1", now=noon - timedelta(seconds=1))
    after = queries.price_book(region="us-east-1", now=noon)
    assert before.prices[INPUT].usd == Decimal("0.06")
    assert (after.prices[INPUT].usd, after.prices[INPUT].kind) == (Decimal("0.05"), "quote")
    assert queries.price_book(region="eu-west-1", now=noon).prices == {}


@pytest.mark.usefixtures("price_list")
def test_a_quote_outlives_the_next_loading_of_the_list(
    noon: datetime, actor_of_controller: Actor
) -> None:
    quote(actor_of_controller, noon, sku=INPUT, usd=Decimal("0.05"))
    assert prices.load_list(now=noon + timedelta(days=1)) == 0


@pytest.mark.usefixtures("price_list")
def test_the_first_price_also_holds_for_what_waited_before_its_day(
    noon: datetime, actor_of_controller: Actor, used: object
) -> None:
    early: Usage = used(sku=UNPRICED, unit="second")  # type: ignore[operator]
    record_usage(usage=[early], read_to={}, now=noon)
    row = quote(actor_of_controller, noon + timedelta(days=3))
    assert row.effective_from == early.hour


@pytest.mark.usefixtures("price_list")
def test_an_example_is_marked_and_the_audit_says_who_entered_it(
    noon: datetime, actor_of_platform_engineer: Actor
) -> None:
    quote(actor_of_platform_engineer, noon, is_example=True)
    book = queries.price_book(region="us-east-1", now=noon)
    assert book.prices[UNPRICED].is_example
    assert "21.18 USD per 3,600 second" in AuditEvent.objects.get().sentence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"usd": Decimal(0)}, "usd"),
        ({"usd": Decimal(-1)}, "usd"),
        ({"usd": Decimal("NaN")}, "usd"),
        ({"usd": Decimal("1e9")}, "usd"),
        ({"usd": Decimal("1e-15")}, "usd"),
        ({"sku": "=1+1"}, "sku"),
        ({"source": "  "}, "source"),
        ({"as_of": date(2026, 11, 21)}, "as_of"),
    ],
)
def test_a_quote_that_makes_no_sense_is_refused_beside_its_field(
    noon: datetime, actor_of_controller: Actor, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        quote(actor_of_controller, noon, **change)
    assert field in refusal.value.fields
    assert PriceRow.objects.count() == 0


@pytest.mark.django_db
def test_a_lead_may_not_enter_a_price(noon: datetime, actor_of_lead: Actor) -> None:
    with pytest.raises(NotAllowed):
        quote(actor_of_lead, noon)
