"""How a load arrives: its profile over time, its burstiness, and how long its requests are."""

from __future__ import annotations

import bisect
import itertools
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

QUANTILES = 101
"""A table of lengths holds the 0th to the 100th percentile."""

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
FEWEST_ROWS = 100
MOST_TOKENS = 10_000_000
_NORMAL = statistics.NormalDist()
_Z_95 = 1.6448536269514722
_SECONDS_PER_MINUTE = 60.0


class BadTrace(ValueError):
    """A trace file cannot be used; the message says which line and why."""


class Profile(StrEnum):
    """How the rate changes over time."""

    CONSTANT = "constant"  # the mean rate all the time
    INTERACTIVE = "interactive"  # people's rise and fall, as in the trace
    BATCH = "batch"  # the peak rate from the start until the work is done, then silence


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a load apart from its size.

    `minute_rates` are relative to their mean; `gap_variation` is the standard deviation of the time
    between arrivals divided by its mean, the trend taken out (1 is a Poisson process);
    `rank_correlation` is Spearman's, of input and output tokens.
    """

    profile: Profile
    minute_rates: tuple[float, ...]
    gap_variation: float
    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    rank_correlation: float


def shape_from(row: Mapping[str, Any]) -> Shape:
    """Return the shape in a row of deployments/data/traffic.json; other keys are left alone."""
    return Shape(
        profile=Profile(row["profile"]),
        minute_rates=tuple(float(rate) for rate in row["minute_rates"]),
        gap_variation=float(row["gap_variation"]),
        input_tokens=tuple(int(tokens) for tokens in row["input_tokens"]),
        output_tokens=tuple(int(tokens) for tokens in row["output_tokens"]),
        rank_correlation=float(row["rank_correlation"]),
    )


def with_profile(*, shape: Shape, profile: Profile) -> Shape:
    """Return the same requests arriving in another way."""
    match profile:
        case Profile.INTERACTIVE:
            return replace(shape, profile=profile)
        case Profile.CONSTANT:
            return replace(shape, profile=profile, minute_rates=(1.0,), gap_variation=1.0)
        case Profile.BATCH:
            return replace(shape, profile=profile, minute_rates=(1.0,), gap_variation=0.0)


def with_lengths(
    *,
    shape: Shape,
    input_mean: float,
    input_p95: float,
    output_mean: float,
    output_p95: float,
) -> Shape:
    """Return the same arrivals with other lengths (tokens), lognormal through mean and p95."""
    return replace(
        shape,
        input_tokens=lengths(mean=input_mean, p95=input_p95),
        output_tokens=lengths(mean=output_mean, p95=output_p95),
    )


def lengths(*, mean: float, p95: float) -> tuple[int, ...]:
    """Return the quantile table of a lognormal length with this mean and 95th percentile (tokens).

    ln(p95 / mean) = z s - s*s/2 is solved for the smaller s; a p95 that no lognormal has, above
    3.87 times the mean, is taken as that. A p95 at or below the mean gives a fixed length.
    """
    ratio = min(math.log(p95 / mean), _Z_95**2 / 2) if p95 > mean else 0.0
    sigma = _Z_95 - math.sqrt(_Z_95**2 - 2 * ratio)
    mu = math.log(mean) - sigma**2 / 2
    levels = [min(max(q / 100, 0.005), 0.995) for q in range(QUANTILES)]
    return tuple(max(1, round(math.exp(mu + sigma * _NORMAL.inv_cdf(u)))) for u in levels)


def arrivals(
    *, shape: Shape, rps_mean: float, rps_peak: float, seconds: float, seed: int
) -> Iterator[tuple[float, int, int]]:
    """Yield (seconds from the start, input tokens, output tokens) of every request, in order.

    The rate has the mean and, as far as the profile allows, the peak that are asked for (requests
    per second); the profile is stretched over `seconds`. The same seed gives the same requests.
    Raises ValueError for a negative rate or length of time.
    """
    if rps_mean < 0 or seconds < 0:
        raise ValueError("A rate and a length of time are not negative.")
    if rps_mean == 0 or seconds == 0:
        return
    chance = random.Random(seed)  # noqa: S311 - play, not secrets
    steps = _rates(shape, rps_mean, max(rps_mean, rps_peak), seconds)
    for at_seconds in _moments(steps, shape.gap_variation, chance):
        yield at_seconds, *_lengths(shape, chance)


def _rates(shape: Shape, mean: float, peak: float, seconds: float) -> list[tuple[float, float]]:
    """Return (duration in seconds, requests per second) for each stretch of time."""
    if shape.profile is Profile.BATCH:
        return [(seconds * mean / peak, peak)]
    rates = _sharpened(shape.minute_rates, peak / mean)
    return [(seconds / len(rates), mean * rate) for rate in rates]


def _sharpened(rates: Sequence[float], peak_to_mean: float) -> list[float]:
    """Return the rates raised to the power that gives them this peak, relative to their mean."""
    if len(set(rates)) == 1:
        return [1.0] * len(rates)
    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if max(_power(rates, middle)) < peak_to_mean else (low, middle)
    return _power(rates, low)


def _power(rates: Sequence[float], exponent: float) -> list[float]:
    highest = max(rates)
    raised = [(rate / highest) ** exponent for rate in rates]
    mean = statistics.fmean(raised)
    return [rate / mean for rate in raised]


def _moments(
    steps: list[tuple[float, float]], variation: float, chance: random.Random
) -> Iterator[float]:
    """Yield moments whose gaps, in expected arrivals, are gamma with mean 1 and this variation."""
    ends = list(itertools.accumulate(duration * rate for duration, rate in steps))
    begins = list(itertools.accumulate((duration for duration, _ in steps), initial=0.0))
    expected = 0.5 * _gap(variation, chance) if variation else 0.5
    while expected < ends[-1]:
        step = bisect.bisect_right(ends, expected)
        before = ends[step - 1] if step else 0.0
        yield begins[step] + (expected - before) / steps[step][1]
        expected += _gap(variation, chance)


def _gap(variation: float, chance: random.Random) -> float:
    if variation == 0:
        return 1.0
    return chance.gammavariate(variation**-2, variation**2)


def _lengths(shape: Shape, chance: random.Random) -> tuple[int, int]:
    """Draw both lengths with their rank correlation (Gaussian copula)."""
    correlation = 2 * math.sin(math.pi * shape.rank_correlation / 6)
    first = chance.gauss(0.0, 1.0)
    second = correlation * first + math.sqrt(1 - correlation**2) * chance.gauss(0.0, 1.0)
    return _at(shape.input_tokens, first), _at(shape.output_tokens, second)


def _at(table: Sequence[int], normal: float) -> int:
    place = _NORMAL.cdf(normal) * (len(table) - 1)
    below = min(int(place), len(table) - 2)
    value = table[below] + (table[below + 1] - table[below]) * (place - below)
    return max(1, round(value))


def shape_of_trace(rows: Iterable[Mapping[str, Any]]) -> Shape:
    """Measure a trace with the columns TIMESTAMP, ContextTokens and GeneratedTokens.

    Raises BadTrace for a missing column, a value that is none, and too few rows.
    """
    moments, inputs, outputs = _read(rows)
    order = sorted(range(len(moments)), key=moments.__getitem__)
    starts = [moments[i] - moments[order[0]] for i in order]
    rates = _minute_rates(starts)
    return Shape(
        profile=Profile.INTERACTIVE,
        minute_rates=tuple(round(rate, 4) for rate in rates),
        gap_variation=round(_gap_variation(starts, rates), 4),
        input_tokens=_quantiles(inputs),
        output_tokens=_quantiles(outputs),
        rank_correlation=round(statistics.correlation(_ranks(inputs), _ranks(outputs)), 4),
    )


def _read(rows: Iterable[Mapping[str, Any]]) -> tuple[list[float], list[int], list[int]]:
    moments, inputs, outputs = [], [], []
    for line, row in enumerate(rows, start=2):
        missing = [name for name in COLUMNS if row.get(name) in (None, "")]
        if missing:
            raise BadTrace(f"Line {line} has no {missing[0]}; a trace has {', '.join(COLUMNS)}.")
        moments.append(_moment(row["TIMESTAMP"], line))
        inputs.append(_tokens(row["ContextTokens"], line, "ContextTokens"))
        outputs.append(_tokens(row["GeneratedTokens"], line, "GeneratedTokens"))
    if len(moments) < FEWEST_ROWS:
        raise BadTrace(f"The trace has {len(moments)} requests; at least {FEWEST_ROWS} are needed.")
    if len(set(inputs)) == 1 or len(set(outputs)) == 1:
        raise BadTrace("All requests of the trace are equally long, so nothing can be learned.")
    return moments, inputs, outputs


def _moment(text: str, line: int) -> float:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as wrong:
        raise BadTrace(f"Line {line}: {text!r} is not a timestamp.") from wrong
    return (found - datetime(1970, 1, 1, tzinfo=found.tzinfo)).total_seconds()


def _tokens(text: str, line: int, column: str) -> int:
    try:
        found = int(text)
    except (TypeError, ValueError) as wrong:
        raise BadTrace(f"Line {line}: {column} {text!r} is not a whole number.") from wrong
    if not 0 <= found <= MOST_TOKENS:
        raise BadTrace(f"Line {line}: {column} {found} is not between 0 and {MOST_TOKENS:,}.")
    return found


def _minute_rates(starts: Sequence[float]) -> list[float]:
    """Return the requests of each whole minute, relative to their mean."""
    whole = int(starts[-1] // _SECONDS_PER_MINUTE)
    if whole < 2:
        raise BadTrace("The trace is shorter than two minutes.")
    counts = [0] * whole
    for start in starts:
        minute = int(start // _SECONDS_PER_MINUTE)
        if minute < whole:
            counts[minute] += 1
    mean = statistics.fmean(counts)
    return [count / mean for count in counts]


def _gap_variation(starts: Sequence[float], rates: Sequence[float]) -> float:
    """Return the variation of gaps, each measured in the expected gap of its minute."""
    gaps = []
    for before, after in itertools.pairwise(starts):
        minute = int(after // _SECONDS_PER_MINUTE)
        if minute < len(rates) and rates[minute]:
            gaps.append((after - before) * rates[minute])
    return statistics.pstdev(gaps) / statistics.fmean(gaps)


def _ranks(values: Sequence[int]) -> list[float]:
    """Return the rank of each value; equal values share the mean of their ranks."""
    counts = Counter(values)
    rank, before = {}, 0
    for value in sorted(counts):
        rank[value] = before + (counts[value] + 1) / 2
        before += counts[value]
    return [rank[value] for value in values]


def _quantiles(values: Sequence[int]) -> tuple[int, ...]:
    """Return the percentiles; the last one is such that the longest 1 % keep their mean."""
    ordered = sorted(values)
    last = len(ordered) - 1
    table = [ordered[round(last * q / 100)] for q in range(QUANTILES)]
    longest = statistics.fmean(ordered[round(last * 0.99) :])
    table[-1] = min(ordered[-1], max(table[-2], round(2 * longest - table[-2])))
    return tuple(table)
