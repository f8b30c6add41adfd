"""Usage counts once, at the price of its moment, and every sum agrees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from billing import queries
from billing.domain.usage import Usage
from billing.models import Charge, SpendDay, SpendHour, UsageEvent, UsageRefusal, Watermark
from billing.queries.ledger import unpriced
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.access import Actor
from portal.models import Feature
from tests.integration.billing.conftest import INPUT, UNPRICED

Used = Callable[..., Usage]
Sums = Callable[[], set[Decimal]]
pytestmark = pytest.mark.usefixtures("price_list")


def test_usage_becomes_an_event_a_charge_and_both_roll_ups(
    used: Used, sums: Sums, noon: datetime, feature: Feature
) -> None:
    recorded = record_usage(usage=[used()], read_to={"meter": noon}, now=noon)
    assert (recorded.new, recorded.repeated, recorded.refused) == (1, 0, ())
    charge = Charge.objects.get()
    assert charge.usd == Decimal("0.06")
    assert charge.price.sku == INPUT
    assert charge.team_id == feature.team_id
    assert charge.hour == noon - timedelta(hours=1)
    assert SpendHour.objects.get().quantity == 1_000_000
    assert SpendDay.objects.get().day == date(2026, 11, 20)
    assert sums() == {Decimal("0.06")}


def test_asking_twice_counts_once(used: Used, sums: Sums, noon: datetime) -> None:
    record_usage(usage=[used()], read_to={}, now=noon)
    again = record_usage(usage=[used(), used(), used("two")], read_to={}, now=noon)
    assert (again.new, again.repeated, again.refused) == (1, 2, ())
    assert UsageEvent.objects.count() == 2
    assert sums() == {Decimal("0.12")}


def test_a_known_id_with_another_payload_is_refused_and_the_rest_is_booked(
    used: Used, sums: Sums, noon: datetime
) -> None:
    record_usage(usage=[used()], read_to={}, now=noon)
    batch = [used(quantity=Decimal(5)), used("two")]
    for _ in range(2):
        recorded = record_usage(usage=batch, read_to={}, now=noon)
    assert recorded.repeated == 1
    (refused,) = recorded.refused
    assert refused.code == "clash"
    assert "another payload" in refused.sentence
    kept = UsageRefusal.objects.get()
    assert kept.times == 2
    assert kept.body["quantity"] == "5.000000000"
    assert UsageEvent.objects.get(uid="one").quantity == 1_000_000
    assert sums() == {Decimal("0.12")}


def test_two_payloads_under_one_new_id_book_the_first_and_refuse_the_second(
    used: Used, sums: Sums, noon: datetime
) -> None:
    recorded = record_usage(usage=[used(), used(quantity=Decimal(7))], read_to={}, now=noon)
    assert (recorded.new, recorded.repeated, len(recorded.refused)) == (1, 0, 1)
    assert sums() == {Decimal("0.06")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"started_at": datetime.fromisoformat("2026-11-20T10:59:59+00:00")}, "hour boundary"),
        ({"quantity": Decimal("-1")}, "below zero"),
        ({"quantity": Decimal("NaN")}, "is a number"),
        ({"unit": "second"}, "counted in token"),
        ({"sku": "gold"}, "not a SKU"),
        ({"feature_id": 999_999_999}, "no feature with the id"),
        ({"uid": "x" * 300}, "at most 250"),
        ({"resource": "a\x00b"}, "NUL"),
    ],
)
def test_what_cannot_be_booked_is_kept_with_its_reason(
    used: Used, sums: Sums, noon: datetime, change: dict[str, object], words: str
) -> None:
    bad = used(**({"uid": "bad"} | change))
    recorded = record_usage(usage=[bad, used("good")], read_to={}, now=noon)
    assert recorded.new == 1
    assert words in recorded.refused[0].sentence
    assert words in UsageRefusal.objects.get().sentence
    assert sums() == {Decimal("0.06")}


def test_a_batch_makes_one_charge_for_each_hour_deployment_and_sku(
    used: Used, sums: Sums, noon: datetime
) -> None:
    minute = timedelta(minutes=1)
    batch = [
        used(
            f"{hour}-{number}",
            quantity=Decimal(1),
            started_at=noon - timedelta(hours=hour) + number * minute,
            ended_at=noon - timedelta(hours=hour) + (number + 1) * minute,
        )
        for hour in (1, 2)
        for number in range(10)
    ]
    record_usage(usage=batch, read_to={}, now=noon)
    # Rounded once for each charge: 10 tokens x 0.06 / 1,000,000.
    assert [charge.usd for charge in Charge.objects.all()] == [Decimal("0.0000006")] * 2
    assert len(sums()) == 1


def test_a_deployment_that_changes_its_tier_within_an_hour_is_told_apart(
    used: Used, sums: Sums, noon: datetime
) -> None:
    record_usage(usage=[used()], read_to={}, now=noon)
    record_usage(usage=[used("two", tier="lambda-bedrock")], read_to={}, now=noon)
    by_tier = SpendDay.objects.values_list("tier", "usd").order_by("tier")
    assert list(by_tier) == [
        ("bedrock-on-demand", Decimal("0.06")),
        ("lambda-bedrock", Decimal("0.06")),
    ]
    assert SpendHour.objects.count() == 2
    assert sums() == {Decimal("0.12")}


def test_usage_is_charged_at_the_price_of_its_own_moment_however_late_it_comes(
    used: Used, noon: datetime, actor_of_controller: Actor
) -> None:
    half_past = noon - timedelta(minutes=30)
    prices.enter_quote(
        actor=actor_of_controller,
        region="us-east-1",
        sku=INPUT,
        usd=Decimal("0.03"),
        source="Contract 7",
        as_of=half_past.date(),
        now=half_past,
    )
    before = used("before", ended_at=half_past)
    after = used("after", started_at=half_past)
    record_usage(usage=[before, after], read_to={}, now=noon + timedelta(days=3))
    assert sorted(Charge.objects.values_list("usd", "price__kind")) == [
        (Decimal("0.03"), "quote"),
        (Decimal("0.06"), "list"),
    ]


def test_what_has_no_price_waits_at_nothing_and_is_priced_when_a_quote_comes(
    used: Used, sums: Sums, noon: datetime, actor_of_controller: Actor
) -> None:
    hours = used(sku=UNPRICED, unit="second", quantity=Decimal(7200))
    record_usage(usage=[hours], read_to={}, now=noon)
    assert Charge.objects.get().price is None
    assert sums() == {Decimal(0)}
    (waiting,) = unpriced(actor=actor_of_controller)
    assert (waiting.sku, waiting.quantity) == (UNPRICED, 7200)

    later = noon + timedelta(days=2)
    prices.enter_quote(
        actor=actor_of_controller,
        region="us-east-1",
        sku=UNPRICED,
        usd=Decimal("21.18"),
        source="Quote 12",
        as_of=later.date(),
        now=later,
    )
    waited, correction = Charge.objects.order_by("pk")
    assert (waited.usd, waited.price) == (0, None)
    assert (correction.kind, correction.corrects, correction.quantity) == ("correction", waited, 0)
    assert correction.hour == waited.hour
    assert correction.usd == Decimal("42.36")
    assert sums() == {Decimal("42.36")}
    assert unpriced(actor=actor_of_controller) == ()
    assert prices.price_waiting(now=later) == 0
    assert sums() == {Decimal("42.36")}


def test_a_watermark_only_moves_forward(noon: datetime) -> None:
    assert queries.watermark(source="meter") is None
    for read_to in (noon, noon - timedelta(hours=1)):
        record_usage(usage=[], read_to={"meter": read_to}, now=noon)
    assert queries.watermark(source="meter") == noon


def test_a_batch_that_fails_leaves_nothing_behind(used: Used, noon: datetime) -> None:
    with pytest.raises(DatabaseError):
        record_usage(
            usage=[used(), used(uid="bad", quantity=Decimal(-1))],
            read_to={"a source with a name too long for its column" * 10: noon},
            now=noon,
        )
    for table in (UsageEvent, Charge, SpendHour, SpendDay, UsageRefusal, Watermark):
        assert not table.objects.exists()


def test_a_thousand_events_take_a_handful_of_statements(used: Used, noon: datetime) -> None:
    batch = [used(str(number), deployment=f"d-{number % 9}") for number in range(1000)]
    with CaptureQueriesContext(connection) as captured:
        assert record_usage(usage=batch, read_to={"meter": noon}, now=noon).new == 1000
    assert len(captured) <= 12


def test_month_to_date_is_by_deployment_and_by_feature(used: Used, noon: datetime) -> None:
    last_month = noon - timedelta(days=20, hours=1)
    old = used("old", started_at=last_month, ended_at=last_month + timedelta(minutes=1))
    record_usage(usage=[used(), old], read_to={}, now=noon)
    assert queries.spend_of_deployments(slugs=["chatbot-production", "none"], now=noon) == {
        "chatbot-production": Decimal("0.06"),
        "none": 0,
    }
    assert queries.spend_of_features(slugs=["chatbot"], now=noon) == {"chatbot": Decimal("0.06")}
