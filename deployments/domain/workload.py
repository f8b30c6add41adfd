"""What a feature asks of its deployment. Pure values; units are in the names."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from deployments.domain.wording import milliseconds

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


class LatencyOf(StrEnum):
    """What the latency objective is measured to."""

    WHOLE_ANSWER = "whole-answer"
    FIRST_TOKEN = "first-token"  # noqa: S105 (a model's token); only where it is streamed


class Residency(StrEnum):
    """Where requests may be worked on."""

    ANYWHERE = "anywhere"
    GEOGRAPHY = "geography"  # any Region of the same geography, e.g. the United States
    REGION = "region"


@dataclass(frozen=True, slots=True)
class CustomModel:
    """A team's own weights."""

    weights_s3_uri: str
    parameters_billion: Decimal
    precision: str = "bf16"
    base_model: str = ""


@dataclass(frozen=True, slots=True)
class Burst:
    """The highest load of some seconds on end: a trace's highest 10 s, or what a team states."""

    rps: Decimal
    seconds: int = 10


@dataclass(frozen=True, slots=True)
class Workload:
    """One feature's load, objective and constraints.

    `mean_rps` is the average over the month (requests/s); `peak_rps` the highest sustained minute.
    Tokens are per request, without images. Latency is in ms at `latency_percentile` (50, 95, 99),
    to the last token unless `latency_of` says the first. `models` limits the candidates to these
    catalog ids; empty means any. `quality_floor` is a score of the Artificial Analysis index v4.1.
    `weekly_profile` holds the load of the 168 hours of a week, Monday 00:00 UTC first, relative to
    the mean (so their mean is 1); empty is a flat week. `cached_input_share` (0 to 1) is the share
    of input tokens that repeat as a prefix and can be read from a cache.
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
    latency_of: LatencyOf = LatencyOf.WHOLE_ANSWER
    residency: Residency = Residency.ANYWHERE
    weekly_profile: tuple[Decimal, ...] = ()
    burst: Burst | None = None
    cached_input_share: Decimal = Decimal(0)

    @property
    def requests_per_month(self) -> Decimal:
        """Requests in a month of 730 hours."""
        return self.mean_rps * SECONDS_PER_MONTH

    @property
    def wish(self) -> str:
        """The latency objective in words, as in `200 ms at p95`."""
        to = " to the first token" if self.latency_of is LatencyOf.FIRST_TOKEN else ""
        return f"{milliseconds(self.latency_ms)}{to} at p{self.latency_percentile}"
