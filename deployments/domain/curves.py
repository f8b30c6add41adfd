"""What options would cost at other loads: break-even between tiers. Pure.

An estimate from one ranked answer: paid by use grows with the load, a fleet grows by whole
machines at the planned rate of each. The peak grows with the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from deployments.domain.envelope import Line as Shape
from deployments.domain.envelope import Segment, lowest
from deployments.domain.options import TIER_NAMES, Option, Verdict
from deployments.domain.wording import usd_a_month
from deployments.domain.workload import Workload

MOST_LINES = 8
_FACTORS = tuple(Decimal(10) ** (Decimal(step) / 8) for step in range(-16, 9))
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """USD a month of one option at each load, and whether it meets every constraint."""

    option_id: str
    name: str
    usd: tuple[Decimal, ...]
    meets_all: bool = True


@dataclass(frozen=True, slots=True)
class Curves:
    """Mean loads in requests/s, a line for each option, and where the cheapest changes.

    `segments` are all changes, exact; `sentences` say them in words, turns taken together.
    """

    loads_rps: tuple[Decimal, ...]
    lines: tuple[Line, ...]
    segments: tuple[Segment, ...]
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
    segments = lowest([shape(option, workload) for option in chosen], start=loads[0], end=loads[-1])
    names = {line.option_id: line.name for line in lines}
    return Curves(loads, lines, segments, _crossings(segments, names))


def cost_at(option: Option, mean_rps: Decimal, peak_rps: Decimal, workload: Workload) -> Decimal:
    """Return USD a month at another load: use by the request, fleets by whole machines."""
    variable = option.cost.variable_usd * mean_rps / workload.mean_rps
    held = option.size.instances or option.size.model_units
    if not held:
        return _cents(variable + option.cost.fixed_usd)
    planned = Decimal(option.extra.get("planned_rps_each", "0"))
    least = int(option.extra.get("least_count", "1"))
    wanted = int((peak_rps / planned).to_integral_value(ROUND_CEILING)) if planned else held
    return _cents(variable + option.cost.fixed_usd / held * max(wanted, least))


def shape(option: Option, workload: Workload) -> Shape:
    """Return the same cost as a line over the mean load, with a step for each machine."""
    slope = option.cost.variable_usd / workload.mean_rps
    held = option.size.instances or option.size.model_units
    planned = Decimal(option.extra.get("planned_rps_each", "0"))
    if not held or not planned:
        return Shape(option.option_id, slope, constant=option.cost.fixed_usd)
    return Shape(
        option.option_id,
        slope,
        unit=option.cost.fixed_usd / held,
        step=planned * workload.mean_rps / workload.peak_rps,
        least=int(option.extra.get("least_count", "1")),
    )


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


def _crossings(segments: Sequence[Segment], names: dict[str, str]) -> tuple[str, ...]:
    """Say each change of the cheapest; where two take turns, between which loads."""
    if len(names) < 2 or not segments:
        return ()
    said = [f"At {load(segments[0].start)} requests/s {names[segments[0].key]} is cheapest."]
    place = 1
    while place < len(segments):
        last = _last_of_turns(segments, place)
        here, final = segments[place], segments[last]
        if last == place:
            said.append(
                f"From {load(here.start)} requests/s, where it is {usd_a_month(here.usd)}, "
                f"{names[here.key]} is."
            )
        else:
            said.append(
                f"Between {load(here.start)} and {load(final.start)} requests/s "
                f"{names[segments[place - 1].key]} and {names[here.key]} take turns as whole "
                f"machines fill; from there on {names[final.key]} is."
            )
        place = last + 1
    return tuple(said)


def _last_of_turns(segments: Sequence[Segment], place: int) -> int:
    pair = {segments[place - 1].key, segments[place].key}
    last = place
    while last + 1 < len(segments) and segments[last + 1].key in pair:
        last += 1
    return last


def load(rps: Decimal) -> str:
    """Return a load with four digits that matter, as `0.0583` or `1,234`."""
    return f"{rps:,.0f}" if rps >= 1000 else f"{float(rps):.4g}"


def _rounded(rps: Decimal) -> Decimal:
    return Decimal(f"{rps:.3g}")


def _cents(usd: Decimal) -> Decimal:
    return usd.quantize(_CENT)


def _name(option: Option) -> str:
    broken = ", ".join(dict.fromkeys(_broken(option)))
    fails = f" (fails: {broken})" if option.verdict is Verdict.INFEASIBLE else ""
    return f"{TIER_NAMES[option.tier]}: {option.model}{fails}"
