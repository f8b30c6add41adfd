"""Read what was used, from CloudWatch and from what the reconciler saw, and tell the books.

Safe to run twice and at once: ids follow from source and interval, and only whole intervals that
can no longer change are booked.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from billing.domain.usage import Usage
from billing.usecases.metering import record_usage
from deployments.adapters.cloudwatch import sums
from deployments.domain.meters import HOUR_SECONDS, Reading, floor, pieces, readings, spec_at
from deployments.domain.target import Refused
from deployments.models import Resource, Span
from deployments.queries.metering import paid_spans, used_resources, watermarks

log = logging.getLogger("slipway.meter")
MINUTE_SECONDS = 60
# At most this much of one source at a time: a meter that stood still catches up in steps.
LONGEST_READ = timedelta(hours=6)
MOST_USAGE = 5_000


def meter(*, now: datetime) -> int:
    """Book everything that is over and not booked yet; return how many events were new.

    What CloudWatch does not tell just now keeps its watermark and is read the next time.
    """
    return meter_time(now=now) + meter_requests(now=now)


def meter_time(*, now: datetime) -> int:
    """Book the seconds of what is paid for by time."""
    seconds = _interval()
    spans = paid_spans(now=now)
    known = watermarks(sources=[_span_source(span) for span in spans])
    usage: list[Usage] = []
    read_to: dict[str, datetime] = {}
    new = 0
    for span in spans:
        source = _span_source(span)
        for start, end in pieces(
            start=known.get(source, span.started_at),
            seen_until=span.seen_until,
            ended_at=span.ended_at,
            seconds=seconds,
        ):
            usage.append(_time_used(span, start, end))
            read_to[source] = end
        if len(usage) >= MOST_USAGE:
            new += record_usage(usage=usage, read_to=read_to, now=now).new
            usage, read_to = [], {}
    if usage:
        new += record_usage(usage=usage, read_to=read_to, now=now).new
    return new


def meter_requests(*, now: datetime) -> int:
    """Book tokens, requests and GB-seconds from CloudWatch."""
    edge = floor(now - timedelta(seconds=settings.METER_SETTLE_SECONDS), seconds=_interval())
    groups: dict[tuple[datetime, datetime, int], list[Resource]] = defaultdict(list)
    resources = used_resources(now=now)
    known = watermarks(sources=[_request_source(each) for each in resources])
    for each in resources:
        began = each.began_at or each.created_at
        read_from = known.get(_request_source(each), floor(began, seconds=MINUTE_SECONDS))
        if _is_read(each, read_from):
            continue
        stretch = _stretch(read_from, edge)
        if stretch is not None:
            groups[stretch].append(each)
    return sum(
        _read_group(group, start=start, end=end, seconds=seconds, now=now)
        for (start, end, seconds), group in groups.items()
    )


def _is_read(resource: Resource, read_from: datetime) -> bool:
    """Say whether its last minute is in the books."""
    return resource.gone_at is not None and read_from > resource.gone_at


def _stretch(start: datetime, edge: datetime) -> tuple[datetime, datetime, int] | None:
    """Return what to read next: start, end and interval; None while nothing is over."""
    seconds = _interval()
    if floor(start, seconds=seconds) != start:
        # The interval was changed since: minutes lead to where the new one begins.
        aligned = floor(start, seconds=seconds) + timedelta(seconds=seconds)
        return (start, aligned, MINUTE_SECONDS) if aligned <= edge else None
    end = min(edge, start + LONGEST_READ)
    return (start, end, seconds) if end > start else None


def _read_group(
    group: Sequence[Resource], *, start: datetime, end: datetime, seconds: int, now: datetime
) -> int:
    wanted = {each.pk: _readings(each, each.spec) for each in group}
    try:
        found = sums(
            readings=[reading for each in wanted.values() for reading in each],
            start=start,
            end=end,
            seconds=seconds,
        )
    except Refused as refusal:
        log.warning("CloudWatch was not read from %s to %s: %s", start, end, refusal)
        return 0
    usage = [
        _requests_used(each, _readings_at(each, moment)[index], moment, seconds, value)
        for each in group
        for index, reading in enumerate(wanted[each.pk])
        for moment, value in found[reading].items()
        if value > 0 and start <= moment < end
    ]
    read_to = {_request_source(each): end for each in group}
    return record_usage(usage=usage, read_to=read_to, now=now).new


def _readings_at(resource: Resource, moment: datetime) -> tuple[Reading, ...]:
    """Return the readings with what the resource was at that moment."""
    return _readings(resource, spec_at(resource.spec, resource.past_specs, moment))


def _readings(resource: Resource, spec: Mapping[str, Any]) -> tuple[Reading, ...]:
    generation = resource.generation
    return readings(
        kind=resource.kind,
        name=resource.name,
        spec=spec,
        outputs=resource.outputs,
        model=generation.model,
        route=str(generation.option.get("extra", {}).get("route", "")),
    )


def _requests_used(
    resource: Resource, reading: Reading, start: datetime, seconds: int, value: Decimal
) -> Usage:
    moment = f"{start:%Y%m%dT%H%M%SZ}"
    return _usage(
        resource,
        uid=f"cloudwatch:{resource.name}:{reading.sku}:{moment}+{seconds}",
        sku=reading.sku,
        unit=reading.unit,
        quantity=value * reading.factor,
        start=start,
        end=start + timedelta(seconds=seconds),
    )


def _time_used(span: Span, start: datetime, end: datetime) -> Usage:
    elapsed = Decimal(str((end - start).total_seconds()))
    return _usage(
        span.resource,
        uid=f"span:{span.pk}:{span.resource.name}:{start.isoformat()}",
        sku=span.sku,
        unit="second",
        quantity=span.capacity * elapsed,
        start=start,
        end=end,
    )


def _usage(
    resource: Resource,
    *,
    uid: str,
    sku: str,
    unit: str,
    quantity: Decimal,
    start: datetime,
    end: datetime,
) -> Usage:
    generation = resource.generation
    deployment = generation.deployment
    return Usage(
        uid=uid,
        feature_id=deployment.feature_id,
        deployment=deployment.slug,
        environment=deployment.environment,
        tier=generation.tier,
        model=generation.model,
        resource=resource.name,
        sku=sku,
        quantity=quantity,
        unit=unit,
        started_at=start,
        ended_at=end,
    )


def _span_source(span: Span) -> str:
    return f"span:{span.pk}:{span.resource.name}"


def _request_source(resource: Resource) -> str:
    return f"cloudwatch:{resource.name}"


def _interval() -> int:
    seconds = int(settings.METER_INTERVAL_SECONDS)
    if seconds % MINUTE_SECONDS or HOUR_SECONDS % seconds:
        raise ImproperlyConfigured(
            "METER_INTERVAL_SECONDS must be whole minutes that divide an hour, such as 60 or 300."
        )
    return seconds
