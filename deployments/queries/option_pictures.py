"""The two charts of the options page: cost over load, and cost against latency."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from deployments.domain import curves
from deployments.domain.options import TIER_NAMES
from deployments.queries.option_rows import Kept, is_comparable

MOST_BEATEN = 60  # points drawn beside the front, cheapest first
ON_FRONT, BEATEN = "on the front", "beaten in price and time"


def contenders(options: Sequence[Kept]) -> tuple[Kept, ...]:
    """Return of each tier what the curves may draw: priced, sized, breaking the least."""
    sized = [
        kept
        for kept in options
        if kept.usd is not None and kept.ms(50) > 0 and float(kept.body["capacity"]["max_rps"]) > 0
    ]
    found: dict[str, Kept] = {}
    for kept in sorted(sized, key=lambda each: len(_broken_checks(each))):
        found.setdefault(kept.tier, kept)
    return tuple(found.values())


def break_even(drawn: curves.Curves) -> dict[str, Any] | None:
    """Return USD a month over the load as the chart tag reads it; None without lines."""
    if not drawn.lines:
        return None
    return {
        "kind": "lines",
        "log": True,
        "x": [f"{load:f}" for load in drawn.loads_rps],
        "x_label": "Requests/s on average",
        "y_label": "USD a month",
        "unit": "USD",
        "series": [
            {
                "name": line.name,
                "values": [float(usd) for usd in line.usd],
                "dashed": not line.meets_all,
            }
            for line in drawn.lines
        ],
    }


def front(
    options: Sequence[Kept], *, members: Collection[str], pick: str, percentile: int
) -> dict[str, Any] | None:
    """Return USD a month against milliseconds as the chart tag reads it; None for a lone point."""
    able = [kept for kept in options if is_comparable(kept) and kept.usd]
    able.sort(key=lambda kept: kept.usd or 0)
    on = [kept for kept in able if kept.option_id in members]
    off = [kept for kept in able if kept.option_id not in members]
    if len(on) + len(off) < 2:
        return None
    return {
        "kind": "scatter",
        "log": True,
        "y_log": True,
        "x_label": f"Milliseconds at p{percentile}",
        "x_unit": "ms",
        "y_label": "USD a month",
        "y_unit": "USD",
        "points": [
            _point(kept, series, pick, percentile)
            for series, kepts in ((ON_FRONT, on), (BEATEN, off[:MOST_BEATEN]))
            for kept in kepts
        ],
    }


def _point(kept: Kept, series: str, pick: str, percentile: int) -> dict[str, Any]:
    late = ", too slow" if kept.broken else ""
    return {
        "name": f"{kept.body['summary']} ({TIER_NAMES[kept.tier]}{late})",
        "x": kept.ms(percentile),
        "y": float(kept.usd or 0),
        "series": series,
        "pick": kept.option_id == pick,
        "label": "Our pick",
    }


def _broken_checks(kept: Kept) -> list[str]:
    return [each["name"] for each in kept.body["checks"] if not each["holds"]]
