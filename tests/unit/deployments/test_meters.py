"""What is read for each resource, and how time is cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.blueprint import blueprint
from deployments.domain.blueprint.spec import Kind
from deployments.domain.meters import (
    ended,
    floor,
    is_changing,
    pieces,
    readings,
    spec_at,
    with_past,
)
from deployments.domain.options import Tier
from tests.fixtures.options import NOVA, names, option

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def read(tier: Tier, kind: Kind, **outputs: str):
    each = next(each for each in blueprint(option=option(tier), names=names()) if each.kind is kind)
    return readings(
        kind=each.kind, name=each.name, spec=each.spec, outputs=outputs, model=NOVA, route="us"
    )


def test_tokens_are_read_by_the_profile() -> None:
    found = read(Tier.BEDROCK_ON_DEMAND, Kind.PROFILE, id="abc")
    assert [(each.metric, each.sku, each.dimensions) for each in found] == [
        ("InputTokenCount", f"bedrock:{NOVA}:us:input", (("ModelId", "abc"),)),
        ("OutputTokenCount", f"bedrock:{NOVA}:us:output", (("ModelId", "abc"),)),
    ]


def test_nothing_is_read_of_a_profile_that_is_not_there_yet() -> None:
    assert read(Tier.BEDROCK_ON_DEMAND, Kind.PROFILE) == ()


def test_a_function_is_read_in_requests_and_gigabyte_seconds() -> None:
    requests, memory = read(Tier.LAMBDA_BEDROCK, Kind.FUNCTION)
    assert (requests.sku, requests.factor) == ("lambda:requests", 1)
    assert memory.sku == "lambda:arm64:gb-second"
    # 2,000 ms at 512 MB are one GB-second.
    assert memory.factor * 2000 == Decimal(1)


def test_a_serverless_endpoint_is_read_in_gigabyte_seconds() -> None:
    (found,) = read(Tier.SAGEMAKER_SERVERLESS, Kind.ENDPOINT)
    # A million microseconds at 4 GB are four GB-seconds.
    assert found.factor * 1_000_000 == Decimal(4)


def test_an_endpoint_on_instances_is_paid_by_time_alone() -> None:
    assert read(Tier.SAGEMAKER_REAL_TIME, Kind.ENDPOINT) == ()


def test_minutes_before_a_change_has_arrived_are_metered_by_what_was() -> None:
    past = with_past([], {"memory_mb": 512, "architecture": "arm64"})
    wished = {"memory_mb": 1024, "architecture": "arm64"}
    assert is_changing(past)
    assert spec_at(wished, past, NOON)["memory_mb"] == 512

    past = ended(past, now=NOON)
    assert not is_changing(past)
    assert spec_at(wished, past, NOON - timedelta(minutes=1))["memory_mb"] == 512
    assert spec_at(wished, past, NOON)["memory_mb"] == 1024


def test_a_second_change_before_the_first_arrives_leaves_what_still_runs() -> None:
    past = with_past([], {"memory_mb": 512})
    assert with_past(past, {"memory_mb": 1024}) == past
    later = with_past(ended(past, now=NOON), {"memory_mb": 2048})
    assert [each["memory_mb"] for each in later] == [512, 2048]


moments = st.integers(min_value=0, max_value=4 * 3600).map(lambda s: NOON + timedelta(seconds=s))


@given(start=moments, length=st.integers(min_value=0, max_value=9000), ended=st.booleans())
def test_pieces_never_overlap_never_cross_an_hour_and_leave_nothing_out(
    start: datetime, length: int, ended: bool
) -> None:
    until = start + timedelta(seconds=length)
    found = list(
        pieces(start=start, seen_until=until, ended_at=until if ended else None, seconds=300)
    )
    at = start
    for first, last in found:
        assert first == at
        assert first < last <= until
        assert floor(first, seconds=3600) == floor(last - timedelta(microseconds=1), seconds=3600)
        at = last
    assert at == until if ended else until - at < timedelta(seconds=300)


@given(start=moments, first=st.integers(0, 5000), more=st.integers(0, 5000))
def test_what_was_cut_once_is_cut_the_same_later(start: datetime, first: int, more: int) -> None:
    early = start + timedelta(seconds=first)
    late = early + timedelta(seconds=more)
    before = list(pieces(start=start, seen_until=early, ended_at=None, seconds=60))
    after = list(pieces(start=start, seen_until=late, ended_at=late, seconds=60))
    assert after[: len(before)] == before
