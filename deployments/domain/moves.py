"""Should what runs be changed: its cost today against the best, and the risks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.domain.prices import PriceBook, rate
from deployments.domain.candidates.checks import days_left, lifecycle
from deployments.domain.catalog import Catalog, Model
from deployments.domain.latency import at
from deployments.domain.metered_load import Basis
from deployments.domain.options import (
    LAUNCHABLE,
    TIER_NAMES,
    Check,
    Cost,
    Option,
    TariffLine,
    Verdict,
)
from deployments.domain.wording import count, months_in_words, percent, usd_a_month
from deployments.domain.workload import Workload

# Less than both of these is not worth anybody's afternoon.
SMALLEST_SHARE = Decimal("0.05")
SMALLEST_USD = Decimal(50)
MOST_RISK = 5
END_OF_LIFE, BREAKS = "end of life", "breaks a constraint"
TIGHT_HEADROOM = Decimal("0.2")
MORE_WORK = 2  # steps of burden
ZERO = Decimal(0)


def running_today(
    *,
    launched: Option,
    ranked: Sequence[Option],
    prices: PriceBook,
    stated: Workload,
    workload: Workload,
    model: Model | None,
    today: date,
) -> Option:
    """Return the option that runs at today's prices, load and constraints.

    What is reserved costs what it has, at today's price; what is paid by use follows the load.
    `stated` is the load it was launched for.
    """
    same = next((each for each in ranked if each.option_id == launched.option_id), None)
    if same is not None and (same.size == launched.size or not launched.cost.fixed_usd):
        return same
    checks = list(same.checks if same is not None else launched.checks)
    checks = [each for each in checks if each.name not in ("lifecycle", "capacity", "headroom")]
    if model is not None:
        checks.append(lifecycle(model, today))
    checks.append(_capacity(launched, workload))
    factor = workload.requests_per_month / stated.requests_per_month
    return replace(
        same or launched,
        size=launched.size,
        cost=repriced(launched.cost, prices=prices, factor=factor),
        checks=tuple(checks),
        capacity=launched.capacity,
    )


def _capacity(launched: Option, workload: Workload) -> Check:
    most = launched.capacity.max_rps
    return Check(
        "capacity",
        not launched.cost.fixed_usd or most >= workload.peak_rps,
        f"Its size carries {count(most)} requests/s; the peak is {count(workload.peak_rps)}.",
    )


def repriced(cost: Cost, *, prices: PriceBook, factor: Decimal) -> Cost:
    """Return a cost at other prices, what is used times `factor`; None where one is missing."""
    lines = tuple(_line(line, prices, factor) for line in cost.lines)
    fixed = sum((line.usd or ZERO for line in lines if line.is_fixed), ZERO)
    variable = sum((line.usd or ZERO for line in lines if not line.is_fixed), ZERO)
    is_priced = all(line.usd is not None for line in lines)
    expected = fixed + variable if is_priced else None
    ratio = expected / cost.expected_usd if expected and cost.expected_usd else None
    return replace(
        cost,
        low_usd=cost.low_usd * ratio if cost.low_usd is not None and ratio else expected,
        expected_usd=expected,
        high_usd=cost.high_usd * ratio if cost.high_usd is not None and ratio else expected,
        fixed_usd=fixed,
        variable_usd=variable,
        lines=lines,
    )


def _line(line: TariffLine, prices: PriceBook, factor: Decimal) -> TariffLine:
    found = prices.find(line.sku)
    quantity = line.quantity if line.is_fixed else line.quantity * factor
    if found is None:
        return replace(line, quantity=quantity, unit_usd=None, usd=None)
    return replace(
        line,
        quantity=quantity,
        unit_usd=found.usd,
        per=found.per,
        usd=rate(quantity=quantity, price=found),
        kind=found.kind,
        source=found.source,
        as_of=found.as_of,
        is_example=found.is_example,
    )


def best(ranked: Sequence[Option], *, catalog: Catalog, today: date) -> Option | None:
    """Return the best feasible option that a launch can build and that does not end soon."""
    for option in ranked:
        model = catalog.by_id.get(option.model)
        is_fit = option.verdict is Verdict.FEASIBLE and option.tier in LAUNCHABLE
        if is_fit and (model is None or days_left(model, today) is None):
            return option
    return None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change worth proposing: what it saves a month (negative: costs), how risky, and why.

    `must` says what makes it necessary whatever it costs; empty when only money speaks for it.
    """

    running: Option
    to: Option
    saving_usd: Decimal
    risk: int
    must: str
    reasons: tuple[str, ...]
    risks: tuple[str, ...]


def propose(
    *, running: Option, to: Option | None, catalog: Catalog, found: Basis, today: date
) -> Proposal | None:
    """Return the move from what runs to the best; None when there is nothing worth it."""
    if to is None or (to.option_id, to.size) == (running.option_id, running.size):
        return None
    before, after = running.cost.expected_usd, to.cost.expected_usd
    if before is None or after is None:
        return None
    must, musts = _musts(running, catalog.by_id.get(running.model), today)
    saving = before - after
    if not must and (saving < SMALLEST_USD or saving < before * SMALLEST_SHARE):
        return None
    risks = _risks(running, to, catalog, found)
    return Proposal(
        running=running,
        to=to,
        saving_usd=saving,
        risk=min(MOST_RISK, 1 + len(risks)),
        must=must,
        reasons=(*musts, _money(before, after)),
        risks=risks or ("Nothing but the change itself: the same model in the same way.",),
    )


def _musts(running: Option, model: Model | None, today: date) -> tuple[str, list[str]]:
    """Return what forces a move, in a word, and the sentences."""
    word, said = "", []
    if model is not None and not (open_ := lifecycle(model, today)).holds:
        word = END_OF_LIFE
        said.append(open_.sentence)
    elif model is not None and (days := days_left(model, today)) is not None:
        word = END_OF_LIFE
        said.append(
            f"{model.name} reaches its end of life on {model.eol_on:%Y-%m-%d}, in {days} days."
        )
    broken = [each for each in running.checks if not each.holds and each.name != "lifecycle"]
    said.extend(f"It breaks a constraint: {each.sentence}" for each in broken)
    return word or (BREAKS if broken else ""), said


def _money(before: Decimal, after: Decimal) -> str:
    said = f"It costs {usd_a_month(before)} at today's prices; the best costs {usd_a_month(after)}"
    if not before:
        return f"{said}."
    word = "less" if after <= before else "more"
    return f"{said}, {percent(abs(before - after) / before)} {word}."


def _risks(running: Option, to: Option, catalog: Catalog, found: Basis) -> tuple[str, ...]:
    """Return what could go wrong, one sentence for each step of risk."""
    said = []
    if to.model != running.model:
        said.append(_other_model(running, to, catalog.by_id))
    if to.tier is not running.tier:
        word = "and more to look after" if to.burden - running.burden >= MORE_WORK else ""
        said.append(
            f"It runs in another way, {TIER_NAMES[to.tier]} in place of "
            f"{TIER_NAMES[running.tier]}{', ' + word if word else ''}."
        )
    if to.commitment_months > running.commitment_months:
        said.append(f"It commits for {months_in_words(to.commitment_months)}.")
    if to.capacity.headroom < TIGHT_HEADROOM:
        said.append(f"{percent(to.capacity.headroom)} of its capacity is left at the peak.")
    if _is_close(to, found.workload):
        said.append(
            f"Its latency comes close to the {found.workload.wish} that is asked for "
            f"({to.latency.confidence})."
        )
    if not found.is_metered:
        said.append(found.sentences[0])
    return tuple(said)


def _is_close(to: Option, workload: Workload) -> bool:
    return at(to.latency, workload.latency_percentile) > workload.latency_ms * 0.8


def _other_model(running: Option, to: Option, known: Mapping[str, Model]) -> str:
    before, after = known.get(running.model), known.get(to.model)
    names = f"{before.name if before else running.model} to {after.name if after else to.model}"
    said = f"The answers come from another model, {names}; try them first."
    was, will = before and before.quality, after and after.quality
    if was and will and was.version == will.version:
        said += f" {was.index}: {was.score} to {will.score}."
    return said
