"""What the workload page shows beside the form: the week drawn, and what the options come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain import explanation, profile
from deployments.domain.latency import at
from deployments.domain.options import TIER_NAMES, Option, Verdict
from deployments.domain.profile import Day
from deployments.domain.ranking import Ranked
from deployments.domain.workload import Workload

MOST_REASONS = 5
BAR_WIDTH = 2
DRAWN_HEIGHT = 56


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the week, drawn: where it stands and how tall it is, in the picture's units."""

    x: int
    y: str
    height: str
    label: str


@dataclass(frozen=True, slots=True)
class Week:
    """The 168 hours as bars, the same figures by day, and both in a sentence."""

    bars: tuple[Bar, ...]
    days: tuple[Day, ...]
    sentence: str
    width: int
    height: int
    mean_y: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A constraint, and how many of the options break it."""

    name: str
    options: int


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The cheapest feasible option; or why there is none; and what rules the others out."""

    pick: Option | None
    tier_name: str
    latency_ms: int
    without_pick: str
    feasible: int
    options: int
    reasons: tuple[Reason, ...]


def week(weights: Sequence[Decimal]) -> Week | None:
    """Return the picture of a profile; None for a flat week, which needs none."""
    if not weights:
        return None
    top = profile.highest(weights)
    bars = tuple(
        Bar(
            x=hour * BAR_WIDTH,
            y=f"{DRAWN_HEIGHT * (1 - weight / top):.1f}",
            height=f"{DRAWN_HEIGHT * weight / top:.1f}",
            label=f"{profile.hour_name(hour)}: {weight:.2f} times the mean",
        )
        for hour, weight in enumerate(weights)
    )
    return Week(
        bars=bars,
        days=profile.days(weights),
        sentence=profile.sentence(weights),
        width=BAR_WIDTH * profile.HOURS_A_WEEK,
        height=DRAWN_HEIGHT,
        mean_y=f"{DRAWN_HEIGHT * (1 - 1 / top):.1f}",
    )


def glimpse(ranked: Ranked, workload: Workload) -> Glimpse:
    """Return in short what comparing the options says."""
    pick = next((each for each in ranked.options if each.option_id == ranked.pick), None)
    broken = Counter(
        check.name for option in ranked.options for check in option.checks if not check.holds
    )
    return Glimpse(
        pick=pick,
        tier_name=TIER_NAMES[pick.tier] if pick else "",
        latency_ms=at(pick.latency, workload.latency_percentile) if pick else 0,
        without_pick="" if pick else _without(ranked.options, workload),
        feasible=sum(1 for each in ranked.options if each.verdict is Verdict.FEASIBLE),
        options=len(ranked.options),
        reasons=tuple(Reason(name, count) for name, count in broken.most_common(MOST_REASONS)),
    )


def _without(options: Sequence[Option], workload: Workload) -> str:
    if not options:
        return "No model of the catalogue comes into question: allow more of them."
    return explanation.nearest(options, workload)
