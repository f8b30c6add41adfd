"""What a feature asks of its deployment. Pure values; units are in the names."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

HOURS_PER_MONTH = Decimal(730)
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


class Pattern(StrEnum):
    """How requests arrive."""

    REAL_TIME = "real-time"
    INTERACTIVE = "interactive"
    BATCH = "batch"
    ASYNCHRONOUS = "asynchronous"
    EVENT_DRIVEN = "event-driven"


class Need(StrEnum):
    """What kind of model the feature needs (the first question of the decision tree)."""

    STANDARD = "standard"  # a foundation model of the catalog
    CUSTOM_GPU = "custom-gpu"  # own weights that need a GPU
    CUSTOM_CPU = "custom-cpu"  # own weights, small enough for CPU


@dataclass(frozen=True, slots=True)
class CustomModel:
    """A team's own weights."""

    weights_s3_uri: str
    parameters_billion: Decimal
    precision: str = "bf16"
    base_model: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """One feature's load, objective and constraints.

    `mean_rps` is the average over the month (requests/s); `peak_rps` the highest sustained minute.
    Tokens are per request. Latency is end to end, in ms, at `latency_percentile`
    (50, 95 or 99). `models` limits the candidates to these catalog ids; empty means any.
    """

    pattern: Pattern
    mean_rps: Decimal
    peak_rps: Decimal
    input_tokens_mean: int
    input_tokens_p95: int
    output_tokens_mean: int
    output_tokens_p95: int
    latency_ms: int
    latency_percentile: int = 95
    need: Need = Need.STANDARD
    models: tuple[str, ...] = ()
    custom: CustomModel | None = None
    images_per_request: int = 0
    payload_bytes: int = 0
    needs_streaming: bool = False
    vpc_only: bool = False
    longest_commitment_months: int = 0
    region: str = "us-east-1"
    quality_floor: Decimal | None = None
    forbidden_models: tuple[str, ...] = ()
    notes: str = ""
    assumptions: tuple[str, ...] = field(default_factory=tuple)

    @property
    def requests_per_month(self) -> Decimal:
        """Requests in a month of 730 hours."""
        return self.mean_rps * SECONDS_PER_MONTH
