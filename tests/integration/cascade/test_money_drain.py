"""What gateways tell becomes rows, roll-ups and charges that agree to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import F, Sum

from billing.models import Charge, PriceRow, UsageEvent, UsageRefusal
from billing.usecases import prices
from cascade.adapters.stream import Stream
from cascade.models import (
    Alert,
    Attempt,
    Cascade,
    CascadeHour,
    PolicyVersion,
    StageHour,
    Trial,
    UnreadEvent,
)
from cascade.usecases.drain import drain
from portal.models import Feature
from tests.integration.cascade.money_drill import (
    Gateway,
    charged,
    gateway,
    lost,
    raw,
    requests,
    spent,
    sums,
    tell,
    usd_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drill(feature: Feature, noon: datetime) -> Gateway:
    """A gateway with the product's prices."""
    prices.load_list(now=noon - timedelta(days=2))
    return gateway(feature, now=noon)


@pytest.fixture
def stream(cascade_url: str) -> Iterator[Stream]:
    """The stream, empty."""
    made = Stream(cascade_url)
    yield made
    made.close()


def test_every_sum_is_the_same_to_the_last_digit(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 400))

    done = drain(stream=stream, now=noon)

    assert (done.attempts, done.trials) == (len(drill.attempts), 400)
    assert set(sums().values()) == {usd_of(drill.attempts)}
    assert charged() == spent(cascade_url)
    assert set(charged().values()) == {sum(each.micro for each in drill.attempts)}
    assert stream.length() == 0
    assert not UsageRefusal.objects.exists()
    assert not Alert.objects.exists()


def test_all_kinds_of_tokens_reach_the_books_under_their_own_price(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 200))
    drain(stream=stream, now=noon)

    directions = {sku.rpartition(":")[2] for sku in Charge.objects.values_list("sku", flat=True)}
    assert directions == {
        *("input", "output", "cache-read"),
        *("input-long", "output-long", "cache-read-long"),
    }
    assert set(Charge.objects.values_list("tier", "deployment")) == {("cascade", "chatbot-cascade")}
    tokens = UsageEvent.objects.aggregate(total=Sum("quantity"))["total"]
    paid = [each for each in drill.attempts if each.pico]
    assert tokens == sum(each.tokens.input + each.tokens.output for each in paid)


def test_a_stage_paid_by_the_hour_books_no_tokens(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 100))
    drain(stream=stream, now=noon)

    assert Attempt.objects.filter(model="llama@hourly").exists()
    assert not Charge.objects.filter(sku__contains="llama").exists()


def test_events_told_again_change_nothing(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    events = requests(drill, 50)
    tell(cascade_url, events)
    drain(stream=stream, now=noon)
    before, hours = sums(), list(CascadeHour.objects.values())

    for entry in (*events, *events):
        stream.server.xadd("cascade:events", {"e": raw(entry)})
    done = drain(stream=stream, now=noon)

    assert (done.attempts, done.trials, done.repeated) == (0, 0, 2 * len(events))
    assert sums() == before
    assert list(CascadeHour.objects.values()) == hours
    assert Attempt.objects.count() == len(drill.attempts)


def test_batches_add_up_to_what_one_batch_makes(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    for _ in range(7):
        tell(cascade_url, requests(drill, 9))
        drain(stream=stream, now=noon)

    assert set(sums().values()) == {usd_of(drill.attempts)}
    hours = CascadeHour.objects.all()
    assert sum(row.requests for row in hours) == 63
    assert sum(sum(row.latency.values()) for row in hours) == 63
    first = [each for each in drill.trials if each.first_token_ms]
    assert sum(sum(row.first_token.values()) for row in hours) == len(first)


def test_hours_say_what_was_answered_rejected_and_saved(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    body = {"stages": [{"name": "small", "target": {"model": "us.amazon.nova-micro-v1:0"}}]}
    PolicyVersion.objects.create(
        cascade=drill.cascade, number=1, body=body, digest="d", made_by="a", made_at=noon
    )
    tell(cascade_url, requests(drill, 80))
    drain(stream=stream, now=noon)

    answered = [each for each in drill.trials if each.status in ("answered", "short")]
    found = StageHour.objects.aggregate(answered=Sum("answered"), saved=Sum("saved_usd"))
    assert found["answered"] == len(answered)
    assert found["saved"] == sum(
        Decimal(each.baseline_pico - each.pico).scaleb(-12) for each in answered
    )
    rejected = sum(tried["stage"] != each.stage for each in drill.trials for tried in each.tried)
    assert StageHour.objects.aggregate(total=Sum("rejected"))["total"] == rejected
    small = StageHour.objects.filter(stage="small", role="stage", answered__gt=0)
    assert set(small.values_list("model", flat=True)) == {"us.amazon.nova-micro-v1:0"}
    assert small.filter(attempts__gt=0).exists()


def test_a_price_that_changes_within_the_hour_is_charged_from_its_moment(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime, feature: Feature
) -> None:
    tell(cascade_url, requests(drill, 30))
    for row in PriceRow.objects.filter(sku__contains="nova-pro-v1:0:us"):
        row.pk, row.usd, row.effective_from = None, 3 * row.usd, noon + timedelta(minutes=10)
        row.save()
    Cascade.objects.update(slug="old")
    later = gateway(feature_of_its_own(feature), now=noon + timedelta(minutes=20), seed=2)
    events = requests(later, 30)
    late = [each for each in events if each.at_us >= (noon.timestamp() + 600) * 10**6]
    tell(cascade_url, late)

    drain(stream=stream, now=noon + timedelta(minutes=20))

    cost = usd_of([each for each in (*drill.attempts, *late) if hasattr(each, "role")])
    assert sums()["charges"] == sums()["attempts"] == cost
    assert Charge.objects.filter(sku__contains="nova-pro").values("price").distinct().count() > 3
    assert not Alert.objects.exists()


def feature_of_its_own(feature: Feature) -> Feature:
    return Feature.objects.create(
        slug="search", team=feature.team, name="Search", created_at=feature.created_at
    )


def test_a_cost_that_the_books_prices_do_not_make_is_kept_booked_and_told(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    attempt = next(each for each in requests(drill, 20) if getattr(each, "pico", 0))
    tell(cascade_url, [raw(attempt, pico=attempt.pico + 1_000_000, micro=attempt.micro + 1)])

    drain(stream=stream, now=noon)

    assert Attempt.objects.get().usd == usd_of([attempt]) + Decimal("0.000001")
    alert = Alert.objects.get()
    assert (alert.kind, alert.figures["count"]) == ("price-mismatch", 1)
    assert alert.figures["attempts"][0]["attempt"] == str(attempt.id)


def test_usage_that_the_books_refuse_is_told(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    attempt = next(each for each in requests(drill, 20) if getattr(each, "pico", 0))
    tell(cascade_url, [raw(attempt, model="")])

    drain(stream=stream, now=noon)

    assert Attempt.objects.get().usd == usd_of([attempt])
    assert UsageRefusal.objects.exists()
    assert set(Alert.objects.values_list("kind", flat=True)) == {"price-mismatch", "usage-refused"}


BROKEN = [
    b"",
    b"not json",
    b"[]",
    b'{"kind":"verdict"}',
    b'{"kind":"attempt"}',
    b"\xff\xfe\x00",
    b'{"kind":"attempt","id":"' + b"9" * 5000 + b'"}',
    b"[" * 5000,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_entry_nobody_can_read_is_set_aside_and_holds_nobody_up(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime, broken: bytes
) -> None:
    events = requests(drill, 3)
    tell(cascade_url, [*events[:4], broken, *events[4:]])

    done = drain(stream=stream, now=noon)

    assert (done.unread, done.trials) == (1, 3)
    assert UnreadEvent.objects.get().why
    assert stream.length() == 0
    assert set(sums().values()) == {usd_of(drill.attempts)}
    assert Alert.objects.get().kind == "unread-events"


@pytest.mark.parametrize(
    "change",
    [
        {"cascade": 10**9},
        {"feature": 10**9},
        {"team": 0},
        {"id": "one"},
        {"in": -1},
        {"in": 2**60},
        {"cached": 10**9},
        {"micro": 0},
        {"pico": 0.5},
        {"at": "now"},
        {"at": 10**18},
        {"role": "king"},
        {"number": 10**6},
        {"stage": "x" * 41},
        {"key": None},
        {"latency_ms": "fast"},
        {"latency_ms": float("inf")},
    ],
)
def test_an_attempt_with_an_impossible_field_is_set_aside(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime, change: dict[str, object]
) -> None:
    attempt = next(each for each in requests(drill, 20) if getattr(each, "pico", 0))
    tell(cascade_url, [raw(attempt, **change)])

    done = drain(stream=stream, now=noon)

    assert (done.unread, done.attempts, stream.length()) == (1, 0, 0)
    assert next(iter(change)) in UnreadEvent.objects.get().why or "micro" in str(change)


def test_a_text_that_postgresql_cannot_hold_is_kept_without_what_it_cannot(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    attempt, trial = drill.request()[0][0], drill.trials[0]
    tell(cascade_url, [attempt, raw(trial, plan={"reason": "\x00\ud800", "p": [float("nan")]})])

    drain(stream=stream, now=noon)

    row = Trial.objects.get()
    assert row.plan == {"reason": "\ufffd\ufffd", "p": [None]}
    assert row.prompt == "How do I reset my password? \ufffd \ufffd"


def test_what_only_rows_refuse_is_found_by_halving_and_the_rest_is_booked(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    events = requests(drill, 20)
    # An hour whose sum no column holds: each value is possible, only their sum is not.
    full = hour_without_room(drill, noon)
    tell(cascade_url, events)

    done = drain(stream=stream, now=noon)

    refused = [each for each in drill.attempts if _touches(full, each)]
    assert refused
    assert done.unread == len(refused) == UnreadEvent.objects.count()
    assert Attempt.objects.count() == len(drill.attempts) - len(refused)
    assert "refuse" in UnreadEvent.objects.first().why


def hour_without_room(drill: Gateway, noon: datetime) -> StageHour:
    return StageHour.objects.create(
        cascade=drill.cascade,
        hour=noon - timedelta(hours=1),
        policy=1,
        role="stage",
        stage="small",
        model="us.amazon.nova-micro-v1:0",
        input_tokens=2**63 - 1,
    )


def _touches(full: StageHour, attempt: object) -> bool:
    hour_us = int(full.hour.timestamp()) * 10**6
    return (
        (attempt.role, attempt.stage) == ("stage", "small")  # type: ignore[attr-defined]
        and hour_us <= attempt.at_us < hour_us + 3_600 * 10** 6  # type: ignore[attr-defined]
    )


def test_an_answer_after_its_loss_is_told_and_changes_no_sum(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    attempt = next(each for each in requests(drill, 20) if getattr(each, "pico", 0))
    tell(cascade_url, [raw(lost(attempt))])
    stream.server.xadd("cascade:events", {"late": raw(attempt)})

    done = drain(stream=stream, now=noon)

    assert (done.attempts, done.late) == (1, 1)
    assert Attempt.objects.get().outcome == "lost"
    assert set(sums().values()) == {Decimal(0)}
    assert Alert.objects.get().kind == "late-answers"


def test_a_gateway_whose_clock_runs_ahead_is_booked_all_the_same(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    drill.now = noon + timedelta(hours=30)
    tell(cascade_url, requests(drill, 20))

    drain(stream=stream, now=noon)

    assert set(sums().values()) == {usd_of(drill.attempts)}
    assert not UsageRefusal.objects.exists()
    assert UsageEvent.objects.filter(ended_at__gt=noon + timedelta(seconds=1)).count() == 0
    assert Charge.objects.filter(hour__gt=F("booked_at")).count() == 0


def test_every_token_price_of_the_product_is_a_whole_number_of_pico_dollars(
    drill: Gateway,
) -> None:
    # From this it follows that what attempts cost and what hours of them cost is the same.
    for usd, per in PriceRow.objects.filter(unit="token").values_list("usd", "per"):
        assert (usd.scaleb(12) / per) % 1 == 0


def test_the_alert_of_a_kind_counts_on_while_it_is_open(
    drill: Gateway, stream: Stream, cascade_url: str
) -> None:
    for _ in range(3):
        tell(cascade_url, [b"?"])
        drain(stream=stream, now=datetime(2026, 11, 20, 12, tzinfo=UTC))
    alert = Alert.objects.get()
    assert alert.figures["count"] == 3
    assert alert.sentence.startswith("3 entries")
