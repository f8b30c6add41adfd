"""The load that a trace shows: rates, week, lengths, and the pattern it looks like. Pure."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from deployments.domain import profile
from deployments.domain.load_input import LEAST_RPS, MOST_RPS, rounded
from deployments.domain.trace import BadTrace, Requests
from deployments.domain.wording import count, percent
from deployments.domain.workload import Burst, Pattern

BURST_SECONDS = 10
ORIGIN = "Load measured in a trace"
_HOUR, _DAY, _WEEK = 3600.0, 86_400.0, 604_800.0
_MONDAY = 4 * 86_400.0  # 1970-01-05 00:00 UTC, a Monday
_LEAST_EXPOSURE_SECONDS = 900.0  # a quarter of an hour seen speaks for its hour
_STEADY_PEAK = 1.5  # a peak minute below this many times the mean is a machine's steady load
_SILENT = 0.5  # above this share of silent minutes nobody is talking all the time
_RUNS_A_DAY = 3  # silent most of the time and busy this seldom: jobs


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trace shows. Rates in requests/s (times the multiplier), lengths in tokens a request.

    `hours_seen` of the 168 hours of a week were in the trace; `weekly_profile` is empty when it is
    flat or too little was seen. `notes` say what was taken for granted.
    """

    requests: int
    multiplier: Decimal
    started_at: datetime
    ended_at: datetime
    mean_rps: Decimal
    peak_rps: Decimal
    burst: Burst
    input_tokens_mean: int
    input_tokens_p95: int
    output_tokens_mean: int
    output_tokens_p95: int
    cached_input_share: Decimal
    weekly_profile: tuple[Decimal, ...]
    hours_seen: int
    pattern: Pattern
    pattern_reason: str
    notes: tuple[str, ...]

    @property
    def span_seconds(self) -> float:
        """Seconds from the first request to the last."""
        return (self.ended_at - self.started_at).total_seconds()


def measure(requests: Requests, *, multiplier: Decimal = Decimal(1)) -> Measured:
    """Return the load of a trace whose every line stands for `multiplier` requests.

    Raises BadTrace when the load would be above what a workload may have.
    """
    moments = _moments(requests)
    week = _week(moments)
    mean, scale = _mean(moments, week), float(multiplier)
    highest = {seconds: _highest(moments, seconds) for seconds in (60, BURST_SECONDS)}
    peak = max(highest[60], mean, max(week.values(), default=0.0))
    if mean * scale > MOST_RPS:
        said = f"{count(mean * scale)} requests/s is more than {MOST_RPS:,}, the most a load has."
        raise BadTrace(said)
    pattern, reason = _pattern(moments, peak / mean)
    weights = _weights(week)
    return Measured(
        requests=len(moments),
        multiplier=multiplier,
        started_at=_at(moments[0]),
        ended_at=_at(moments[-1]),
        mean_rps=_rps(mean * scale),
        peak_rps=_rps(peak * scale),
        burst=Burst(_rps(max(highest[BURST_SECONDS], peak) * scale), BURST_SECONDS),
        input_tokens_mean=_mean_tokens(requests.inputs),
        input_tokens_p95=_p95_tokens(requests.inputs),
        output_tokens_mean=_mean_tokens(requests.outputs),
        output_tokens_p95=_p95_tokens(requests.outputs),
        cached_input_share=_cached(requests),
        weekly_profile=weights,
        hours_seen=len(_exposed(moments)),
        pattern=pattern,
        pattern_reason=reason,
        notes=_notes(requests, moments, weights),
    )


def proposed(measured: Measured) -> dict[str, Any]:
    """Return the inputs of a workload that the trace answers, as they would be written."""
    return {
        "pattern": measured.pattern.value,
        "load": f"{measured.mean_rps:f}",
        "load_unit": "per-second",
        "window_hours": "",
        "peak_rps": f"{measured.peak_rps:f}",
        "burst_rps": f"{measured.burst.rps:f}",
        "burst_seconds": measured.burst.seconds,
        "input_tokens_mean": measured.input_tokens_mean,
        "input_tokens_p95": measured.input_tokens_p95,
        "output_tokens_mean": measured.output_tokens_mean,
        "output_tokens_p95": measured.output_tokens_p95,
        "weekly_profile": [f"{weight:f}" for weight in measured.weekly_profile],
    } | (
        {"cached_input_share": f"{measured.cached_input_share:f}"}
        if measured.cached_input_share
        else {}
    )


def origin(measured: Measured) -> str:
    """Say where the load is from, as an assumption of the workload."""
    each = "" if measured.multiplier == 1 else f", each for {measured.multiplier.normalize():f}"
    return (
        f"{ORIGIN} of {measured.requests:,} requests{each}, {measured.started_at:%Y-%m-%d %H:%M} "
        f"to {measured.ended_at:%Y-%m-%d %H:%M} UTC. {measured.notes[0]}"
    )


def _moments(requests: Requests) -> list[float]:
    """Return the moments in order; those that count from the start begin on a Monday."""
    shift = _MONDAY if requests.is_relative else 0.0
    return sorted(moment + shift for moment in requests.moments)


def _at(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _rps(rate: float) -> Decimal:
    return max(LEAST_RPS, rounded(Decimal(repr(rate)).quantize(LEAST_RPS)))


def _highest(moments: Sequence[float], seconds: float) -> float:
    """Return requests/s in the fullest stretch of so many seconds, wherever it begins."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most / seconds


def _exposed(moments: Sequence[float]) -> dict[int, float]:
    """Return the seconds that the trace saw of each hour of the week, where they are enough."""
    seen: dict[int, float] = {}
    at, end = moments[0], moments[-1]
    while at < end:
        until = min(end, (at // _HOUR + 1) * _HOUR)
        hour = _hour(at)
        seen[hour] = seen.get(hour, 0.0) + until - at
        at = until
    return {hour: took for hour, took in seen.items() if took >= _LEAST_EXPOSURE_SECONDS}


def _hour(moment: float) -> int:
    return int((moment - _MONDAY) % _WEEK // _HOUR)


def _week(moments: Sequence[float]) -> dict[int, float]:
    """Return requests/s by hour of the week, the unseen ones filled; none below a day.

    An hour that was not seen is taken as the same hour of the day on the days that were.
    """
    if moments[-1] - moments[0] < _DAY:
        return {}
    counts = Counter(map(_hour, moments))
    seen = {hour: counts[hour] / took for hour, took in _exposed(moments).items()}
    alike: dict[int, list[float]] = {}
    for hour, rate in seen.items():
        alike.setdefault(hour % profile.HOURS_A_DAY, []).append(rate)
    overall = math.fsum(seen.values()) / len(seen)
    return {
        hour: seen.get(hour, _average(alike.get(hour % profile.HOURS_A_DAY), overall))
        for hour in range(profile.HOURS_A_WEEK)
    }


def _average(rates: Sequence[float] | None, otherwise: float) -> float:
    return math.fsum(rates) / len(rates) if rates else otherwise


def _mean(moments: Sequence[float], week: Mapping[int, float]) -> float:
    if week:
        return math.fsum(week.values()) / len(week)
    return len(moments) / (moments[-1] - moments[0])


def _weights(week: Mapping[int, float]) -> tuple[Decimal, ...]:
    if not week:
        return ()
    return profile.normalised([Decimal(repr(week[hour])) for hour in sorted(week)])


def _mean_tokens(lengths: Sequence[int]) -> int:
    return max(1, round(sum(lengths) / len(lengths)))


def _p95_tokens(lengths: Sequence[int]) -> int:
    """Return the 95th percentile (nearest rank), at least the mean: a workload asks for that."""
    ordered = sorted(lengths)
    return max(ordered[math.ceil(0.95 * len(ordered)) - 1], _mean_tokens(lengths))


def _cached(requests: Requests) -> Decimal:
    total = sum(requests.inputs)
    if not total:
        return Decimal(0)
    return (Decimal(requests.cached) / Decimal(total)).quantize(Decimal("0.001"))


def _pattern(moments: Sequence[float], spread: float) -> tuple[Pattern, str]:
    """Guess how requests arrive from silent minutes, runs of busy ones, and the peak."""
    busy = sorted({int(moment // 60) for moment in moments})
    minutes = busy[-1] - busy[0] + 1
    silent = 1 - len(busy) / minutes
    runs = 1 + sum(1 for one, other in itertools.pairwise(busy) if other > one + 1)
    if silent > _SILENT and runs <= _RUNS_A_DAY * max(1.0, minutes / 1440):
        return Pattern.BATCH, (
            f"{percent(silent)} of the minutes are silent and the work comes in {runs:,} runs."
        )
    if silent > _SILENT:
        return Pattern.EVENT_DRIVEN, (
            f"{percent(silent)} of the minutes are silent, between {runs:,} separate arrivals."
        )
    if spread <= _STEADY_PEAK:
        return Pattern.REAL_TIME, (
            f"The highest minute is {spread:.1f} times the mean: steady, as machines ask."
        )
    return Pattern.INTERACTIVE, (
        f"The highest minute is {spread:.1f} times the mean and the load seldom stops, as when "
        "people ask."
    )


def _notes(
    requests: Requests, moments: Sequence[float], weights: Sequence[Decimal]
) -> tuple[str, ...]:
    notes = [_of_week(moments, weights)]
    if requests.is_relative:
        notes.append(
            "Its timestamps count from its start, which is taken as Monday 00:00 UTC; the hours "
            "of the week are only right when it was."
        )
    return tuple(notes)


def _of_week(moments: Sequence[float], weights: Sequence[Decimal]) -> str:
    span = moments[-1] - moments[0]
    if span < _DAY:
        return (
            f"The trace spans {_span(span)}, less than a day: nothing is known of the week, so "
            "its profile stays flat."
        )
    seen = len(_exposed(moments))
    if seen == profile.HOURS_A_WEEK:
        flat = "" if weights else ", and all are alike"
        return f"The trace spans {_span(span)}: all 168 hours of the week were seen{flat}."
    return (
        f"The trace spans {_span(span)}, less than a week: {seen} of 168 hours were seen, the "
        f"other {profile.HOURS_A_WEEK - seen} repeat the same hour of the days that were."
    )


def _span(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{seconds / 60:.0f} minutes"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} hours"
    return f"{seconds / _DAY:.1f} days"
