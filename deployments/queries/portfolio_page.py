"""One portfolio plan, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.options import TIER_NAMES, Tier
from deployments.domain.portfolio.asking import Pick, Portfolio
from deployments.models import PortfolioPlan
from deployments.queries.portfolio import portfolio_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One way to choose beside the others: USD a month, what it lacks and what it breaks."""

    name: str
    usd: Decimal
    is_ours: bool
    is_within_budget: bool
    missing: Sequence[str] = ()
    broken: Sequence[str] = ()
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What is taken for one feature, beside what runs now."""

    pick: Pick
    tier_name: str
    change_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Page:
    """The plan with all that its page says."""

    row: PortfolioPlan
    plan: Portfolio
    rows: Sequence[Row]
    bars: Sequence[Bar]
    longest_usd: Decimal  # of the bars
    running_usd: Decimal
    without_advice: Sequence[str]
    older_than_prices: Sequence[str]


def plan_page(row: PortfolioPlan) -> Page:
    """Return one plan as its page shows it."""
    found = portfolio_of(row)
    running = sum((pick.running_usd or Decimal(0) for pick in found.picks), Decimal(0))
    return Page(
        row=row,
        plan=found,
        rows=[_row(pick) for pick in found.picks],
        bars=_bars(row, found, running),
        longest_usd=max([row.budget_usd, found.usd, running, *(r.usd for r in found.rivals)]),
        running_usd=running,
        without_advice=row.body.get("without_advice", ()),
        older_than_prices=row.body.get("older_than_prices", ()),
    )


def _row(pick: Pick) -> Row:
    name = TIER_NAMES[Tier(pick.tier)] if pick.tier else ""
    change = None if pick.running_usd is None else pick.usd - pick.running_usd
    return Row(pick, name, change)


def _bars(row: PortfolioPlan, found: Portfolio, running: Decimal) -> Sequence[Bar]:
    budget = row.budget_usd
    ours = [Bar("This portfolio", found.usd, True, True)] if found.fits else []
    now = [Bar("Running now", running, False, running <= budget)] if running else []
    rivals = [
        Bar(
            each.name,
            each.usd,
            False,
            each.is_within_budget,
            each.missing,
            each.broken,
            each.examples,
        )
        for each in found.rivals
    ]
    return [*ours, *now, *rivals, Bar("The budget", budget, False, True)]
