"""How a load is spread over time, and what of it lies above a base. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, exp

from deployments.domain.workload import Pattern, Workload

HOURS_PER_MONTH = 730.0
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
IN_WINDOWS = (Pattern.BATCH, Pattern.ASYNCHRONOUS)
_STEPS = 48
_WEEKS_PER_MONTH = HOURS_PER_MONTH / 168


@dataclass(frozen=True, slots=True)
class Level:
    """A share of the month (0 to 1) at one rate (requests/s)."""

    share: float
    rps: float


@dataclass(frozen=True, slots=True)
class Awake:
    """How long a fleet that sleeps when idle is on, and who waits for it to wake.

    `instance_hours` are those of a month; `cold_share` (0 to 1) of the requests meet a fleet that
    is off or still starting.
    """

    instance_hours: float
    cold_share: float


def levels(workload: Workload) -> tuple[Level, ...]:
    """Return the load over the month: of the week's profile, or of the shape mean and peak imply.

    Without a profile, batch and asynchronous work fills a window at the peak rate and leaves the
    rest empty; other loads fall from the peak as a power of time that has the stated mean.
    """
    mean, peak = float(workload.mean_rps), float(workload.peak_rps)
    if workload.weekly_profile:
        each = 1 / len(workload.weekly_profile)
        return tuple(Level(each, mean * float(part)) for part in workload.weekly_profile)
    if mean >= peak:
        return (Level(1.0, mean),)
    if workload.pattern in IN_WINDOWS:
        return (Level(mean / peak, peak), Level(1 - mean / peak, 0.0))
    power = peak / mean - 1
    edges = [1 - (1 - step / _STEPS) ** (power + 1) for step in range(_STEPS + 1)]
    return tuple(
        Level(1 / _STEPS, (edges[step + 1] - edges[step]) * _STEPS * mean) for step in range(_STEPS)
    )


def shape_in_words(workload: Workload) -> str:
    """Return what `levels` stands on, as an assumption to show."""
    if workload.weekly_profile:
        return "The load follows the week's profile of 168 hours."
    if workload.mean_rps >= workload.peak_rps:
        return "The load is the same all month."
    if workload.pattern in IN_WINDOWS:
        share = float(workload.mean_rps / workload.peak_rps)
        return (
            f"The work fills {share * 24:.1f} hours of each day at the peak rate and leaves the "
            "rest empty."
        )
    return (
        "The load falls from its peak as a power of time that has the stated mean; a week's "
        "profile or a trace says it better."
    )


def share_above(workload: Workload, base_rps: float) -> float:
    """Return the share of all requests (0 to 1) that comes on top of a base rate."""
    mean = float(workload.mean_rps)
    above = sum(each.share * max(each.rps - base_rps, 0.0) for each in levels(workload))
    return min(above / mean, 1.0)


def runs_per_month(workload: Workload) -> float:
    """Return how often a month the load starts from nothing: each day's window, or the profile."""
    profile = workload.weekly_profile
    if not profile:
        return DAYS_PER_MONTH
    starts = sum(1 for hour, part in enumerate(profile) if part > 0 and profile[hour - 1] <= 0)
    return max(starts, 1) * _WEEKS_PER_MONTH


def awake(workload: Workload, *, rps_each: float, start_s: float, idle_s: float) -> Awake:
    """Return the hours of instances that carry `rps_each`, sleep when idle, and wake in `start_s`.

    Arrivals are taken as Poisson within each level: the first instance is on from an arrival
    until `idle_s` without one (the busy period of that clock), the others follow whole steps.
    """
    found, hours, cold = levels(workload), 0.0, 0.0
    for level in found:
        if level.rps <= 0:
            continue
        count = ceil(level.rps / rps_each)
        first = _share_on(level.rps, start_s=start_s, idle_s=idle_s)
        hours += HOURS_PER_MONTH * level.share * (first if count <= 1 else count)
        cold += level.share * level.rps * exp(-min(level.rps * idle_s, 700.0))
    if any(level.rps <= 0 for level in found):
        wakes = runs_per_month(workload)
        hours += wakes * (start_s + idle_s) / 3600
        starting = wakes * start_s / (HOURS_PER_MONTH * 3600)
        cold += starting * max(level.rps for level in found)
    most = HOURS_PER_MONTH * max(ceil(float(workload.peak_rps) / rps_each), 1)
    return Awake(min(hours, most), min(cold / float(workload.mean_rps), 1.0))


def following(workload: Workload, *, rps_each: float, least: int) -> float:
    """Return instance-hours a month of a fleet that follows the load, never below `least`."""
    return sum(
        HOURS_PER_MONTH * each.share * max(ceil(each.rps / rps_each), least)
        for each in levels(workload)
    )


def seconds(hours: float) -> Decimal:
    """Return hours as seconds, to the second."""
    return Decimal(round(hours * 3600))


def cold_times(cold_share: float) -> Callable[[float], float]:
    """Return a function of a percentile's tail (0.5, 0.05, 0.01): 1 when it meets a start."""
    return lambda tail: 1.0 if cold_share > tail else 0.0


def _share_on(rps: float, *, start_s: float, idle_s: float) -> float:
    grown = exp(min(rps * idle_s, 700.0))
    return (grown - 1 + rps * start_s) / (grown + rps * start_s)
