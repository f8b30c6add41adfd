"""Loads arrive as their shape says: rates, bursts, lengths, and the same again for a seed."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.domain import traffic
from deployments.domain.traffic import Profile, Shape

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "deployments" / "data" / "traffic.json"
TRACE = ROOT.parent / "shared" / "data" / "traces" / "azure_llm_2023_conv.csv.gz"
needs_trace = pytest.mark.skipif(
    not TRACE.exists(), reason="the third-party trace is not part of the project"
)


@pytest.fixture
def shape() -> Shape:
    return traffic.shape_from(json.loads(DATA.read_text()))


def play(shape: Shape, *, mean: float = 5, peak: float = 8, seconds: float = 3_600, seed: int = 1):
    return list(
        traffic.arrivals(shape=shape, rps_mean=mean, rps_peak=peak, seconds=seconds, seed=seed)
    )


def trace_rows(count: int = 300) -> Iterator[dict[str, str]]:
    start = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for number in range(count):
        yield {
            "TIMESTAMP": (start + timedelta(seconds=number)).isoformat(),
            "ContextTokens": str(100 + number),
            "GeneratedTokens": str(50 + number % 7),
        }


def with_value(column: str, value: str, *, line: int) -> list[dict[str, str]]:
    rows = list(trace_rows())
    rows[line - 2][column] = value
    return rows


def test_the_data_file_says_where_it_is_from():
    row = json.loads(DATA.read_text())

    assert "AzurePublicDataset" in row["source"]
    assert row["licence"] == "CC BY 4.0"
    assert row["as_of"] == "2023-11-16"
    assert len(row["sha256"]) == 64


@needs_trace
def test_the_data_file_is_what_the_trace_gives(shape):
    with gzip.open(TRACE, "rt") as lines:
        measured = traffic.shape_of_trace(csv.DictReader(lines))

    assert measured == shape


@needs_trace
def test_played_lengths_have_the_traces_mean_and_median(shape):
    with gzip.open(TRACE, "rt") as lines:
        rows = [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(lines)]
    played = play(shape, mean=6)

    for column in (0, 1):
        real = [row[column] for row in rows]
        ours = [row[column + 1] for row in played]
        assert statistics.fmean(ours) == pytest.approx(statistics.fmean(real), rel=0.05)
        assert statistics.median(ours) == pytest.approx(statistics.median(real), rel=0.05)


@pytest.mark.parametrize("profile", Profile)
def test_every_profile_has_the_mean_rate(shape, profile):
    played = play(traffic.with_profile(shape=shape, profile=profile))

    assert len(played) == pytest.approx(5 * 3_600, rel=0.05)


def test_the_interactive_profile_reaches_the_peak_rate(shape):
    minute = 3_600 / len(shape.minute_rates)
    counts = statistics.multimode([int(at // minute) for at, _, _ in play(shape, mean=50, peak=80)])
    busiest = sum(1 for at, _, _ in play(shape, mean=50, peak=80) if int(at // minute) == counts[0])

    assert busiest / minute == pytest.approx(80, rel=0.06)


def test_a_constant_load_is_as_heavy_in_every_half(shape):
    played = play(traffic.with_profile(shape=shape, profile=Profile.CONSTANT))
    first = sum(1 for at, _, _ in played if at < 1_800)

    assert first == pytest.approx(len(played) / 2, rel=0.05)


def test_a_batch_runs_at_its_peak_and_then_rests(shape):
    played = play(traffic.with_profile(shape=shape, profile=Profile.BATCH), mean=2, peak=8)

    assert len(played) == 7_200
    assert played[-1][0] < 900
    gaps = {round(b[0] - a[0], 9) for a, b in itertools.pairwise(played)}
    assert gaps == {0.125}


def test_a_trace_can_be_compressed_in_time(shape):
    hour = play(shape, mean=1, peak=1.5, seconds=3_600)
    minute = play(shape, mean=60, peak=90, seconds=60)

    assert [row[1:] for row in hour] == [row[1:] for row in minute]
    assert [at for at, _, _ in minute] == pytest.approx([at / 60 for at, _, _ in hour])


def test_the_same_seed_gives_the_same_requests_and_another_seed_others(shape):
    assert play(shape, seconds=60) == play(shape, seconds=60)
    assert play(shape, seconds=60) != play(shape, seconds=60, seed=2)


def test_requests_come_in_order_within_the_time(shape):
    moments = [at for at, _, _ in play(shape)]

    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < 3_600


def test_no_rate_and_no_time_give_no_requests(shape):
    assert play(shape, mean=0) == []
    assert play(shape, seconds=0) == []


def test_a_negative_rate_is_refused(shape):
    with pytest.raises(ValueError, match="not negative"):
        play(shape, mean=-1)


def test_lengths_of_a_workload_replace_those_of_the_trace(shape):
    ours = traffic.with_lengths(
        shape=shape, input_mean=800, input_p95=2_000, output_mean=10, output_p95=10
    )
    played = play(ours)
    inputs = [row[1] for row in played]

    assert statistics.fmean(inputs) == pytest.approx(800, rel=0.05)
    assert statistics.quantiles(inputs, n=20)[18] == pytest.approx(2_000, rel=0.08)
    assert {row[2] for row in played} == {10}


def test_long_inputs_go_with_long_outputs_when_the_trace_says_so():
    table = tuple(range(1, 102))
    linked = Shape(Profile.CONSTANT, (1.0,), 1.0, table, table, 0.95)
    loose = Shape(Profile.CONSTANT, (1.0,), 1.0, table, table, 0.0)

    def correlation(shape: Shape) -> float:
        rows = play(shape)
        return statistics.correlation([r[1] for r in rows], [r[2] for r in rows])

    assert correlation(linked) == pytest.approx(0.95, abs=0.03)
    assert correlation(loose) == pytest.approx(0, abs=0.03)


def test_a_trace_of_that_form_is_measured():
    measured = traffic.shape_of_trace(trace_rows())

    assert measured.profile is Profile.INTERACTIVE
    assert measured.minute_rates == (1.0, 1.0, 1.0, 1.0)
    assert measured.gap_variation == 0
    assert measured.input_tokens[50] == 250


def test_a_trace_out_of_order_is_the_same_trace():
    rows = list(trace_rows())

    assert traffic.shape_of_trace(reversed(rows)) == traffic.shape_of_trace(rows)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (with_value("TIMESTAMP", "yesterday", line=7), "Line 7: 'yesterday' is not a timestamp"),
        (
            with_value("ContextTokens", "many", line=3),
            "Line 3: ContextTokens 'many' is not a whole",
        ),
        (with_value("GeneratedTokens", "-4", line=9), "Line 9: GeneratedTokens -4 is not between"),
        (with_value("GeneratedTokens", "", line=9), "Line 9 has no GeneratedTokens"),
        ([{"time": "1"}], "Line 2 has no TIMESTAMP"),
        ([], "0 requests"),
        (list(trace_rows(110)), "shorter than two minutes"),
    ],
)
def test_a_trace_that_cannot_be_used_is_refused_with_its_line(rows, sentence):
    with pytest.raises(traffic.BadTrace, match=sentence):
        traffic.shape_of_trace(rows)


def test_moments_with_and_without_a_zone_do_not_mix_into_a_crash():
    rows = with_value("TIMESTAMP", "2026-11-20T12:00:05", line=7)

    assert len(traffic.shape_of_trace(rows).minute_rates) == 4
