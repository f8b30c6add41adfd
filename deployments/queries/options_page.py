"""A recommendation as the options page, the comparison and the printed page show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from deployments.domain import curves, explanation, pareto
from deployments.domain.options import TIER_NAMES, Option
from deployments.domain.workload import Workload
from deployments.models import Recommendation
from deployments.queries import advice, option_pictures, option_rows
from deployments.queries.option_rows import ROWS, Kept, Row

LEAST_COMPARED, MOST_COMPARED = 2, 4
COLUMNS = (
    "rank", "option", "tier", "model", "size", "usd_month_low", "usd_month_expected",
    "usd_month_high", "p50_ms", "p95_ms", "p99_ms", "headroom", "verdict", "on_front", "why_not",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picks:
    """What is recommended, what the tree says, and what a launch can build."""

    pick: Option | None
    tree_pick: Option | None
    launch_pick: Option | None
    launch_sentence: str  # empty when a launch can build the pick

    @property
    def is_launch_other(self) -> bool:
        """Say whether a launch would build something else than our pick."""
        return self.launch_pick is not None and bool(self.launch_sentence)


@dataclass(frozen=True, slots=True)
class OptionsPage:
    """All that the page needs of one recommendation."""

    recommendation: Recommendation
    rows: tuple[Row, ...]
    first: int  # place of the first row shown among those that match, from 1
    matching: int
    total: int
    feasible: int
    picks: Picks
    sentences: tuple[str, ...]
    outdated: tuple[str, ...]
    losers: tuple[Row, ...]
    break_even: dict[str, Any] | None
    crossings: tuple[str, ...]
    front_chart: dict[str, Any] | None
    front_sentences: tuple[str, ...]
    workload: Workload
    next_url: str
    previous_url: str

    @property
    def last(self) -> int:
        """The place of the last row shown among those that match."""
        return self.first + len(self.rows) - 1


def options_page(recommendation: Recommendation, *, asked: QueryDict, now: datetime) -> OptionsPage:
    """Return the page that the address asks for; unknown words in it change nothing."""
    workload = advice.workload_of(recommendation.workload)
    percentile = workload.latency_percentile
    options = option_rows.kept_options(recommendation)
    front = option_rows.front_of(options, percentile=percentile)
    found = option_rows.matching(options, asked, percentile=percentile, front=front)
    start = _start(asked, len(found))
    shown = found[start : start + ROWS]
    picks = picks_of(recommendation)
    compared = asked.getlist("compare")[:MOST_COMPARED]
    drawn = _curves(options, workload)
    members = [kept.read() for kept in options if kept.option_id in front]
    return OptionsPage(
        recommendation=recommendation,
        rows=tuple(
            option_rows.row(kept, recommendation, pick=picks.pick, front=front, compared=compared)
            for kept in shown
        ),
        first=start + 1,
        matching=len(found),
        total=len(options),
        feasible=sum(kept.body["verdict"] == "feasible" for kept in options),
        picks=picks,
        sentences=tuple(recommendation.explanation),
        outdated=advice.outdated(recommendation, now=now),
        losers=_best_losers(options, recommendation, picks.pick, front),
        break_even=option_pictures.break_even(drawn),
        crossings=drawn.sentences,
        front_chart=option_pictures.front(
            options, members=front, pick=recommendation.pick, percentile=percentile
        ),
        front_sentences=pareto.sentences(
            pareto.front(members, percentile=percentile), percentile=percentile
        ),
        workload=workload,
        next_url=_link(asked, start + ROWS) if start + ROWS < len(found) else "",
        previous_url=_link(asked, start - ROWS) if start else "",
    )


def picks_of(recommendation: Recommendation) -> Picks:
    """Return our pick, the tree's and what a launch can build, with the difference in words."""
    wanted = (recommendation.pick, recommendation.tree_pick, recommendation.launch_pick)
    found = advice.options_named(recommendation, wanted)
    pick, tree_pick, launch_pick = (found.get(each) for each in wanted)
    return Picks(pick, tree_pick, launch_pick, explanation.against_launch(pick, launch_pick))


def curves_of(recommendation: Recommendation) -> curves.Curves:
    """Return what the best of each tier costs over the load, and where the cheapest changes."""
    workload = advice.workload_of(recommendation.workload)
    return _curves(option_rows.kept_options(recommendation), workload)


def front_ids(recommendation: Recommendation) -> frozenset[str]:
    """Return the ids of the options that none beats in price and time at once."""
    percentile = advice.workload_of(recommendation.workload).latency_percentile
    return option_rows.front_of(option_rows.kept_options(recommendation), percentile=percentile)


def compared_rows(recommendation: Recommendation, ids: Sequence[str]) -> tuple[Row, ...]:
    """Return two to four options to stand side by side, in ranked order; unknown ids are left."""
    workload = advice.workload_of(recommendation.workload)
    options = option_rows.kept_options(recommendation)
    front = option_rows.front_of(options, percentile=workload.latency_percentile)
    pick = advice.pick_of(recommendation)
    wanted = list(dict.fromkeys(ids))[:MOST_COMPARED]
    return tuple(
        option_rows.row(kept, recommendation, pick=pick, front=front, compared=wanted)
        for kept in options
        if kept.option_id in wanted
    )


def csv_rows(recommendation: Recommendation, *, asked: QueryDict) -> Iterator[Sequence[Any]]:
    """Return every option that the address asks for, as the columns of COLUMNS."""
    percentile = advice.workload_of(recommendation.workload).latency_percentile
    options = option_rows.kept_options(recommendation)
    front = option_rows.front_of(options, percentile=percentile)
    pick = advice.pick_of(recommendation)
    for kept in option_rows.matching(options, asked, percentile=percentile, front=front):
        yield _cells(option_rows.row(kept, recommendation, pick=pick, front=front))


def _cells(row: Row) -> Sequence[Any]:
    cost, latency = row.option.cost, row.option.latency
    return (
        row.rank,
        row.option.option_id,
        row.tier_name,
        row.option.model,
        row.option.summary,
        cost.low_usd,
        cost.expected_usd,
        cost.high_usd,
        latency.p50_ms,
        latency.p95_ms,
        latency.p99_ms,
        row.option.capacity.headroom,
        row.option.verdict.value,
        "yes" if row.is_on_front else "no",
        row.why_lost,
    )


def tier_choices() -> tuple[tuple[str, str], ...]:
    """Return every tier with its name, for the filter."""
    return tuple((tier.value, name) for tier, name in TIER_NAMES.items())


def _curves(options: Sequence[Kept], workload: Workload) -> curves.Curves:
    return curves.curves([kept.read() for kept in option_pictures.contenders(options)], workload)


def _best_losers(
    options: Sequence[Kept],
    recommendation: Recommendation,
    pick: Option | None,
    front: frozenset[str],
) -> tuple[Row, ...]:
    """Return the best option of each tier that is not the pick's."""
    found: dict[str, Kept] = {}
    for kept in options:
        if pick is None or kept.tier is not pick.tier:
            found.setdefault(kept.tier, kept)
    return tuple(
        option_rows.row(kept, recommendation, pick=pick, front=front) for kept in found.values()
    )


def _start(asked: QueryDict, count: int) -> int:
    """Return where the page begins, from 0; what is no place is the beginning."""
    text = asked.get("cursor", "")
    place = int(text) - 1 if text.isascii() and text.isdigit() and len(text) < 7 else 0
    return place // ROWS * ROWS if 0 <= place < count else 0


def _link(asked: QueryDict, start: int) -> str:
    query = asked.copy()
    query["cursor"] = str(start + 1)
    return f"?{query.urlencode()}"
