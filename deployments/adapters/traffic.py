"""The shapes of load that the traffic player follows: shipped ones, and those of a trace file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from deployments.domain import traffic
from deployments.domain.workload import Pattern, Workload

DATA = Path(__file__).resolve().parent.parent / "data" / "traffic.json"
MOST_TRACE_BYTES = 200 * 1024 * 1024  # unpacked: a small file must not fill the memory
PROFILES: Mapping[Pattern, traffic.Profile] = {
    Pattern.REAL_TIME: traffic.Profile.CONSTANT,
    Pattern.INTERACTIVE: traffic.Profile.INTERACTIVE,
    Pattern.BATCH: traffic.Profile.BATCH,
    Pattern.ASYNCHRONOUS: traffic.Profile.BATCH,
    Pattern.EVENT_DRIVEN: traffic.Profile.INTERACTIVE,
}


@cache
def conversation() -> traffic.Shape:
    """Return the arrivals and lengths of the real trace that the data file was derived from."""
    return traffic.shape_from(json.loads(DATA.read_text()))


def shape_for(workload: Workload) -> traffic.Shape:
    """Return the workload's pattern of arrivals, with its own lengths.

    Interactive loads rise and fall, and correlate their lengths, as the trace does.
    """
    return traffic.with_lengths(
        shape=traffic.with_profile(shape=conversation(), profile=PROFILES[workload.pattern]),
        input_mean=workload.input_tokens_mean,
        input_p95=workload.input_tokens_p95,
        output_mean=workload.output_tokens_mean,
        output_p95=workload.output_tokens_p95,
    )


def arrivals_of(
    workload: Workload, *, seconds: int, seed: int, shape: Mapping[str, Any] | None = None
) -> Iterator[tuple[float, int, int]]:
    """Yield (seconds from the start, input tokens, output tokens); `shape` is of a trace."""
    return traffic.arrivals(
        shape=shape_for(workload) if shape is None else traffic.shape_from(shape),
        rps_mean=float(workload.mean_rps),
        rps_peak=float(workload.peak_rps),
        seconds=float(seconds),
        seed=seed,
    )


def shape_of_csv(content: bytes) -> dict[str, Any]:
    """Measure a trace file (CSV or CSV.gz) and return its shape as JSON.

    Raises ValueError with a sentence when it is none.
    """
    try:
        with (
            gzip.open(io.BytesIO(content))
            if content[:2] == b"\x1f\x8b"
            else io.BytesIO(content) as stream
        ):
            unpacked = stream.read(MOST_TRACE_BYTES + 1)
        text = unpacked.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as reason:
        raise traffic.BadTrace(
            "The file is neither CSV text in UTF-8 nor such a file packed with gzip."
        ) from reason
    if len(unpacked) > MOST_TRACE_BYTES:
        raise traffic.BadTrace("The unpacked trace has more than 200 MiB; cut it shorter.")
    return asdict(traffic.shape_of_trace(csv.DictReader(io.StringIO(text))))
