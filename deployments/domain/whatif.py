"""One workload with one figure changed, the rest in proportion. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from deployments.domain.inputs import Reader
from deployments.domain.load_input import LEAST_RPS, MOST_RPS
from deployments.domain.workload import Workload
from deployments.domain.workload_input import MOST_MS, MOST_TOKENS

ZERO, POINTS = Decimal(0), Decimal(100)
INPUTS = ("mean_rps", "input_tokens", "output_tokens", "latency_ms", "quality_floor")


class Lever(StrEnum):
    """A figure of the workload that people are least sure of."""

    LOAD = "load"
    INPUT_TOKENS = "input-tokens"
    OUTPUT_TOKENS = "output-tokens"
    LATENCY = "latency"
    QUALITY = "quality-floor"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures that can be turned; what is None stays as it is. `mean_rps` in requests/s."""

    mean_rps: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int | None = None
    quality_floor: Decimal | None = None


def changed(workload: Workload, figures: Figures) -> Workload:
    """Return the workload with these figures in place of its own."""
    values = {
        Lever.LOAD: figures.mean_rps,
        Lever.INPUT_TOKENS: figures.input_tokens,
        Lever.OUTPUT_TOKENS: figures.output_tokens,
        Lever.LATENCY: figures.latency_ms,
        Lever.QUALITY: figures.quality_floor,
    }
    for lever, value in values.items():
        if value is not None:
            workload = turned(workload, lever, Decimal(value))
    return workload


def turned(workload: Workload, lever: Lever, value: Decimal) -> Workload:
    """Return the workload with one figure at a value.

    Peak and burst grow with the mean load, 95th percentiles with the mean tokens. A quality floor
    of zero is no floor.
    """
    match lever:
        case Lever.LOAD:
            return _at_load(workload, value)
        case Lever.INPUT_TOKENS:
            p95 = _in_proportion(workload.input_tokens_p95, workload.input_tokens_mean, value)
            return replace(workload, input_tokens_mean=int(value), input_tokens_p95=p95)
        case Lever.OUTPUT_TOKENS:
            p95 = _in_proportion(workload.output_tokens_p95, workload.output_tokens_mean, value)
            return replace(workload, output_tokens_mean=int(value), output_tokens_p95=p95)
        case Lever.LATENCY:
            return replace(workload, latency_ms=int(value))
        case Lever.QUALITY:
            return replace(workload, quality_floor=value or None)


def figure(workload: Workload, lever: Lever) -> Decimal:
    """Return a workload's own value of a figure; no quality floor counts as zero."""
    match lever:
        case Lever.LOAD:
            return workload.mean_rps
        case Lever.INPUT_TOKENS:
            return Decimal(workload.input_tokens_mean)
        case Lever.OUTPUT_TOKENS:
            return Decimal(workload.output_tokens_mean)
        case Lever.LATENCY:
            return Decimal(workload.latency_ms)
        case Lever.QUALITY:
            return workload.quality_floor or Decimal(0)


def _at_load(workload: Workload, mean_rps: Decimal) -> Workload:
    factor = mean_rps / workload.mean_rps
    burst = workload.burst
    return replace(
        workload,
        mean_rps=mean_rps,
        peak_rps=max(mean_rps, workload.peak_rps * factor),
        burst=replace(burst, rps=burst.rps * factor) if burst else None,
    )


def _in_proportion(p95: int, mean: int, value: Decimal) -> int:
    return max(int(value), round(p95 * value / mean))


class BadFigure(ValueError):
    """A figure that cannot be; `fields` maps each input to the sentence about it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


def read(given: Mapping[str, Any]) -> Figures:
    """Return the figures that were written; what is missing or empty stays as it is.

    Raises BadFigure with a sentence for each that cannot be.
    """
    reader = Reader(given)
    for name in given:
        if name not in INPUTS:
            reader.refuse(str(name)[:60], f"There is no figure {str(name)[:60]!r}.", None)
    load = _number(reader, "mean_rps", unit="requests/s", least=LEAST_RPS, most=MOST_RPS)
    floor = _number(reader, "quality_floor", unit="points of the index", least=ZERO, most=POINTS)
    figures = Figures(
        mean_rps=load,
        input_tokens=_whole(reader, "input_tokens", unit="tokens", most=MOST_TOKENS),
        output_tokens=_whole(reader, "output_tokens", unit="tokens", most=MOST_TOKENS),
        latency_ms=_whole(reader, "latency_ms", unit="milliseconds", most=MOST_MS),
        quality_floor=floor,
    )
    if reader.wrong:
        raise BadFigure(reader.wrong)
    return figures


def _is_given(reader: Reader, name: str) -> bool:
    value = reader.given.get(name)
    return value is not None and not (isinstance(value, str) and not value.strip())


def _number(
    reader: Reader, name: str, *, unit: str, least: Decimal, most: Decimal
) -> Decimal | None:
    if not _is_given(reader, name):
        return None
    return reader.number(name, unit=unit, least=least, most=most)


def _whole(reader: Reader, name: str, *, unit: str, most: int) -> int | None:
    if not _is_given(reader, name):
        return None
    return reader.whole(name, unit=unit, least=1, most=most)
