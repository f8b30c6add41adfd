"""What a team may write about its load, and the sentence for what it may not."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.domain import workload_input
from deployments.domain.workload import LatencyOf, Need, Pattern, Residency
from tests.unit.deployments.advice_facts import CATALOG, PLAIN, read


def refusal(**given: Any) -> dict[str, str]:
    with pytest.raises(workload_input.Unreadable) as caught:
        read(**given)
    return caught.value.fields


def test_a_plain_workload_is_taken_as_written() -> None:
    workload = read(
        pattern="real-time", load=500, peak_rps="1,000", latency_ms=200, latency_percentile=99
    )

    assert workload.pattern is Pattern.REAL_TIME
    assert (workload.mean_rps, workload.peak_rps) == (Decimal(500), Decimal(1000))
    assert (workload.latency_ms, workload.latency_percentile) == (200, 99)
    assert workload.requests_per_month == Decimal(1_314_000_000)


def test_a_daily_volume_in_a_window_gives_the_mean_and_the_peak() -> None:
    workload = read(load="50000", load_unit="per-day", window_hours="8", peak_rps="")

    assert workload.mean_rps == Decimal("0.578704")
    assert workload.peak_rps == Decimal("1.736111")


def test_a_missing_p95_is_twice_the_mean() -> None:
    given = {name: value for name, value in PLAIN.items() if not name.endswith("p95")}

    workload = workload_input.read(given, known_models=CATALOG.by_id)

    assert (workload.input_tokens_p95, workload.output_tokens_p95) == (1000, 200)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("load", "-5", "between 0.000001 and 1,000,000"),
        ("load", 0, "between"),
        ("load", "500rps", "digits without a unit; '500rps' is not"),
        ("load", 10**30, "between"),
        ("load", 10**40, "a number of more than 30 digits"),
        ("load", float("nan"), "plain number"),
        ("load", float("inf"), "plain number"),
        ("load", "NaN", "plain number"),
        ("load", "1e400", "plain number"),
        ("load", "", "is needed"),
        ("load", True, "plain number"),
        ("load", [1], "plain number"),
        ("load_unit", "per-fortnight", "one of: per-second"),
        ("peak_rps", "1", "below the mean"),
        ("latency_ms", 0, "between 1 and"),
        ("latency_ms", "200ms", "without a unit"),
        ("latency_ms", "0.5", "between 1 and"),
        ("latency_ms", "200.5", "whole number"),
        ("latency_percentile", 90, "50, 95, 99"),
        ("latency_percentile", "p99", "50, 95, 99"),
        ("input_tokens_p95", 100, "below the mean (500 tokens)"),
        ("output_tokens_mean", "many", "plain number"),
        ("models", "no-such-model", "no model 'no-such-model'"),
        ("models", {"a": 1}, "list of texts"),
        ("forbidden_models", ["x" * 600], "up to 500 characters"),
        ("need", "magic", "standard, custom-gpu, custom-cpu"),
        ("need", "custom-gpu", "S3 address"),
        ("pattern", "sometimes", "one of: real-time"),
        ("region", "Europe", "looks like us-east-1"),
        ("region", 5, "is text"),
        ("quality_floor", 200, "between 0 and 100"),
        ("longest_commitment_months", 24, "0, 1, 3, 6, 12, 36"),
        ("images_per_request", -1, "between 0 and 20"),
        ("payload_bytes", "10 MB", "without a unit"),
        ("needs_streaming", "maybe", "true or false"),
        ("latency_of", "first-token", "Only a streamed answer"),
        ("notes", "n" * 3000, "at most 2,000 characters"),
        ("notes", "a\x00b", "at most"),
        ("residency", "moon", "anywhere, geography, region"),
        ("base_model", "gpt-nothing", "no model"),
        ("surprise", 1, "There is no input 'surprise'"),
        ("=1+1", 1, "There is no input"),
    ],
)
def test_what_cannot_be_gets_a_sentence_at_its_field(name: str, value: Any, words: str) -> None:
    fields = refusal(**{name: value})

    said = fields.get(name) or fields["weights_s3_uri"]
    assert words in said, said


def test_every_wrong_field_is_told_at_once() -> None:
    fields = refusal(load="-1", latency_ms=0, output_tokens_p95=1, pattern="x")

    assert set(fields) == {"load", "latency_ms", "output_tokens_p95", "pattern"}


def test_own_weights_are_read_with_their_size() -> None:
    workload = read(
        need="custom-gpu",
        weights_s3_uri="s3://team-models/v3/",
        parameters_billion="8.03",
        base_model="llama-3.1-8b-instruct",
        needs_streaming="on",
        latency_of="first-token",
        residency="region",
    )

    assert workload.need is Need.CUSTOM_GPU
    assert workload.custom is not None
    assert workload.custom.parameters_billion == Decimal("8.03")
    assert workload.latency_of is LatencyOf.FIRST_TOKEN
    assert workload.residency is Residency.REGION


def test_an_address_that_is_not_in_s3_is_told_what_one_looks_like() -> None:
    fields = refusal(need="custom-gpu", weights_s3_uri="https://x", parameters_billion=8)

    assert "looks like s3://bucket/folder/" in fields["weights_s3_uri"]


def test_own_weights_do_not_go_with_a_standard_need() -> None:
    fields = refusal(weights_s3_uri="s3://team-models/v3/", parameters_billion=8)

    assert "the need here is standard" in fields["weights_s3_uri"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(max_examples=300)
@given(name=st.sampled_from(workload_input.FIELDS), value=JSON)
def test_nothing_written_into_a_field_breaks_the_reader(name: str, value: Any) -> None:
    fields: dict[str, str] = {}
    try:
        workload = read(**{name: value})
    except workload_input.Unreadable as refused:
        fields = refused.fields

    assert all(sentence.endswith(".") for sentence in fields.values())
    assert json.dumps(fields)
    assert fields or workload.peak_rps >= workload.mean_rps > 0
