"""A trace in, its load out; and a sentence with the line for each file that is none."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.adapters import traces
from deployments.domain import measured, trace, workload_input
from deployments.domain.measured import Measured
from deployments.domain.workload import Pattern
from tests.unit.deployments.advice_facts import CATALOG, PLAIN

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces"
AZURE = DATA / "azure_llm_2023_conv.csv.gz"
SERVEGEN = DATA / "servegen_m-small_10min_days1-7.csv.gz"
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HEAD = "timestamp,input_tokens,output_tokens\n"


def measure(content: str | bytes, multiplier: str = "1") -> Measured:
    raw = content.encode() if isinstance(content, str) else content
    found = trace.read(traces.lines(io.BytesIO(raw)))
    return measured.measure(found, multiplier=Decimal(multiplier))


def lines(moments: list[datetime], tokens: str = "100,20") -> str:
    return HEAD + "".join(f"{moment.isoformat()},{tokens}\n" for moment in moments)


def every(seconds: float, hours: float, start: datetime = MONDAY) -> list[datetime]:
    return [start + timedelta(seconds=i * seconds) for i in range(int(hours * 3600 / seconds))]


@pytest.mark.skipif(not AZURE.exists(), reason="the public Azure trace is not here")
def test_an_hour_of_the_public_trace_gives_its_load() -> None:
    found = measure(AZURE.read_bytes())

    rows = list(csv.DictReader(io.StringIO(gzip.decompress(AZURE.read_bytes()).decode())))
    inputs = sorted(int(row["ContextTokens"]) for row in rows)
    assert found.requests == len(rows)
    assert found.started_at == datetime(2023, 11, 16, 18, 15, 46, 680590, tzinfo=UTC)
    assert float(found.mean_rps) == pytest.approx(len(rows) / 3501.72, rel=0.001)
    assert found.input_tokens_mean == round(sum(inputs) / len(inputs))
    assert found.input_tokens_p95 == inputs[round(0.95 * len(inputs))]
    assert found.pattern is Pattern.INTERACTIVE
    assert found.weekly_profile == ()
    assert "less than a day" in found.notes[0]
    minutes = Counter(row["TIMESTAMP"][:16] for row in rows)
    assert found.peak_rps >= Decimal(max(minutes.values())) / 60
    assert found.burst.rps >= found.peak_rps


@pytest.mark.skipif(not SERVEGEN.exists(), reason="the public week of client load is not here")
def test_a_week_of_a_real_service_gives_its_profile() -> None:
    rates: Counter[int] = Counter()
    for row in csv.DictReader(io.StringIO(gzip.decompress(SERVEGEN.read_bytes()).decode())):
        rates[int(row["ts_sec"]) // 600] += float(row["rate_per_s"])  # type: ignore[assignment]
    thinned = 1000
    moments = [
        MONDAY + timedelta(seconds=step * 600 + 600 * i / count)
        for step in range(1008)
        if (count := round(rates[step] * 600 / thinned))
        for i in range(count)
    ]

    whole = lines([*moments, MONDAY + timedelta(days=7)])
    found = measure(gzip.compress(whole.encode()), multiplier=str(thinned))

    hourly = [sum(rates[hour * 6 + i] for i in range(6)) / 6 for hour in range(168)]
    mean = sum(hourly) / 168
    assert float(found.mean_rps) == pytest.approx(mean, rel=0.01)
    assert "all 168 hours" in found.notes[0]
    top = max(hourly) / mean
    assert float(max(found.weekly_profile)) == pytest.approx(top, rel=0.05)
    assert found.weekly_profile.index(max(found.weekly_profile)) == hourly.index(max(hourly))


def test_a_day_fills_the_other_six_and_says_so() -> None:
    moments = every(60, 12) + every(6, 12.1, MONDAY + timedelta(hours=12))

    found = measure(lines(moments))

    assert found.hours_seen == 24
    assert "less than a week: 24 of 168 hours were seen, the other 144 repeat" in found.notes[0]
    assert found.weekly_profile[:24] == found.weekly_profile[24:48]
    assert float(found.weekly_profile[13] / found.weekly_profile[3]) == pytest.approx(10, rel=0.02)
    assert abs(sum(found.weekly_profile) / 168 - 1) < Decimal("0.0002")


def test_a_weekday_alone_does_not_make_the_mean_of_its_fullest_hour() -> None:
    found = measure(lines(every(60, 24 + 12) + every(2, 1, MONDAY + timedelta(hours=36))))

    assert found.mean_rps < Decimal("0.08")
    assert float(found.peak_rps) == pytest.approx(0.5, rel=0.001)


def test_each_line_may_stand_for_many_requests() -> None:
    plain, thinned = measure(lines(every(1, 0.5))), measure(lines(every(1, 0.5)), "100")

    assert thinned.mean_rps == pytest.approx(plain.mean_rps * 100, rel=Decimal("0.0001"))
    assert thinned.input_tokens_mean == plain.input_tokens_mean


def test_a_burst_is_the_highest_ten_seconds_wherever_they_begin() -> None:
    moments = every(10, 1) + [MONDAY + timedelta(seconds=1817, milliseconds=i) for i in range(100)]

    found = measure(lines(sorted(moments)))

    assert found.burst.seconds == 10
    assert found.burst.rps == Decimal("10.1")
    assert float(found.peak_rps) == pytest.approx(106 / 60, abs=0.001)


@pytest.mark.parametrize(
    ("moments", "pattern"),
    [
        (every(1, 1), Pattern.REAL_TIME),
        (every(1, 1) + every(0.1, 0.1, MONDAY + timedelta(hours=1)), Pattern.INTERACTIVE),
        (every(1, 1) + every(1, 1, MONDAY + timedelta(hours=24)), Pattern.BATCH),
        ([MONDAY + timedelta(minutes=7 * i) for i in range(300)], Pattern.EVENT_DRIVEN),
    ],
)
def test_the_pattern_is_guessed_with_its_reason(moments: list[datetime], pattern: Pattern) -> None:
    found = measure(lines(moments))

    assert found.pattern is pattern, found.pattern_reason
    assert found.pattern_reason.endswith(".")


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens", "{iso},{n},7"),
        ("arrived_at;num_prefill_tokens;num_decode_tokens", "{offset};{n};7"),
        ("model\tTime\tPrompt Tokens\tCompletion Tokens", "nova\t{epoch}\t{n}\t7"),
        ('"Timestamp","Request tokens","Response tokens"', '"{millis}","{n}","7"'),
        ("\ufeffts,output_tokens,input_tokens,user", "{epoch}.25,7,{n},me"),
    ],
)
def test_the_column_names_of_known_traces_are_understood(head: str, row: str) -> None:
    start = int(MONDAY.timestamp())
    text = head + "\r\n"
    for i in range(300):
        iso = (MONDAY + timedelta(seconds=i)).isoformat(sep=" ")
        cells = {"iso": iso, "offset": i, "epoch": start + i, "millis": (start + i) * 1000, "n": 9}
        text += row.format(**cells) + "\r\n"

    found = measure(text)

    assert (found.requests, found.input_tokens_mean, found.output_tokens_mean) == (300, 9, 7)
    assert found.started_at.weekday() == 0
    assert ("taken as Monday" in " ".join(found.notes)) is ("arrived_at" in head)


def test_cached_tokens_give_the_share_that_repeats() -> None:
    rows = "".join(f"{i},1000,20,{600 if i % 2 else 0}\n" for i in range(300))

    assert measure(f"ts,input,output,cached_tokens\n{rows}").cached_input_share == Decimal("0.300")


GOOD = "".join(f"{1_790_000_000 + i},10,5\n" for i in range(200))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Line 1 has no timestamp column"),
        ("a,b,c\n1,2,3\n", "this one has 'a', 'b', 'c'"),
        ("timestamp,input_tokens\n", "Line 1 has no output column"),
        ("timestamp,time,input,output\n", "twice"),
        (HEAD, "0 requests; at least 100"),
        (HEAD + "=1+1,10,5\n", "Line 2: '=1+1' is no timestamp"),
        (HEAD + GOOD + '1790000300,"=HYPERLINK(""x"")",5\n', "Line 202: '=HYPERLINK"),
        (HEAD + "1790000000,<script>,5\n", "write a whole number such as 374"),
        (HEAD + "1790000000,-5,5\n", "Line 2: '-5' input tokens"),
        (HEAD + "1790000000,5,1e9\n", "Line 2: '1e9' output tokens"),
        (HEAD + "1790000000,99999999999999999999,5\n", "more than 10,000,000"),
        (HEAD + "1790000000,٣,5\n", "write a whole number"),
        (HEAD + "1790000000,10\n", "Line 2 has 2 cells"),
        (HEAD + "179\x000000000,10,5\n", "is no timestamp"),
        (HEAD + GOOD + "2026-11-20 10:00:00,1,1\n" + "5,1,1\n", "another kind of timestamp"),
        (HEAD + "1950-01-01,1,1\n", "before 1970"),
        (HEAD + "1790000000,10,5\n" * 200, "spans 0 seconds"),
        (HEAD + GOOD + "1990000000,10,5\n", "at most 366"),
        (HEAD + "9999-12-31T23:59:59-14:00,10,5\n", "after 2099"),
        (HEAD + 'a"b,\r"c"\rd,10,5\n', "Line 2"),
        ("timestamp,input_tokens,output_tokens,cached_tokens\n0,10,5,11\n", "are more than its 10"),
        ("x" * 5000, "Line 1 has more than 1,000 characters"),
        (",".join("abc" * 100), "300 columns"),
        (b"\xff\xfe\x00a", "neither UTF-8 text nor packed with gzip"),
        (b"PK\x03\x04" + bytes(range(256)), "neither UTF-8 text nor packed with gzip"),
        (b"\x1f\x8b\x08nonsense", "cannot be unpacked"),
        (gzip.compress((HEAD + GOOD).encode())[:-20], "ends in the middle"),
    ],
)
def test_what_is_no_trace_is_told_with_its_line(content: str | bytes, words: str) -> None:
    with pytest.raises(trace.BadTrace) as refused:
        measure(content)

    assert words in str(refused.value)
    assert "\x00" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_small_file_that_unpacks_into_a_large_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traces, "MOST_UNPACKED_BYTES", 300_000)
    monkeypatch.setattr(traces, "MOST_FILE_BYTES", 40_000)
    zeros = gzip.compress(b"\0" * 50_000_000)[:40_000]
    rows = gzip.compress((HEAD + "1790000000,10,5\n" * 50_000).encode())

    for content, words in ((zeros, "1,000 characters"), (rows, "Unpacked"), (b"0\n" * 30_000, "")):
        with pytest.raises(trace.BadTrace, match=words or "pack it with gzip"):
            list(traces.lines(io.BytesIO(content)))


def test_more_requests_than_are_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_ROWS", 150)

    with pytest.raises(trace.BadTrace, match="keep one line in ten"):
        measure(HEAD + GOOD)


def test_a_gzip_file_of_several_members_is_one_trace() -> None:
    first, second = GOOD[: len(GOOD) // 2], GOOD[len(GOOD) // 2 :]
    packed = gzip.compress((HEAD + first).encode()) + gzip.compress(second.encode())

    assert measure(packed).requests == 200


def test_a_load_no_workload_may_have_is_refused() -> None:
    with pytest.raises(trace.BadTrace, match="more than 1,000,000"):
        measure(HEAD + GOOD, multiplier="1000000000")


@settings(max_examples=60)
@given(
    gaps=st.lists(st.floats(0, 40_000), min_size=100, max_size=160),
    multiplier=st.sampled_from(["1", "7", "1000"]),
)
def test_what_a_trace_proposes_is_a_workload(gaps: list[float], multiplier: str) -> None:
    at, moments = 0.0, []
    for gap in [*gaps, 200.0]:
        at += gap
        moments.append(at)
    rows = "".join(f"{moment:.3f},100,20\n" for moment in moments)

    found = measure(HEAD + rows, multiplier=multiplier)
    workload = workload_input.read(PLAIN | measured.proposed(found), known_models=CATALOG.by_id)

    assert workload.peak_rps >= workload.mean_rps
    assert workload.burst is not None
    assert workload.burst.rps >= workload.peak_rps
    assert workload.weekly_profile == found.weekly_profile


@settings(max_examples=150)
@given(content=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    for given_ in (content, HEAD.encode() + content, gzip.compress(content)):
        with pytest.raises(trace.BadTrace, match=r"\.$"):
            measure(given_)
