"""CloudWatch's metrics: what is put comes back as sums, bounds and percentiles, also later."""

import random
import signal
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.runtime.metrics.store import Store, series_of
from sandbox.runtime.metrics.summary import Summary, load
from tests.sandbox.conftest import Sandbox, eventually
from tests.sandbox.runtime import HAIKU, converse, metric, refusal

HOUR_AGO = timedelta(hours=1)
DIMENSIONS = [{"Name": "Feature", "Value": "chat"}]


def summary_of(values: list[float]) -> Summary:
    found = Summary()
    for value in values:
        found.add(value)
    return found


def put(aws: Sandbox, at: datetime, **datum: Any) -> None:
    aws.client("cloudwatch").put_metric_data(
        Namespace="Portal",
        MetricData=[
            {"MetricName": "Latency", "Dimensions": DIMENSIONS, "Timestamp": at, "Unit": "Seconds"}
            | datum
        ],
    )


def points(aws: Sandbox, begin: datetime, end: datetime, period: int, *stats: str) -> list[Any]:
    wanted = {
        "Statistics": [s for s in stats if not s.startswith("p")],
        "ExtendedStatistics": [s for s in stats if s.startswith("p")],
    }
    found: list[Any] = aws.client("cloudwatch").get_metric_statistics(
        Namespace="Portal",
        MetricName="Latency",
        Dimensions=DIMENSIONS,
        StartTime=begin,
        EndTime=end,
        Period=period,
        **{name: chosen for name, chosen in wanted.items() if chosen},
    )["Datapoints"]
    return found


def query(aws: Sandbox, begin: datetime, end: datetime, **stat: Any) -> dict[str, Any]:
    metric_stat = {
        "Metric": {"Namespace": "Portal", "MetricName": "Latency", "Dimensions": DIMENSIONS},
        "Period": 60,
        "Stat": "Sum",
    } | stat
    found: dict[str, Any] = aws.client("cloudwatch").get_metric_data(
        StartTime=begin,
        EndTime=end,
        MetricDataQueries=[{"Id": "wanted", "MetricStat": metric_stat}],
        ScanBy="TimestampAscending",
    )["MetricDataResults"][0]
    return found


def last_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR_AGO


@pytest.mark.parametrize("percent", [1, 50, 90, 95, 99, 99.9])
def test_a_percentile_is_within_one_per_cent_of_a_real_value(percent: float) -> None:
    dice = random.Random(3)
    values = sorted(dice.lognormvariate(6, 1) for _ in range(20_000))
    exact = values[round(percent / 100 * len(values)) - 1]

    assert summary_of(values).percentile(percent) == pytest.approx(exact, rel=0.0101)


def test_a_summary_stays_small_however_many_values_it_takes() -> None:
    dice = random.Random(4)
    found = summary_of([dice.lognormvariate(7, 1.5) for _ in range(50_000)])

    assert len(found.bins) < 900
    assert found.count == 50_000


def test_merged_summaries_say_the_same_as_one() -> None:
    dice = random.Random(5)
    values = [dice.uniform(-50, 500) for _ in range(1_000)]
    merged = summary_of(values[:300])
    merged.merge(summary_of(values[300:]))

    assert merged.bins == summary_of(values).bins
    assert merged.statistic("Average") == pytest.approx(statistics.fmean(values))
    assert load(merged.dump()) == merged


def test_old_minutes_become_hours_and_older_hours_go() -> None:
    store, now = Store(), 1_800_000_000.0 // 3_600 * 3_600
    series = series_of("Portal", "Latency", {"Feature": "chat"})
    for minutes in (60, 59, 58):
        store.add(series, now - 20 * 86_400 - minutes * 60, summary_of([5.0]), "Seconds")
    store.add(series, now - 500 * 86_400, summary_of([7.0]), "Seconds")
    store.add(series, now - 60, summary_of([9.0]), "Seconds")
    store.compact(now)
    found = store.read(series, start=0, end=now, period=60)

    assert [(at, values.total) for at, values in found] == [
        (int(now - 20 * 86_400 - 3_600), 15.0),
        (int(now - 60), 9.0),
    ]


def test_a_compacted_store_is_the_same_after_a_restart(tmp_path: Path) -> None:
    store, now = Store(), 1_800_000_000.0
    series = series_of("Portal", "Latency", {"Feature": "chat"})
    for minutes in range(90):
        store.add(series, now - 20 * 86_400 - minutes * 60, summary_of([1.0]), "Seconds")
    store.flush(tmp_path / "metrics")
    store.compact(now)
    store.flush(tmp_path / "metrics")
    again = Store()
    again.restore(tmp_path / "metrics")

    def everything(one: Store) -> list[Any]:
        return one.read(series, start=0, end=now, period=60)

    assert everything(again) == everything(store)
    assert sum(values.count for _, values in everything(again)) == 90
    assert again.unit(series) == "Seconds"


def test_what_is_put_comes_back_with_every_statistic(aws: Sandbox) -> None:
    begin = last_hour()
    for value in range(1, 101):
        put(aws, begin + timedelta(minutes=value % 50), Value=float(value))
    found = points(
        aws, begin, begin + HOUR_AGO, 3_600,
        "Sum", "Average", "SampleCount", "Minimum", "Maximum", "p50", "p90", "p99",
    )  # fmt: skip

    assert len(found) == 1
    point = found[0]
    simple = [point[s] for s in ("Sum", "Average", "SampleCount", "Minimum", "Maximum")]
    assert simple == [5_050, 50.5, 100, 1, 100]
    assert point["Unit"] == "Seconds"
    assert point["Timestamp"] == begin
    for name, exact in (("p50", 50), ("p90", 90), ("p99", 99)):
        assert point["ExtendedStatistics"][name] == pytest.approx(exact, rel=0.011)


def test_values_with_counts_and_statistic_values_are_taken(aws: Sandbox) -> None:
    begin = last_hour()
    put(aws, begin, Values=[1.0, 10.0], Counts=[3.0, 1.0])
    given = {"SampleCount": 2, "Sum": 8, "Minimum": 3, "Maximum": 5}
    put(aws, begin + timedelta(minutes=1), StatisticValues=given)
    found = points(aws, begin, begin + HOUR_AGO, 3_600, "Sum", "SampleCount", "Maximum")

    assert [found[0][s] for s in ("Sum", "SampleCount", "Maximum")] == [21, 6, 10]


def test_periods_divide_what_an_hour_holds_without_loss_or_repetition(aws: Sandbox) -> None:
    begin = last_hour()
    for minute in range(0, 60, 7):
        put(aws, begin + timedelta(minutes=minute), Value=1.0)

    minutes = query(aws, begin, begin + HOUR_AGO)
    assert [t.minute for t in minutes["Timestamps"]] == list(range(0, 60, 7))
    fives = query(aws, begin, begin + HOUR_AGO, Period=300)
    assert sum(fives["Values"]) == sum(minutes["Values"]) == 9
    middle = begin + timedelta(minutes=28)
    parts = [query(aws, begin, middle), query(aws, middle, begin + HOUR_AGO)]
    assert [sum(part["Values"]) for part in parts] == [4, 5]


def test_a_metric_without_values_has_no_points(aws: Sandbox) -> None:
    found = query(aws, last_hour(), last_hour() + HOUR_AGO)

    assert (found["Values"], found["StatusCode"]) == ([], "Complete")


@pytest.mark.parametrize(
    ("stat", "words"),
    [
        ({"Period": 45}, "not a multiple of 60"),
        ({"Stat": "p101"}, "not supported"),
        ({"Stat": "Median"}, "not supported"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    aws: Sandbox, stat: dict[str, Any], words: str
) -> None:
    code, sentence = refusal(query, aws, last_hour(), last_hour() + HOUR_AGO, **stat)

    assert code.startswith("InvalidParameterValue")
    assert words in sentence


def test_metric_maths_is_refused_with_a_clear_sentence(aws: Sandbox) -> None:
    call = aws.client("cloudwatch").get_metric_data
    maths = [{"Id": "sum", "Expression": "SUM(METRICS())"}]

    code, sentence = refusal(
        call, StartTime=last_hour(), EndTime=datetime.now(UTC), MetricDataQueries=maths
    )
    assert code == "ValidationError"
    assert "ask for MetricStat" in sentence


def test_nobody_else_writes_into_the_services_namespaces(aws: Sandbox) -> None:
    call = aws.client("cloudwatch").put_metric_data

    code, _ = refusal(
        call, Namespace="AWS/Bedrock", MetricData=[{"MetricName": "Invocations", "Value": 9}]
    )
    assert code.startswith("InvalidParameterValue")


def test_metrics_are_listed_by_name_and_dimension(aws: Sandbox) -> None:
    put(aws, last_hour(), Value=1.0)
    aws.put("delays", latency_scale=0)
    converse(aws, HAIKU)
    listing = aws.client("cloudwatch").list_metrics

    names = {m["MetricName"] for m in listing(Namespace="AWS/Bedrock")["Metrics"]}
    assert names == {"Invocations", "InputTokenCount", "OutputTokenCount", "InvocationLatency"}
    assert listing(Dimensions=[{"Name": "Feature"}])["Metrics"] == [
        {"Namespace": "Portal", "MetricName": "Latency", "Dimensions": DIMENSIONS}
    ]
    assert listing(Dimensions=[{"Name": "Feature", "Value": "other"}])["Metrics"] == []


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_metrics_survive_the_end_of_the_process(mortal: Sandbox, how: signal.Signals) -> None:
    mortal.put("delays", latency_scale=0)
    spent = sum(converse(mortal, HAIKU)["usage"]["inputTokens"] for _ in range(3))
    database = mortal.state / "runtime" / "metrics.sqlite3"
    eventually(lambda: database.exists() and _is_saved(mortal, spent), what="the metrics are saved")
    mortal.stop(how)
    mortal.start()

    assert metric(mortal, "AWS/Bedrock", "InputTokenCount", ModelId=HAIKU) == spent


def _is_saved(mortal: Sandbox, spent: float) -> bool:
    store = Store()
    store.restore(mortal.state / "runtime" / "metrics.sqlite3")
    series = series_of("AWS/Bedrock", "InputTokenCount", {"ModelId": HAIKU})
    return sum(v.total for _, v in store.read(series, start=0, end=2**40, period=60)) == spent
