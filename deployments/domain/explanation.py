"""Why this option and not another, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from deployments.domain import quoting
from deployments.domain.catalog import FirstByte
from deployments.domain.latency import at
from deployments.domain.options import TIER_NAMES, UNKNOWN_QUOTA, Option, Tier, Verdict
from deployments.domain.tree import Branch
from deployments.domain.wording import count, milliseconds, percent, usd_a_month
from deployments.domain.workload import Workload

MANAGED_TIERS = (Tier.BEDROCK_ON_DEMAND, Tier.LAMBDA_BEDROCK, Tier.BEDROCK_PROVISIONED)
_BY_QUOTE = (Tier.BEDROCK_PROVISIONED, Tier.BEDROCK_CUSTOM, Tier.EDGE_BUNDLE)
_AN = {"estimate": "an estimate", "quote": "a quote", "missing": "missing"}
_UNMEASURED = ("none: assumed, no public measurement", "none: not estimated")


def sentences(
    *,
    workload: Workload,
    options: Sequence[Option],
    pick: Option | None,
    branch: Branch,
    tree_pick: Option | None,
    first_byte: FirstByte,
) -> tuple[str, ...]:
    """Return the pick with its reason, the tree's pick with the difference, and the limits met."""
    if not options:
        return (
            "No option was found: no model of the catalogue fits the names, images and kind of "
            "model asked for.",
            f"The decision tree: {branch.words}",
        )
    first = why_pick(pick, options, workload) if pick else nearest(options, workload)
    said = [first, f"The decision tree: {branch.words}", against_tree(pick, branch, tree_pick)]
    managed = no_managed_in_time(options, workload, first_byte)
    return (*said, *filter(None, [managed, to_be_asked(pick), waiting(pick, options)]))


def to_be_asked(pick: Option | None) -> str:
    """Return the quota that nobody knows here and that the pick needs; empty without one."""
    capacity = pick.capacity if pick else None
    if capacity is None or capacity.limited_by != UNKNOWN_QUOTA or not capacity.quota_needed:
        return ""
    return (
        f"Before the launch: our pick needs {count(capacity.quota_needed)} "
        f"{capacity.quota_in_words} at peak, and the account's limit is not known here; ask "
        "Service Quotas, and for an increase where it is lower."
    )


def waiting(pick: Option | None, options: Sequence[Option]) -> str:
    """Return below which prices the best options without one would win; empty without any."""
    found: dict[Tier, Option] = {}
    for option in options:
        is_priced_by_quote = option.verdict is Verdict.NEEDS_QUOTE and option.tier in _BY_QUOTE
        if is_priced_by_quote and option.extra.get("break_even_unit_usd"):
            found.setdefault(option.tier, option)
    if pick is None or not found:
        return ""
    said = (f"{TIER_NAMES[each.tier]} ({each.summary}) {_would(each)}" for each in found.values())
    return f"Without a public price: {'; '.join(said)}."


def _would(option: Option) -> str:
    return quoting.words(option).removeprefix("needs a quote and ")


def why_pick(pick: Option, options: Sequence[Option], workload: Workload) -> str:
    """Return our pick in one sentence with its price, reason and next best."""
    feasible = [option for option in options if option.verdict is Verdict.FEASIBLE]
    text = (
        f"{TIER_NAMES[pick.tier]} with {pick.summary}: {_price(pick)}, "
        f"{_time(pick, workload)} against {workload.wish}. It is {_among(feasible, options)}"
        f"{_not_listed(pick)}"
    )
    rival = next((each for each in feasible if each.model != pick.model), None)
    if rival is None:
        return f"{text}."
    return f"{text}; the next with another model, {rival.summary}, costs {_price(rival)}."


def against_tree(pick: Option | None, branch: Branch, tree_pick: Option | None) -> str:
    """Return why we agree with the tree, or depart from it, with both prices."""
    name = TIER_NAMES[branch.tier]
    if tree_pick is None:
        return f"The tree's pick, {name}, has no candidate for this workload."
    if pick is not None and pick.tier is branch.tier:
        return f"Ours and the tree's agree on {name}."
    if tree_pick.verdict is not Verdict.INFEASIBLE:
        return _dearer(pick, name, tree_pick)
    broken = " ".join(check.sentence for check in tree_pick.checks if not check.holds)
    return f"The tree's pick, {name} ({tree_pick.summary}, {_price(tree_pick)}), fails: {broken}"


def _dearer(pick: Option | None, name: str, tree_pick: Option) -> str:
    ours = pick.cost.expected_usd if pick else None
    theirs = tree_pick.cost.expected_usd
    if ours is None or pick is None:
        return f"The tree's pick is {name} ({tree_pick.summary}): {_price(tree_pick)}."
    if theirs is None:
        return (
            f"The tree's pick, {name} ({tree_pick.summary}), has no public price: it "
            f"{quoting.words(tree_pick)}. Ours costs {_price(pick)}."
        )
    more = theirs - ours
    share = f" ({percent(more / ours)} more)" if ours else ""
    return (
        f"The tree's pick, {name} ({tree_pick.summary}), meets every constraint too and costs "
        f"{_price(tree_pick)}: {usd_a_month(more)}{share} above ours."
    )


def nearest(options: Sequence[Option], workload: Workload) -> str:
    """Return that nothing is feasible, what comes nearest, and what would have to give."""
    acceptable = [option for option in options if _is_late_only(option)]
    if acceptable:
        best = min(acceptable, key=lambda option: at(option.latency, workload.latency_percentile))
        cheap = acceptable[0]
        text = (
            f"Nothing meets {workload.wish}. The nearest is {best.summary} on "
            f"{TIER_NAMES[best.tier]}: {_time(best, workload)}, {_price(best)}."
        )
        if cheap.option_id == best.option_id:
            return text
        return (
            f"{text} The cheapest that breaks nothing else is {cheap.summary}: "
            f"{_time(cheap, workload)}, {_price(cheap)}."
        )
    waiting = next((each for each in options if each.verdict is Verdict.NEEDS_QUOTE), None)
    if waiting is not None:
        return (
            f"Nothing with a price meets every constraint. {waiting.summary} would, and waits "
            "for a quote."
        )
    best = min(options, key=lambda option: sum(not check.holds for check in option.checks))
    broken = " ".join(check.sentence for check in best.checks if not check.holds)
    return (
        f"Nothing meets every constraint. The nearest, {best.summary} on "
        f"{TIER_NAMES[best.tier]}, would need: {broken}"
    )


def no_managed_in_time(
    options: Sequence[Option], workload: Workload, first_byte: FirstByte
) -> str | None:
    """Return that no managed model is fast enough, with the fastest; None when one is."""
    measured = [
        option
        for option in options
        if option.tier in MANAGED_TIERS and option.latency.confidence not in _UNMEASURED
    ]
    if not measured:
        return None
    best = min(measured, key=lambda option: at(option.latency, workload.latency_percentile))
    fastest = at(best.latency, workload.latency_percentile)
    if fastest <= workload.latency_ms:
        return None
    return (
        f"No managed model answers within {workload.wish} by public measurements: the fastest, "
        f"{best.summary}, is estimated at {milliseconds(fastest)}. The fastest first byte "
        f"published from inside a Region is {first_byte.ms} ms ({first_byte.model_id}, mean)."
    )


def why_lost(option: Option, pick: Option | None) -> str:
    """Return in one sentence why an option is not the pick."""
    broken = [check.sentence for check in option.checks if not check.holds]
    if broken:
        return " ".join(broken)
    if option.cost.expected_usd is None:
        return f"No public price; it {quoting.words(option)}."
    if pick is None or pick.cost.expected_usd is None or option.option_id == pick.option_id:
        return ""
    more = option.cost.expected_usd - pick.cost.expected_usd
    if more >= Decimal("0.01"):
        return f"Costs {usd_a_month(more)} more than the pick."
    return "Costs the same; the pick answers sooner or is simpler to run."


def _among(feasible: Sequence[Option], options: Sequence[Option]) -> str:
    if len(feasible) == 1:
        return f"the only one of {len(options)} options compared that meets every constraint"
    return (
        f"the cheapest of {len(feasible)} options that meet every constraint, of {len(options)} "
        "compared"
    )


def _is_late_only(option: Option) -> bool:
    broken = {check.name for check in option.checks if not check.holds}
    has_figures = option.cost.expected_usd is not None and option.latency.p50_ms > 0
    return has_figures and broken == {"latency"}


def _not_listed(option: Option) -> str:
    kinds = {line.kind for line in option.cost.lines} - {"list"}
    return f" (its price is {_AN[min(kinds)]}, not a list price)" if kinds else ""


def _price(option: Option) -> str:
    usd = option.cost.expected_usd
    return "no public price" if usd is None else usd_a_month(usd)


def _time(option: Option, workload: Workload) -> str:
    return (
        f"{milliseconds(at(option.latency, workload.latency_percentile))} at "
        f"p{workload.latency_percentile}"
    )


def against_launch(pick: Option | None, launch_pick: Option | None) -> str:
    """Return what a launch can build instead of the pick, with the difference; empty when equal."""
    if pick is None or (launch_pick is not None and launch_pick.option_id == pick.option_id):
        return ""
    start = f"{TIER_NAMES[pick.tier]} is compared here and not built by a launch yet"
    if launch_pick is None:
        return f"{start}; none of the options that meet every constraint is."
    return (
        f"{start}. The best that a launch builds is {TIER_NAMES[launch_pick.tier]} with "
        f"{launch_pick.summary}, {_price(launch_pick)}{_beside(launch_pick, pick)}."
    )


def _beside(other: Option, pick: Option) -> str:
    """Return what another option costs more than the pick, in words; empty without both prices."""
    if other.cost.expected_usd is None or pick.cost.expected_usd is None:
        return ""
    more = other.cost.expected_usd - pick.cost.expected_usd
    return ", at the same price" if more < Decimal("0.01") else f": {usd_a_month(more)} more"
