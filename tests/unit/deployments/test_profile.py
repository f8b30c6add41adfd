"""The week of a load: 168 weights whose mean is one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain import picture, profile, workload_input
from deployments.domain.records import workload_from_json, workload_to_json
from tests.unit.deployments.advice_facts import CATALOG, read

OFFICE = [10 if hour // 24 < 5 and 8 <= hour % 24 < 18 else 1 for hour in range(168)]


def refusal(**given: Any) -> dict[str, str]:
    with pytest.raises(workload_input.Unreadable) as caught:
        read(**given)
    return caught.value.fields


@given(st.lists(st.decimals("0", "5000", places=3), min_size=168, max_size=168).filter(any))
def test_weights_have_a_mean_of_one_and_stay_when_it_is(weights: list[Decimal]) -> None:
    once = profile.normalised(weights)

    assert not once or abs(sum(once) / 168 - 1) <= Decimal("0.0001")
    assert not once or profile.normalised(once) == once


def test_a_flat_week_is_the_empty_profile() -> None:
    assert profile.normalised([Decimal(7)] * 168) == ()
    assert profile.highest(()) == 1
    assert profile.weight_at((), datetime(2026, 11, 20, tzinfo=UTC)) == 1
    assert profile.days(()) == ()


def test_an_hour_is_found_by_its_moment() -> None:
    week = profile.normalised([Decimal(weight) for weight in OFFICE])

    friday = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert profile.weight_at(week, friday) == max(week)
    assert profile.weight_at(week, friday.replace(hour=20)) == min(week)
    assert profile.busiest(week) == "Monday 08:00 UTC"
    assert [day.name for day in profile.days(week)][-1] == "Sunday"


def test_a_week_may_be_written_as_numbers_text_or_one_day() -> None:
    written = read(peak_rps="100", weekly_profile=OFFICE)
    typed = read(peak_rps="100", weekly_profile=", ".join(map(str, OFFICE)))
    day = read(peak_rps="100", weekly_profile="\n".join(map(str, OFFICE[:24])))

    assert written.weekly_profile == typed.weekly_profile
    assert len(day.weekly_profile) == 168
    assert day.weekly_profile[:24] == day.weekly_profile[144:]


def test_without_a_peak_the_busiest_hour_is_one() -> None:
    given_ = {"load": "10", "peak_rps": "", "weekly_profile": OFFICE}

    workload = read(**given_)

    assert workload.peak_rps == pytest.approx(
        10 * max(workload.weekly_profile), rel=Decimal(1) / 1000
    )


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"weekly_profile": [1] * 10}, "weekly_profile", "168 or 24 hourly weights; these are 10"),
        ({"weekly_profile": "1 " * 5000}, "weekly_profile", "168 or 24"),
        ({"weekly_profile": {"a": 1}}, "weekly_profile", "168 or 24 hourly weights."),
        ({"weekly_profile": [0] * 24}, "weekly_profile", "weight above 0"),
        ({"weekly_profile": [-1] * 24}, "weekly_profile", "Number 1 is between 0 and"),
        ({"weekly_profile": [1] * 23 + ["=2"]}, "weekly_profile", "Number 24"),
        ({"weekly_profile": [1] * 23 + [float("nan")]}, "weekly_profile", "Number 24"),
        ({"weekly_profile": OFFICE, "peak_rps": "6"}, "peak_rps", "busiest hour of the week (Mon"),
        ({"burst_rps": "1"}, "burst_rps", "below the peak minute"),
        ({"burst_rps": "1000", "burst_seconds": 61}, "burst_seconds", "between 1 and 60"),
        ({"burst_rps": "many"}, "burst_rps", "plain number"),
        ({"cached_input_share": "60"}, "cached_input_share", "between 0 and 1"),
        ({"cached_input_share": "60 %"}, "cached_input_share", "without a unit"),
    ],
)
def test_a_week_that_cannot_be_gets_its_sentence(
    changes: dict[str, Any], field: str, words: str
) -> None:
    assert words in refusal(**changes)[field]


def test_a_whole_load_survives_being_written_and_kept() -> None:
    workload = read(
        load="10", peak_rps="90", weekly_profile=OFFICE, burst_rps="200", cached_input_share="0.6"
    )

    again = workload_input.read(workload_input.written(workload), known_models=CATALOG.by_id)
    said = " ".join(picture.sentences(workload))

    assert again == workload
    assert workload_from_json(workload_to_json(workload)) == workload
    assert "In its highest 10 seconds 200 requests/s arrive." in said
    assert "Over the week Monday 08:00 UTC is busiest" in said
    assert "60 % of the input repeats as a prefix" in said


def test_a_row_written_before_there_was_a_week_is_flat() -> None:
    body = workload_to_json(read())
    for name in ("weekly_profile", "burst", "cached_input_share"):
        del body[name]

    assert workload_from_json(body) == read()
