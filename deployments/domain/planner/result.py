"""What a capacity plan answers: configurations, predictions with intervals, refusals. Values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.options import Check


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted figure with its 80 % interval and what that stands on."""

    value: float
    low: float
    high: float
    unit: str
    basis: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """One replica's times at the peak, and what the whole plan carries there."""

    ttft_p50: Estimate
    ttft_p95: Estimate
    ttft_p99: Estimate
    tpot: Estimate
    e2e_p50: Estimate
    e2e_p95: Estimate
    e2e_p99: Estimate
    output_tokens_per_s: Estimate  # of the whole plan at the peak
    requests_per_s: Estimate  # the most the whole plan sustains
    confidence: str  # high, medium or low
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """GiB of one GPU by part; all parts but `usable` add up to `usable`."""

    weights: float
    kv: float
    activation: float
    non_torch: float
    graphs: float
    free: float
    usable: float


@dataclass(frozen=True, slots=True)
class Loading:
    """How the weights get into the GPUs, seconds until ready, and timeouts to set."""

    strategy: str
    seconds_to_ready: int
    startup_health_check_timeout_s: int  # ContainerStartupHealthCheckTimeoutInSeconds
    model_data_download_timeout_s: int  # ModelDataDownloadTimeoutInSeconds
    volume_gb: int | None  # None: leave VolumeSizeInGB out
    volume_sentence: str
    stages: tuple[tuple[str, int], ...]  # what takes how many seconds
    alternatives: tuple[tuple[str, int], ...]  # other strategies and their seconds to ready
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way to run the model: how many of what, at which speed, for how much.

    Money is None where the machine has no price. `utilisation` is the share of saturation at the
    peak. `output_cap` is the highest `max_tokens` a request may ask for, within the objective.
    """

    key: str
    instance_type: str
    gpu: str
    gpus: int
    tensor_parallel: int
    pipeline_parallel: int
    replicas_per_instance: int
    instances: int
    precision: str
    max_num_seqs: int
    max_num_batched_tokens: int
    max_model_len: int
    memory: MemoryParts
    kv_tokens: int  # of one replica
    concurrency: int  # requests of mean length at once in one replica
    prediction: Prediction
    utilisation: float
    usd_month: Decimal | None
    usd_per_request: Decimal | None
    usd_per_million_input: Decimal | None
    usd_per_million_output: Decimal | None
    usd_per_million_tokens: Decimal | None
    price_as_of: str
    loading: Loading
    checks: tuple[Check, ...]
    output_cap: int | None
    arguments: tuple[tuple[str, str], ...]  # of the serving engine
    notes: tuple[str, ...] = ()

    @property
    def is_feasible(self) -> bool:
        """Whether every check holds and the machine has a price."""
        return self.usd_month is not None and all(check.holds for check in self.checks)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The least change to the wish that a configuration can hold.

    `kind`: "output-cap" (tokens), "latency" (ms), "price" (USD a request), "quota" (instances),
    "memory" (GiB) or "none".
    """

    kind: str
    value: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A machine that cannot hold the wish, why in numbers, and the nearest it can hold."""

    instance_type: str
    what: str  # the configuration that came closest
    reason: str
    nearest: tuple[Nearest, ...]


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """Ranked configurations; `pick` is None when none holds every wish."""

    finalists: tuple[Configuration, ...]
    pick: Configuration | None
    refused: tuple[Refusal, ...]
    nearest: tuple[Nearest, ...]  # across all machines, when there is no pick
    sentences: tuple[str, ...]
    assumptions: tuple[str, ...]
    considered: int  # configurations searched
    nearest_pick: Configuration | None = None  # with answers cut, when there is no pick
