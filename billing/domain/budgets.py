"""What is allowed, held and spent in a month; whether one more fits; where it will end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from billing.domain.money import CENT, HOURS_A_MONTH, ZERO, hours_between, in_words, month_of

NO_BUDGET = "No budget is set: an administrator sets one under Spend, Budgets."
A_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Position:
    """A budget (None: none is set) and what is against it in a month, all in USD.

    `used_usd` counts for each deployment the larger of what is held and what it has spent, and
    what was spent by deployments that hold nothing any more.
    """

    budget_usd: Decimal | None
    held_usd: Decimal
    spent_usd: Decimal
    used_usd: Decimal

    @property
    def left_usd(self) -> Decimal | None:
        """Return what may still be held; negative when more is used than allowed."""
        return None if self.budget_usd is None else self.budget_usd - self.used_usd

    @property
    def spent_share(self) -> Decimal | None:
        """Return the share of the budget that is spent; None without a budget above 0."""
        return self.spent_usd / self.budget_usd if self.budget_usd else None


@dataclass(frozen=True, slots=True)
class Request:
    """Money asked for a deployment: USD a month; what it has spent and held so far."""

    deployment: str
    monthly_usd: Decimal
    spent_usd: Decimal = ZERO
    held_usd: Decimal | None = None

    @property
    def counts_usd(self) -> Decimal:
        """Return what it takes of a budget: never less than it has spent this month."""
        return max(self.monthly_usd, self.spent_usd)


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a deployment fits its budgets, the sentence about it, and the figures in USD.

    The figures leave out the deployment's own spend and what it holds now. `team_budget_usd` and
    `team_left_usd` are None when the team has no budget of its own.
    """

    fits: bool
    sentence: str
    monthly_usd: Decimal
    budget_usd: Decimal | None
    spent_usd: Decimal
    held_usd: Decimal
    used_usd: Decimal
    left_usd: Decimal | None
    team_budget_usd: Decimal | None
    team_spent_usd: Decimal
    team_held_usd: Decimal
    team_used_usd: Decimal
    team_left_usd: Decimal | None


def decide(*, request: Request, organisation: Position, team: Position, team_name: str) -> Consent:
    """Say whether the request fits the organisation's budget and, where there is one, the team's.

    The positions leave out the requesting deployment. Asking for no more than is held already
    always fits: a step down is never refused.
    """
    refusals = [
        _refusal(request, position, whom)
        for position, whom in ((organisation, "the organisation"), (team, f"team {team_name}"))
        if position.left_usd is not None and request.counts_usd > position.left_usd
    ]
    if organisation.budget_usd is None:
        refusals = [NO_BUDGET]
    elif request.held_usd is not None and request.monthly_usd <= request.held_usd:
        refusals = []
    return Consent(
        fits=not refusals,
        sentence=" ".join(refusals) or _agreement(request, organisation, team, team_name),
        monthly_usd=request.monthly_usd,
        budget_usd=organisation.budget_usd,
        spent_usd=organisation.spent_usd,
        held_usd=organisation.held_usd,
        used_usd=organisation.used_usd,
        left_usd=organisation.left_usd,
        team_budget_usd=team.budget_usd,
        team_spent_usd=team.spent_usd,
        team_held_usd=team.held_usd,
        team_used_usd=team.used_usd,
        team_left_usd=team.left_usd,
    )


def _refusal(request: Request, position: Position, whom: str) -> str:
    budget = position.budget_usd or ZERO
    left = max(position.left_usd or ZERO, ZERO).quantize(CENT, ROUND_FLOOR)
    asked = f"{request.deployment} needs {in_words(request.monthly_usd)} a month"
    if request.spent_usd > request.monthly_usd:
        asked += f" and has spent {in_words(request.spent_usd)} this month already"
    least = (position.used_usd + request.counts_usd).quantize(CENT, ROUND_CEILING)
    smaller = f"at most {in_words(left)} a month" if left > 0 else "nothing more this month"
    return (
        f"{asked}; the budget of {whom} has {in_words(left)} left: "
        f"{in_words(budget)} a month, {in_words(position.held_usd)} held, "
        f"{in_words(position.spent_usd)} spent, {in_words(position.used_usd)} used counting the "
        f"larger of held and spent for each deployment. What fits is {smaller}, or a budget of at "
        f"least {in_words(least)}."
    )


def _agreement(request: Request, organisation: Position, team: Position, team_name: str) -> str:
    parts = [
        f"{in_words(position.left_usd - request.counts_usd)} of {in_words(position.budget_usd)} "
        f"would be left to {whom}"
        for position, whom in ((organisation, "the organisation"), (team, f"team {team_name}"))
        if position.left_usd is not None and position.budget_usd is not None
    ]
    return f"{request.deployment} holds {in_words(request.monthly_usd)} a month; " + (
        " and ".join(parts) + "."
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A deployment that holds money: USD a month held, USD booked in the last 24 h, held since."""

    deployment: str
    monthly_usd: Decimal
    last_day_usd: Decimal
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Forecast:
    """USD at the end of the month, with its band and the assumptions it stands on.

    `low_usd` is what is spent already; `high_usd` lets every deployment use the larger of what it
    holds and what it used lately. Nothing here is a confidence interval.
    """

    low_usd: Decimal
    expected_usd: Decimal
    high_usd: Decimal
    assumptions: tuple[str, ...]


def forecast(*, spent_usd: Decimal, running: Sequence[Running], now: datetime) -> Forecast:
    """Return where the month will end if what runs now goes on as it does.

    A deployment that has held money for 24 h goes on at its rate of the last 24 h; a younger one
    at what it holds (a month of 730 h, as the tariffs count).
    """
    hours_left = hours_between(now, month_of(now).ends_at)
    held = [each.monthly_usd / HOURS_A_MONTH for each in running]
    lately = [each.last_day_usd / 24 for each in running]
    is_young = [now - each.held_at < A_DAY for each in running]
    expected = sum(
        (a if young else b for a, b, young in zip(held, lately, is_young, strict=True)), ZERO
    )
    high = sum((max(a, b) for a, b in zip(held, lately, strict=True)), ZERO)
    expected_usd = max(spent_usd, (spent_usd + expected * hours_left).quantize(CENT))
    return Forecast(
        low_usd=spent_usd,
        expected_usd=expected_usd,
        high_usd=max(expected_usd, (spent_usd + high * hours_left).quantize(CENT)),
        assumptions=_assumptions(hours_left, len(running), sum(is_young)),
    )


def _assumptions(hours_left: Decimal, running: int, young: int) -> tuple[str, ...]:
    return (
        f"{hours_left:.1f} h of this month are left; deployments that hold money: {running}.",
        f"Going on as in the last 24 h: {running - young}. Younger than a day, going on at what "
        f"they hold (a month of 730 h): {young}.",
        "The band runs from what is spent already (all stops now) to every deployment at the "
        "larger of what it holds and what it used in the last 24 h. It is no statistical interval.",
    )
