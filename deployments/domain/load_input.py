"""How much comes and when, out of what was written: mean, peak, week and burst. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from deployments.domain import profile
from deployments.domain.inputs import Reader
from deployments.domain.workload import Burst

MOST_RPS = Decimal(1_000_000)
LEAST_RPS = Decimal("0.000001")  # about one request in twelve days
MOST_WEIGHT = Decimal(1_000_000)
MOST_BURST_SECONDS = 60  # what lasts longer is the peak: the highest minute
SECONDS_PER: Mapping[str, Decimal] = {
    "per-second": Decimal(1),
    "per-minute": Decimal(60),
    "per-hour": Decimal(3600),
    "per-day": Decimal(86400),
    "per-month": Decimal(730 * 3600),
}
_LOAD = ("load", "load_unit", "window_hours")


@dataclass(frozen=True, slots=True)
class Load:
    """Requests/s on average and in the highest minute, the week's weights, and the burst."""

    mean_rps: Decimal
    peak_rps: Decimal
    weekly_profile: tuple[Decimal, ...]
    burst: Burst | None


def read(reader: Reader) -> Load:
    """Return the load that was written; what is wrong stands in the reader.

    Without a peak, it is the load spread over its window, or the busiest hour of the week.
    """
    mean, filled = _mean(reader)
    weights = _week(reader)
    busiest = (mean * profile.highest(weights)).quantize(LEAST_RPS, ROUND_CEILING)
    peak = reader.number(
        "peak_rps",
        unit="requests/s",
        least=LEAST_RPS,
        most=MOST_RPS * 10,
        default=max(filled, rounded(busiest)),
    )
    if not {*_LOAD, "peak_rps", "weekly_profile"} & set(reader.wrong):
        _compare(reader, mean, peak, weights)
    return Load(mean, peak, weights, _burst(reader, peak))


def _mean(reader: Reader) -> tuple[Decimal, Decimal]:
    """Return requests/s on average, and while the load's daily window is open."""
    unit = reader.one_of("load_unit", tuple(SECONDS_PER), "per-second")
    seconds = SECONDS_PER.get(unit, Decimal(1))
    written = reader.number(
        "load",
        unit=f"requests {unit.replace('-', ' ')}",
        least=LEAST_RPS * seconds,
        most=MOST_RPS * seconds,
    )
    window = reader.number(
        "window_hours",
        unit="hours a day",
        least=Decimal("0.1"),
        most=Decimal(24),
        default=Decimal(24),
    )
    mean = written / seconds
    return rounded(mean), rounded(mean * 24 / window)


def rounded(rps: Decimal) -> Decimal:
    """Return requests/s with at most six decimals, none of them a nought at the end."""
    if rps == rps.to_integral_value():
        return rps.quantize(Decimal(1))
    return rps.quantize(LEAST_RPS).normalize()


def _week(reader: Reader) -> tuple[Decimal, ...]:
    """Return 168 weights with mean 1 out of 168, or of the 24 of a day that repeats."""
    weights = reader.numbers(
        "weekly_profile",
        unit="hourly weights",
        counts=(profile.HOURS_A_WEEK, profile.HOURS_A_DAY),
        least=Decimal(0),
        most=MOST_WEIGHT,
    )
    if not weights:
        return ()
    try:
        return profile.normalised(weights * (profile.HOURS_A_WEEK // len(weights)))
    except ValueError as reason:
        reader.refuse("weekly_profile", str(reason), None)
        return ()


def _compare(reader: Reader, mean: Decimal, peak: Decimal, weights: tuple[Decimal, ...]) -> None:
    if peak < mean:
        reader.refuse(
            "peak_rps",
            f"The peak ({peak:,f} requests/s) is below the mean ({mean:,f} requests/s): it is the "
            "highest sustained minute, so at least the mean.",
            None,
        )
    top = profile.highest(weights)
    busiest = mean * top
    if weights and peak < busiest * Decimal("0.999") - LEAST_RPS * top:
        reader.refuse(
            "peak_rps",
            f"The busiest hour of the week ({profile.busiest(weights)}) has "
            f"{busiest.quantize(Decimal('0.01')):,f} requests/s; the peak is the highest minute, "
            f"so at least that, and {peak:,f} is not.",
            None,
        )


def _burst(reader: Reader, peak: Decimal) -> Burst | None:
    if reader.given.get("burst_rps") in (None, ""):
        return None
    rps = reader.number("burst_rps", unit="requests/s", least=LEAST_RPS, most=MOST_RPS * 100)
    seconds = reader.whole(
        "burst_seconds", unit="seconds", least=1, most=MOST_BURST_SECONDS, default=10
    )
    if rps < peak and not {"burst_rps", "peak_rps"} & set(reader.wrong):
        reader.refuse(
            "burst_rps",
            f"The burst ({rps:,f} requests/s) is below the peak minute ({peak:,f} requests/s): it "
            "is the highest load of some seconds, so at least the peak; leave it empty when it is "
            "not known.",
            None,
        )
    return Burst(rps, seconds)
