"""A load's week: 168 hourly weights relative to the mean, Monday 00:00 UTC first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

HOURS_A_DAY = 24
HOURS_A_WEEK = 168
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week: its hourly weights, their mean, and its busiest hour (0 to 23)."""

    name: str
    weights: tuple[Decimal, ...]
    mean: Decimal
    busiest_hour: int


def normalised(weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return the weights scaled to a mean of 1, four decimals; a flat week is the empty profile.

    Weights whose mean is 1 already stay as they are, so that doing it twice changes nothing.
    Raises ValueError for weights of which none is above zero.
    """
    mean = sum(weights, Decimal(0)) / max(1, len(weights))
    if mean <= 0:
        raise ValueError("At least one hour of the week has a weight above 0.")
    scale = Decimal(1) if abs(mean - 1) <= _STEP else mean
    found = tuple((weight / scale).quantize(_STEP) for weight in weights)
    return () if len(set(found)) == 1 else found


def weight_at(profile: Sequence[Decimal], moment: datetime) -> Decimal:
    """Return the load at a moment (UTC) relative to the mean; 1 in a flat week."""
    if not profile:
        return Decimal(1)
    return profile[moment.weekday() * HOURS_A_DAY + moment.hour]


def highest(profile: Sequence[Decimal]) -> Decimal:
    """Return the busiest hour's load relative to the mean; 1 in a flat week."""
    return max(profile, default=Decimal(1))


def hour_name(hour: int) -> str:
    """Return the name of an hour of the week, as in `Tuesday 14:00 UTC`."""
    return f"{DAYS[hour // HOURS_A_DAY]} {hour % HOURS_A_DAY:02d}:00 UTC"


def busiest(profile: Sequence[Decimal]) -> str:
    """Return the name of the busiest hour. Raises ValueError for a flat week."""
    return hour_name(list(profile).index(max(profile)))


def days(profile: Sequence[Decimal]) -> tuple[Day, ...]:
    """Return the seven days of a profile; none for a flat week."""
    found = []
    for index, name in enumerate(DAYS if profile else ()):
        weights = tuple(profile[index * HOURS_A_DAY : (index + 1) * HOURS_A_DAY])
        mean = sum(weights, Decimal(0)) / HOURS_A_DAY
        found.append(Day(name, weights, mean, weights.index(max(weights))))
    return tuple(found)


def sentence(profile: Sequence[Decimal]) -> str:
    """Say how the load changes over the week; empty for a flat one."""
    if not profile:
        return ""
    quiet = sum(1 for weight in profile if weight < Decimal("0.1"))
    silence = f" and {quiet} of 168 hours are nearly silent" if quiet else ""
    top = _times(highest(profile))
    return f"Over the week {busiest(profile)} is busiest with {top} times the mean{silence}."


def _times(weight: Decimal) -> str:
    return f"{weight:.1f}" if weight < 100 else f"{weight:.0f}"
