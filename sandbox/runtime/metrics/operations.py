"""PutMetricData, GetMetricData, GetMetricStatistics and ListMetrics on the wire."""

import re
from datetime import UTC, datetime
from typing import Any

from sandbox import state
from sandbox.runtime.metrics.recorder import store
from sandbox.runtime.metrics.store import Series, TooManySeries, series_of
from sandbox.runtime.metrics.summary import Summary
from sandbox.runtime.request import Reply, Request, plain
from sandbox.wire import AwsError, answer, check, json_parameters, service_model

_JSON = "application/x-amz-json-1.0"
_STATISTICS = frozenset(["Sum", "Average", "SampleCount", "Minimum", "Maximum"])
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)")
_MAX_QUERIES = 500
_MAX_POINTS = 100_800
_MAX_STATISTICS_POINTS = 1_440
_PAGE = 500
_PUT_PAST_SECONDS = 14 * 86_400
_PUT_FUTURE_SECONDS = 2 * 3_600


def _refused(message: str, code: str = "InvalidParameterValue") -> AwsError:
    return AwsError(code, message)


def _parameters(request: Request, operation: str) -> dict[str, Any]:
    wish = json_parameters(request.body)
    check(service_model("cloudwatch").operation_model(operation), wish)
    return wish


def _seconds(moment: Any, name: str) -> float:
    if isinstance(moment, int | float):
        return float(moment)
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError as broken:
        raise _refused(f"The parameter {name} is not a timestamp.") from broken
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _dimensions(rows: list[dict[str, Any]] | None) -> dict[str, str]:
    return {row["Name"]: row.get("Value", "") for row in rows or ()}


def put(request: Request) -> Reply:
    """Take in values of a caller's own metrics; the AWS/ namespaces are the services' alone."""
    wish = _parameters(request, "PutMetricData")
    namespace = wish["Namespace"]
    if namespace.startswith("AWS/"):
        raise _refused("The value AWS/ for parameter Namespace is invalid.")
    for datum in wish.get("MetricData") or ():
        _put_one(namespace, datum)
    state.touch("runtime")
    return plain(answer({}, content_type=_JSON))


def _put_one(namespace: str, datum: dict[str, Any]) -> None:
    now = state.now()
    at = _seconds(datum.get("Timestamp", now), "Timestamp")
    if not now - _PUT_PAST_SECONDS <= at <= now + _PUT_FUTURE_SECONDS:
        raise _refused("The parameter MetricData.member.1.Timestamp must be within two weeks.")
    series = series_of(namespace, datum["MetricName"], _dimensions(datum.get("Dimensions")))
    try:
        store.add(series, at, _summary(datum), datum.get("Unit", "None"))
    except TooManySeries as full:
        raise AwsError("LimitExceeded", "The sandbox keeps no more metrics.") from full


def _summary(datum: dict[str, Any]) -> Summary:
    values = Summary()
    if given := datum.get("StatisticValues"):
        if given["SampleCount"] <= 0:
            raise _refused("The value of SampleCount must be greater than 0.")
        values.add_statistics(
            count=given["SampleCount"],
            total=given["Sum"],
            low=given["Minimum"],
            high=given["Maximum"],
        )
    elif datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        if len(counts) != len(datum["Values"]):
            raise _refused("The parameters Values and Counts must be of the same size.")
        for value, weight in zip(datum["Values"], counts, strict=True):
            values.add(float(value), float(weight))
    elif "Value" in datum:
        values.add(float(datum["Value"]))
    else:
        raise _refused("At least one of Value, Values and StatisticValues must be specified.")
    return values


def get_data(request: Request) -> Reply:
    """Answer each query with its points; metric maths is not offered here."""
    wish = _parameters(request, "GetMetricData")
    start, end = _window(wish)
    queries = wish["MetricDataQueries"]
    if len(queries) > _MAX_QUERIES:
        raise _refused("The collection MetricDataQueries must not have more than 500 members.")
    newest_first = wish.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = [_query(query, start, end, newest_first) for query in queries]
    shown = [found for query, found in zip(queries, results, strict=True) if _returned(query)]
    return plain(answer({"MetricDataResults": shown, "Messages": []}, content_type=_JSON))


def _returned(query: dict[str, Any]) -> bool:
    return bool(query.get("ReturnData", True))


def _window(wish: dict[str, Any]) -> tuple[float, float]:
    start, end = _seconds(wish["StartTime"], "StartTime"), _seconds(wish["EndTime"], "EndTime")
    if start >= end:
        raise _refused("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _query(query: dict[str, Any], start: float, end: float, newest_first: bool) -> dict[str, Any]:
    if "MetricStat" not in query:
        raise _refused(
            "Metric maths (Expression) is not offered by the sandbox: ask for MetricStat.",
            "ValidationError",
        )
    wish = query["MetricStat"]
    metric, period = wish["Metric"], _period(wish["Period"])
    series = series_of(
        metric.get("Namespace", ""),
        metric.get("MetricName", ""),
        _dimensions(metric.get("Dimensions")),
    )
    if (end - start) / period > _MAX_POINTS:
        raise _refused("The query asks for more than 100,800 data points.")
    name = _statistic(wish["Stat"])
    points = store.read(series, start=start, end=end, period=period)
    points = points[::-1] if newest_first else points
    return {
        "Id": query["Id"],
        "Label": query.get("Label", metric.get("MetricName", "")),
        "Timestamps": [moment for moment, _ in points],
        "Values": [values.statistic(name) for _, values in points],
        "StatusCode": "Complete",
    }


def _period(period: int) -> int:
    if period < 60 or period % 60:
        raise _refused(f"The period {period} is not a multiple of 60 seconds.")
    return period


def _statistic(name: str) -> str:
    if name in _STATISTICS or _PERCENTILE.fullmatch(name):
        return name
    raise _refused(f"The value {name} for parameter Stat is not supported.")


def get_statistics(request: Request) -> Reply:
    """Answer the asked statistics of one metric."""
    wish = _parameters(request, "GetMetricStatistics")
    start, end = _window(wish)
    period = _period(wish["Period"])
    plain_names, percentiles = wish.get("Statistics") or [], wish.get("ExtendedStatistics") or []
    if not plain_names and not percentiles:
        raise _refused(
            "Must specify either Statistics or ExtendedStatistics", "InvalidParameterCombination"
        )
    if (end - start) / period > _MAX_STATISTICS_POINTS:
        raise _refused(
            "You have requested up to more than 1,440 datapoints, which exceeds the limit. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range.",
            "InvalidParameterCombination",
        )
    names = [_statistic(name) for name in (*plain_names, *percentiles)]
    dimensions = _dimensions(wish.get("Dimensions"))
    series = series_of(wish["Namespace"], wish["MetricName"], dimensions)
    points = [
        _point(moment, values, names, store.unit(series))
        for moment, values in store.read(series, start=start, end=end, period=period)
    ]
    found = {"Label": wish["MetricName"], "Datapoints": points}
    return plain(answer(found, content_type=_JSON))


def _point(moment: int, values: Summary, names: list[str], unit: str) -> dict[str, Any]:
    simple = {name: values.statistic(name) for name in names if name in _STATISTICS}
    extended = {name: values.statistic(name) for name in names if name not in _STATISTICS}
    more = {"ExtendedStatistics": extended} if extended else {}
    return {"Timestamp": moment, "Unit": unit, **simple, **more}


def list_metrics(request: Request) -> Reply:
    """Return the metrics that fit, 500 a page."""
    wish = _parameters(request, "ListMetrics")
    token = wish.get("NextToken", "0")
    if not token.isdigit():
        raise _refused("The NextToken is not valid.")
    found = sorted((s for s in store.names() if _fits(s, wish)), key=Series.dump)
    begin = int(token)
    metrics = [
        {
            "Namespace": s.namespace,
            "MetricName": s.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in s.dimensions],
        }
        for s in found[begin : begin + _PAGE]
    ]
    more = {"NextToken": str(begin + _PAGE)} if begin + _PAGE < len(found) else {}
    return plain(answer({"Metrics": metrics, **more}, content_type=_JSON))


def _fits(series: Series, wish: dict[str, Any]) -> bool:
    if wish.get("Namespace", series.namespace) != series.namespace:
        return False
    if wish.get("MetricName", series.name) != series.name:
        return False
    own = dict(series.dimensions)
    for wanted in wish.get("Dimensions") or ():
        if (
            wanted["Name"] not in own
            or wanted.get("Value", own[wanted["Name"]]) != own[wanted["Name"]]
        ):
            return False
    return True
