"""What can be booked, what cannot, and when two events are the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from billing.domain.usage import Usage, fault, fingerprint

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GOOD = Usage(
    uid="AWS/Bedrock:profile:InputTokenCount:2026-11-20T11:00",
    feature_id=1,
    deployment="chatbot-production",
    environment="production",
    tier="bedrock-on-demand",
    model="amazon.nova-lite-v1:0",
    resource="arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
    sku="bedrock:amazon.nova-lite-v1:0:us:input",
    quantity=Decimal(1000),
    unit="token",
    started_at=NOON - timedelta(hours=1),
    ended_at=NOON,
)


def test_a_whole_hour_can_be_booked() -> None:
    assert fault(GOOD, now=NOON) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": Decimal(-1)}, "never below zero"),
        ({"quantity": Decimal("NaN")}, "A quantity is a number"),
        ({"quantity": Decimal("Infinity")}, "A quantity is a number"),
        ({"quantity": Decimal("1e30")}, "more than can be real"),
        ({"unit": "second"}, "is counted in token, not in second"),
        ({"sku": "bedrock:x"}, "is not a SKU"),
        ({"uid": ""}, "uid is empty"),
        ({"uid": "u" * 251}, "at most 250"),
        ({"deployment": "a\x00b"}, "NUL"),
        ({"started_at": NOON - timedelta(minutes=61)}, "crosses an hour boundary"),
        ({"started_at": NOON}, "ends before it begins"),
        ({"started_at": datetime(2026, 11, 20, 11, 0)}, "no time zone"),  # noqa: DTZ001
        (
            {"started_at": NOON + timedelta(hours=1), "ended_at": NOON + timedelta(hours=2)},
            "in the future",
        ),
    ],
)
def test_what_cannot_be_booked_is_told_why(change: dict[str, object], words: str) -> None:
    assert words in fault(replace(GOOD, **change), now=NOON)


def test_usage_to_the_full_hour_does_not_cross_it() -> None:
    late = replace(GOOD, started_at=NOON - timedelta(microseconds=1))
    assert fault(late, now=NOON) == ""


def test_an_hour_is_an_hour_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    here = replace(GOOD, started_at=GOOD.started_at.astimezone(india))
    assert here.hour == NOON - timedelta(hours=1)
    assert fault(here, now=NOON) == ""


def test_the_same_event_written_otherwise_is_the_same() -> None:
    tokyo = timezone(timedelta(hours=9))
    same = replace(
        GOOD, quantity=Decimal("1000.0000000001"), started_at=GOOD.started_at.astimezone(tokyo)
    )
    assert fingerprint(same) == fingerprint(GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal("1000.000000001")},
        {"feature_id": 2},
        {"deployment": "chatbot-staging"},
        {"model": ""},
        {"ended_at": NOON - timedelta(seconds=1)},
    ],
)
def test_any_other_payload_is_another_event(change: dict[str, object]) -> None:
    assert fingerprint(replace(GOOD, **change)) != fingerprint(GOOD)


def test_a_value_cannot_slip_into_its_neighbour() -> None:
    one = replace(GOOD, deployment="ab", environment="c")
    other = replace(GOOD, deployment="a", environment="bc")
    assert fingerprint(one) != fingerprint(other)
