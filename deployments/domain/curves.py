"""What options would cost at other loads: break-even between tiers. Pure.

An estimate from one ranked answer: paid by use grows with the load, a fleet grows by whole
machines at the planned rate of each. The peak grows with the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from deployments.domain.options import TIER_NAMES, Option, Verdict
from deployments.domain.wording import count
from deployments.domain.workload import Workload

MOST_LINES = 5
_FACTORS = tuple(Decimal(10) ** (Decimal(step) / 8) for step in range(-16, 9))


@dataclass(frozen=True, slots=True)
class Line:
    """USD a month of one option at each load, and whether it meets every constraint."""

    option_id: str
    name: str
    usd: tuple[Decimal, ...]
    meets_all: bool = True


@dataclass(frozen=True, slots=True)
class Curves:
    """Mean loads in requests/s, a line for each option, and where the cheapest changes."""

    loads_rps: tuple[Decimal, ...]
    lines: tuple[Line, ...]
    sentences: tuple[str, ...]


def curves(options: Sequence[Option], workload: Workload) -> Curves:
    """Return the cheapest option of each tier with a price, over a hundredth to ten times load."""
    chosen = _one_a_tier(options)
    loads = tuple(_rounded(workload.mean_rps * factor) for factor in _FACTORS)
    spread = workload.peak_rps / workload.mean_rps
    lines = tuple(
        Line(
            option.option_id,
            _name(option),
            tuple(cost_at(option, load, load * spread, workload) for load in loads),
            not _broken(option),
        )
        for option in chosen
    )
    return Curves(loads, lines, _crossings(loads, lines))


def cost_at(option: Option, mean_rps: Decimal, peak_rps: Decimal, workload: Workload) -> Decimal:
    """Return USD a month at another load: use by the request, fleets by whole machines."""
    variable = option.cost.variable_usd * mean_rps / workload.mean_rps
    held = option.size.instances or option.size.model_units
    if not held:
        return _cents(variable)
    planned = Decimal(option.extra.get("planned_rps_each", "0"))
    least = int(option.extra.get("least_count", "1"))
    wanted = int((peak_rps / planned).to_integral_value(ROUND_CEILING)) if planned else held
    return _cents(variable + option.cost.fixed_usd / held * max(wanted, least))


def _one_a_tier(options: Sequence[Option]) -> list[Option]:
    """Return for each tier its first feasible option, else the one that breaks the least."""
    sized = [option for option in options if _is_sized(option)]
    chosen: dict[str, Option] = {}
    for option in sorted(sized, key=lambda each: len(_broken(each))):
        chosen.setdefault(option.tier, option)
    return list(chosen.values())[:MOST_LINES]


def _is_sized(option: Option) -> bool:
    """Say whether there is a price and a size that works at all, if not as well as asked."""
    has_price = option.cost.expected_usd is not None
    return has_price and option.capacity.max_rps > 0 and option.latency.p50_ms > 0


def _broken(option: Option) -> list[str]:
    return [check.name for check in option.checks if not check.holds]


def _crossings(loads: Sequence[Decimal], lines: Sequence[Line]) -> tuple[str, ...]:
    if len(lines) < 2:
        return ()
    cheapest = [min(lines, key=lambda line: line.usd[at]) for at in range(len(loads))]
    said = [f"At {count(loads[0])} requests/s {cheapest[0].name} is cheapest."]
    for at in range(1, len(loads)):
        if cheapest[at].option_id != cheapest[at - 1].option_id:
            said.append(f"From about {count(loads[at])} requests/s {cheapest[at].name} is.")
    return tuple(said)


def _rounded(load: Decimal) -> Decimal:
    return Decimal(f"{load:.3g}")


def _cents(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.01"))


def _name(option: Option) -> str:
    broken = ", ".join(dict.fromkeys(_broken(option)))
    fails = f" (fails: {broken})" if option.verdict is Verdict.INFEASIBLE else ""
    return f"{TIER_NAMES[option.tier]}: {option.model}{fails}"
