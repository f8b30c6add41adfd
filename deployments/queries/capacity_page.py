"""A capacity plan as its page shows it: the memory drawn, the finalists, what is out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.queries.prices import price_book
from deployments.domain.planner.request import PlanRequest
from deployments.domain.planner.result import (
    CapacityPlan,
    Configuration,
    Estimate,
    MemoryParts,
    Refusal,
)
from deployments.models import CapacityPlan as PlanRow
from deployments.queries import capacity

# Parts of a GPU's memory in the order they are filled: field, name, colour of the series.
PARTS = (
    ("weights", "Weights", "1"),
    ("kv", "KV cache", "2"),
    ("activation", "Activations", "3"),
    ("non_torch", "Runtime outside the framework", "4"),
    ("graphs", "Captured graphs", "5"),
    ("free", "Left free", "muted"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a GPU's memory: GiB, its share, and where it is drawn (percent of the width)."""

    name: str
    gib: float
    share: float
    tone: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One configuration with its memory drawn, and its figure against the latency objective."""

    configuration: Configuration
    objective: Estimate
    parts: tuple[Part, ...]
    sentence: str
    is_pick: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Machines that cannot hold the wish for the same reason, and the nearest they can."""

    machines: tuple[str, ...]
    what: str
    reason: str
    nearest: str


@dataclass(frozen=True, slots=True)
class PlanPage:
    """All that the page of one plan shows; `first` is the pick, or what comes closest: the
    nearest that holds with answers cut, or the first finalist.
    """

    row: PlanRow
    request: PlanRequest
    plan: CapacityPlan
    finalists: tuple[Shown, ...]
    first: Shown | None
    refused: tuple[Refused, ...]
    outdated: tuple[str, ...]

    @property
    def nearest(self) -> tuple[str, ...]:
        """What comes nearest and was not said yet."""
        found = (near.sentence for near in self.plan.nearest)
        return tuple(sentence for sentence in found if sentence not in self.plan.sentences)


def plan_page(row: PlanRow, *, now: datetime) -> PlanPage:
    """Return what the page of a plan shows."""
    plan, request = capacity.plan_of(row), capacity.request_of(row)
    picked = plan.pick.key if plan.pick else ""
    shown = tuple(_shown(each, request, is_pick=each.key == picked) for each in plan.finalists)
    first = next((each for each in shown if each.is_pick), next(iter(shown), None))
    if plan.nearest_pick:
        first = _shown(plan.nearest_pick, request, is_pick=False)
    return PlanPage(
        row, request, plan, shown, first, _refused(plan.refused), outdated(row, now=now)
    )


def outdated(row: PlanRow, *, now: datetime) -> tuple[str, ...]:
    """Return why a plan no longer says what today's would; empty while it does."""
    said = []
    since = capacity.points_since(row)
    if since:
        tests = "A load test" if len(since) == 1 else f"{len(since)} load tests"
        said.append(f"{tests} of this model came in since, such as {since[0].configuration}.")
    book = price_book(region=row.request.get("region", "us-east-1"), now=now)
    if book.as_of > row.prices_as_of:
        said.append(
            f"Prices are of {book.as_of} by now; this plan used those of {row.prices_as_of}."
        )
    return tuple(said)


def _refused(refusals: Sequence[Refusal]) -> tuple[Refused, ...]:
    """Return the refusals with machines of the same reason in one."""
    alike: dict[str, list[Refusal]] = {}
    for each in refusals:
        alike.setdefault(each.reason, []).append(each)
    return tuple(
        Refused(
            machines=tuple(dict.fromkeys(each.instance_type for each in group)),
            what=group[0].what,
            reason=reason,
            nearest=" ".join(near.sentence for near in group[0].nearest),
        )
        for reason, group in alike.items()
    )


def _shown(configuration: Configuration, request: PlanRequest, *, is_pick: bool) -> Shown:
    memory = configuration.memory
    to = "ttft" if request.latency_of == "first-token" else "e2e"
    return Shown(
        configuration=configuration,
        objective=getattr(configuration.prediction, f"{to}_p{request.latency_percentile}"),
        parts=_parts(memory),
        sentence=f"Of {memory.usable:.1f} GiB usable on each GPU, weights take "
        f"{memory.weights:.1f}, the KV cache {memory.kv:.1f}, and {memory.free:.1f} stay free.",
        is_pick=is_pick,
    )


def _parts(memory: MemoryParts) -> tuple[Part, ...]:
    whole = memory.usable or 1.0
    drawn, start = [], 0.0
    for field, name, tone in PARTS:
        gib = float(getattr(memory, field))
        share = max(0.0, gib / whole)
        drawn.append(
            Part(
                name=name,
                gib=gib,
                share=share,
                tone=f"series-{tone}" if tone.isdigit() else f"tone-{tone}",
                x=f"{100 * start:.2f}%",
                width=f"{100 * min(share, 1 - start):.2f}%" if start < 1 else "0%",
            )
        )
        start = min(1.0, start + share)
    return tuple(drawn)
