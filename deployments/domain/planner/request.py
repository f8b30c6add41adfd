"""What a capacity plan is asked for, and what load tests have shown. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from deployments.domain.planner.architecture import Architecture


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One model, its load, its objectives and what may be used.

    Rates are requests/s (`mean_rps` over the month, `peak_rps` of the highest sustained minute),
    tokens are per request. `latency_ms` is held at `latency_percentile` (50, 95 or 99) to
    `latency_of` ("whole-answer" or "first-token"); `ttft_ms` and `tpot_ms` are further limits, at
    the same percentile and on average. `gpu_quota` maps instance types to the most endpoint
    instances the account may run. Empty `precisions` and `instance_types` mean any. `engine` is
    the key of an engine generation. `max_output_tokens` cuts every answer.
    """

    architecture: Architecture
    mean_rps: Decimal
    peak_rps: Decimal
    input_tokens_mean: int
    input_tokens_p95: int
    output_tokens_mean: int
    output_tokens_p95: int
    latency_ms: int
    latency_percentile: int = 99
    latency_of: str = "whole-answer"
    max_output_tokens: int | None = None
    tpot_ms: int | None = None
    ttft_ms: int | None = None
    usd_per_request: Decimal | None = None
    region: str = "us-east-1"
    precisions: tuple[str, ...] = ()
    engine: str = "vllm"
    instance_types: tuple[str, ...] = ()
    gpu_quota: Mapping[str, int] = field(default_factory=dict)
    min_replicas: int = 2  # endpoint instances: two stand in two zones
    weights_s3_uri: str = ""
    prefix_cached_share: Decimal = Decimal(0)  # of input tokens whose KV is found in memory


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One measured load test of one configuration; None where it was not measured.

    The load is per copy of the model: `concurrency` requests at once, or `request_rate` arriving
    each second (one of the two). `architecture` is a name, `source` who measured it.
    """

    architecture: str
    accelerator: str
    tensor_parallel: int
    precision: str
    engine: str
    input_tokens: float
    output_tokens: float
    source: str
    as_of: date
    pipeline_parallel: int = 1
    concurrency: float | None = None
    request_rate: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_mean_ms: float | None = None
    e2e_p99_ms: float | None = None
    output_tokens_per_s: float | None = None
