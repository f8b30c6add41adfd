"""All options of one workload in order, the pick, and what a launch may not pass over. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.domain.prices import PriceBook
from deployments.domain import explanation, quoting, substitution, tree
from deployments.domain.candidates import (
    batch,
    custom_on_demand,
    functions,
    machines,
    managed,
    marketplace,
    provisioned,
    service_tiers,
)
from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Catalog, Speed
from deployments.domain.latency import at
from deployments.domain.options import (
    LAUNCHABLE,
    TIER_NAMES,
    Check,
    Option,
    Tier,
    Verdict,
)
from deployments.domain.workload import Workload

SOFT = frozenset({"latency", "headroom"})
_ORDER: Mapping[Verdict, int] = {
    Verdict.FEASIBLE: 0,
    Verdict.NEEDS_QUOTE: 1,
    Verdict.INFEASIBLE: 2,
}
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Ranked:
    """Options best first; the picks are option ids, empty when there is none.

    `launch_pick` is the best feasible one that a launch can build.
    """

    options: tuple[Option, ...]
    pick: str
    tree_pick: str
    launch_pick: str
    sentences: tuple[str, ...]


def recommend(
    *,
    workload: Workload,
    catalog: Catalog,
    prices: PriceBook,
    quotas: Mapping[str, Decimal],
    today: date,
    measured: Mapping[tuple[str, str], Speed] | None = None,
) -> Ranked:
    """Return every option ranked, our pick, the tree's pick, and the reasons in sentences.

    `measured` are own probes by model and route, which replace what was published.
    """
    question = Question(workload, catalog, prices, quotas, today, measured or {})
    on_demand = managed.on_demand(question)
    hosted = machines.options(question, on_demand)
    found = [
        *on_demand,
        *functions.options(question),
        *provisioned.options(question),
        *batch.options(question),
        *service_tiers.options(question),
        *custom_on_demand.options(question),
        *marketplace.options(question, hosted),
        *hosted,
    ]
    ordered = rank([_counted(option, workload) for option in found], workload)
    priced = tuple(quoting.with_break_even(option, ordered) for option in ordered)
    feasible = [each for each in priced if each.verdict is Verdict.FEASIBLE]
    pick = next(iter(feasible), None)
    launch_pick = next((each for each in feasible if each.tier in LAUNCHABLE), None)
    branch = tree.walk(workload)
    tree_pick = best_of_tier(priced, branch.tier)
    return Ranked(
        options=priced,
        pick=pick.option_id if pick else "",
        tree_pick=tree_pick.option_id if tree_pick else "",
        launch_pick=launch_pick.option_id if launch_pick else "",
        sentences=(
            *explanation.sentences(
                workload=workload,
                options=priced,
                pick=pick,
                branch=branch,
                tree_pick=tree_pick,
                first_byte=catalog.first_byte,
            ),
            *filter(None, [substitution.sentence(pick, priced, catalog)]),
        ),
    )


def _counted(option: Option, workload: Workload) -> Option:
    """Say until when the option's latency was counted."""
    latency = replace(option.latency, counted_to=workload.latency_of.value)
    return replace(option, latency=latency)


def rank(options: Sequence[Option], workload: Workload) -> tuple[Option, ...]:
    """Return feasible first, then cheapest to the cent, ties by latency, then by burden.

    Among the infeasible, those that break fewer hard constraints come first.
    """
    return tuple(sorted(options, key=lambda option: _key(option, workload)))


def best_of_tier(ranked: Sequence[Option], tier: Tier) -> Option | None:
    """Return a tier's first option in ranked order; None when the tier has none."""
    return next((option for option in ranked if option.tier is tier), None)


def refusals(option: Option, accept: Collection[str] = ()) -> tuple[Check, ...]:
    """Return what forbids a launch: broken checks, save soft ones named in `accept`."""
    broken = [
        check
        for check in option.checks
        if not check.holds and not (check.name in SOFT and check.name in accept)
    ]
    if option.cost.expected_usd is None:
        missing = ", ".join(line.sku for line in option.cost.lines if line.usd is None)
        broken.append(
            Check("price", False, f"There is no price for {missing}: an administrator enters one.")
        )
    if option.tier not in LAUNCHABLE:
        broken.append(
            Check("launch", False, f"{TIER_NAMES[option.tier]} is compared here, not built yet.")
        )
    return tuple(broken)


def is_soft_only(option: Option) -> bool:
    """Say whether all that is broken may be accepted by a launcher."""
    return all(check.holds or check.name in SOFT for check in option.checks)


def _key(option: Option, workload: Workload) -> tuple[int, int, int, Decimal, int, int, str]:
    price = option.cost.expected_usd
    hard = sum(not check.holds and check.name not in SOFT for check in option.checks)
    return (
        _ORDER[option.verdict],
        hard,
        0 if price is not None else 1,
        (price if price is not None else Decimal(0)).quantize(_CENT),
        at(option.latency, workload.latency_percentile),
        option.burden,
        option.option_id,
    )
