"""The sliders of the what-if form: where each stands and how far it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.workload import Workload


@dataclass(frozen=True, slots=True)
class Slide:
    """A slider beside a field: from `least` to `most`, by powers where `is_log`."""

    field: str
    least: str
    most: str
    is_log: bool
    is_whole: bool


def slides(workload: Workload) -> Mapping[str, Slide]:
    """Return a slider for each figure of the form, around the workload's own."""
    return {
        "mean_rps": _around("mean_rps", workload.mean_rps, Decimal(100)),
        "input_tokens": _around("input_tokens", Decimal(workload.input_tokens_mean), Decimal(10)),
        "output_tokens": _around(
            "output_tokens", Decimal(workload.output_tokens_mean), Decimal(10)
        ),
        "latency_ms": _around("latency_ms", Decimal(workload.latency_ms), Decimal(30)),
        "quality_floor": Slide("quality_floor", "0", "60", is_log=False, is_whole=False),
    }


def figures(workload: Workload) -> dict[str, str]:
    """Return the workload's own figures, as the form shows them first."""
    floor = workload.quality_floor
    return {
        "mean_rps": f"{workload.mean_rps.normalize():f}",
        "input_tokens": str(workload.input_tokens_mean),
        "output_tokens": str(workload.output_tokens_mean),
        "latency_ms": str(workload.latency_ms),
        "quality_floor": "" if floor is None else f"{floor.normalize():f}",
    }


def _around(field: str, value: Decimal, factor: Decimal) -> Slide:
    whole = field != "mean_rps"
    least = max(value / factor, Decimal(1) if whole else Decimal("0.000001"))
    return Slide(
        field, f"{least:.4g}" if not whole else f"{least:.0f}", f"{value * factor:f}", True, whole
    )
