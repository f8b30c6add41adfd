"""CloudWatch: sums of metrics over intervals, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.adapters.refusals import ask
from deployments.domain.meters import Reading
from deployments.domain.target import Transient
from portal import aws

MOST_QUERIES = 500  # of one GetMetricData (AWS, CloudWatch API reference)
Sums = Mapping[Reading, Mapping[datetime, Decimal]]


def sums(*, readings: Sequence[Reading], start: datetime, end: datetime, seconds: int) -> Sums:
    """Return the sum of each metric in each interval that has any, by the interval's start.

    Raises Transient when CloudWatch does not give all of it, Permanent when it refuses.
    """
    found: dict[Reading, dict[datetime, Decimal]] = {each: {} for each in readings}
    unique = list(found)
    for first in range(0, len(unique), MOST_QUERIES):
        chunk = unique[first : first + MOST_QUERIES]
        _read(chunk, found, start=start, end=end, seconds=seconds)
    return found


def _read(
    chunk: Sequence[Reading],
    found: dict[Reading, dict[datetime, Decimal]],
    *,
    start: datetime,
    end: datetime,
    seconds: int,
) -> None:
    cloudwatch = aws.client("cloudwatch")
    asked: dict[str, Any] = {
        "MetricDataQueries": [_query(n, each, seconds) for n, each in enumerate(chunk)],
        "StartTime": start,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
    }
    status: dict[str, str] = {}
    while True:
        reply = ask(cloudwatch.get_metric_data, **asked)
        for result in reply["MetricDataResults"]:
            status[result["Id"]] = result.get("StatusCode", "Complete")
            values = found[chunk[int(result["Id"][1:])]]
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                values[moment] = Decimal(str(value))
        if not reply.get("NextToken"):
            break
        asked["NextToken"] = reply["NextToken"]
    if any(said != "Complete" for said in status.values()):
        raise Transient("CloudWatch gave only a part of the metrics.", code="PartialData")


def _query(number: int, reading: Reading, seconds: int) -> dict[str, Any]:
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": reading.namespace,
                "MetricName": reading.metric,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in reading.dimensions
                ],
            },
            "Period": seconds,
            "Stat": "Sum",
        },
        "ReturnData": True,
    }
