"""What a deployment was metered to serve, in place of what was stated for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from deployments.domain.wording import count
from deployments.domain.workload import Workload

LEAST_HOURS = 24
RATE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Load:
    """What a deployment was metered to serve in whole hours; None where nothing tells."""

    start: datetime
    end: datetime
    requests: Decimal
    busiest_hour: Decimal  # requests in it
    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None

    @property
    def hours(self) -> int:
        """Return how long it was metered."""
        return int((self.end - self.start).total_seconds() // 3600)

    @property
    def is_enough(self) -> bool:
        """Say whether it tells anything: a whole day, with requests in it."""
        return self.hours >= LEAST_HOURS and self.requests > 0


@dataclass(frozen=True, slots=True)
class Basis:
    """The workload a proposal stands on, and which of its figures were metered."""

    workload: Workload
    is_metered: bool
    sentences: tuple[str, ...]


def basis(*, stated: Workload, load: Load | None) -> Basis:
    """Return the workload with its metered rate and lengths in place of the stated ones.

    The peak keeps the stated ratio to the mean, unless a metered hour was busier. With images the
    stated lengths stay: metered input counts the images too.
    """
    if load is None or not load.is_enough:
        return Basis(stated, False, (_why_stated(load),))
    mean = (load.requests / (load.hours * 3600)).quantize(RATE) or RATE
    busiest = (load.busiest_hour / 3600).quantize(RATE)
    peak = max(mean * stated.peak_rps / stated.mean_rps, busiest, mean).quantize(RATE)
    found = replace(stated, mean_rps=mean, peak_rps=peak)
    sentences = [
        f"Metered from {load.start:%Y-%m-%d %H:%M} to {load.end:%Y-%m-%d %H:%M} UTC: "
        f"{count(mean)} requests/s on average in place of the stated {count(stated.mean_rps)}."
    ]
    lengths = _lengths(stated, load)
    sentences.append(
        "Metered too: "
        f"{lengths['input_tokens_mean']:,} input and {lengths['output_tokens_mean']:,} output "
        "tokens a request."
        if lengths
        else "Tokens a request are the stated ones: they are not metered here."
    )
    if lengths:
        found = _with_lengths(found, **lengths)
    return Basis(found, True, tuple(sentences))


def _why_stated(load: Load | None) -> str:
    if load is None:
        return "The load is the stated one: nothing that is metered runs."
    if load.hours < LEAST_HOURS:
        return (
            f"The load is the stated one: {load.hours} h are metered, {LEAST_HOURS} h are needed."
        )
    return f"The load is the stated one: no request was metered in {load.hours} h."


def _with_lengths(
    workload: Workload,
    *,
    input_tokens_mean: int,
    input_tokens_p95: int,
    output_tokens_mean: int,
    output_tokens_p95: int,
) -> Workload:
    return replace(
        workload,
        input_tokens_mean=input_tokens_mean,
        input_tokens_p95=input_tokens_p95,
        output_tokens_mean=output_tokens_mean,
        output_tokens_p95=output_tokens_p95,
    )


def _lengths(stated: Workload, load: Load) -> dict[str, int]:
    if load.input_tokens is None or load.output_tokens is None or stated.images_per_request:
        return {}
    found: dict[str, int] = {}
    for name, tokens in (("input", load.input_tokens), ("output", load.output_tokens)):
        mean = max(1, round(tokens / load.requests))
        before = Decimal(getattr(stated, f"{name}_tokens_mean"))
        tail = getattr(stated, f"{name}_tokens_p95") / before
        found |= {
            f"{name}_tokens_mean": mean,
            f"{name}_tokens_p95": max(mean, round(mean * tail)),
        }
    return found
