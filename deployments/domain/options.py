"""An option: a tier made concrete for one workload, with its price, speed and verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Tier(StrEnum):
    """One way of running a model."""

    BEDROCK_ON_DEMAND = "bedrock-on-demand"
    LAMBDA_BEDROCK = "lambda-bedrock"
    BEDROCK_PROVISIONED = "bedrock-provisioned"
    BEDROCK_BATCH = "bedrock-batch"
    BEDROCK_SERVICE_TIER = "bedrock-service-tier"
    BEDROCK_MARKETPLACE = "bedrock-marketplace"
    BEDROCK_CUSTOM = "bedrock-custom"
    SAGEMAKER_REAL_TIME = "sagemaker-real-time"
    SAGEMAKER_COMPONENTS = "sagemaker-components"
    SAGEMAKER_MULTI_MODEL = "sagemaker-multi-model"
    SAGEMAKER_MULTI_CONTAINER = "sagemaker-multi-container"
    SAGEMAKER_SERVERLESS = "sagemaker-serverless"
    SAGEMAKER_ASYNCHRONOUS = "sagemaker-asynchronous"
    SAGEMAKER_BATCH_TRANSFORM = "sagemaker-batch-transform"
    ECS_SERVICE = "ecs-service"
    EKS_MANIFESTS = "eks-manifests"
    EDGE_BUNDLE = "edge-bundle"
    HYBRID = "hybrid"


TIER_NAMES: Mapping[Tier, str] = {
    Tier.BEDROCK_ON_DEMAND: "Bedrock on-demand",
    Tier.LAMBDA_BEDROCK: "Lambda + Bedrock on-demand",
    Tier.BEDROCK_PROVISIONED: "Bedrock Provisioned Throughput",
    Tier.BEDROCK_BATCH: "Bedrock batch inference",
    Tier.BEDROCK_SERVICE_TIER: "Bedrock service tier",
    Tier.BEDROCK_MARKETPLACE: "Bedrock Marketplace endpoint",
    Tier.BEDROCK_CUSTOM: "Bedrock custom model",
    Tier.SAGEMAKER_REAL_TIME: "SageMaker real-time endpoint",
    Tier.SAGEMAKER_COMPONENTS: "SageMaker inference components",
    Tier.SAGEMAKER_MULTI_MODEL: "SageMaker multi-model endpoint",
    Tier.SAGEMAKER_MULTI_CONTAINER: "SageMaker multi-container endpoint",
    Tier.SAGEMAKER_SERVERLESS: "SageMaker serverless inference",
    Tier.SAGEMAKER_ASYNCHRONOUS: "SageMaker asynchronous inference",
    Tier.SAGEMAKER_BATCH_TRANSFORM: "SageMaker batch transform",
    Tier.ECS_SERVICE: "ECS service",
    Tier.EKS_MANIFESTS: "EKS manifests",
    Tier.EDGE_BUNDLE: "Edge or on-premises bundle",
    Tier.HYBRID: "Hybrid",
}

# Tiers that a launch can build (as many as have a blueprint); the others are only compared.
LAUNCHABLE = frozenset(
    {
        Tier.BEDROCK_ON_DEMAND,
        Tier.LAMBDA_BEDROCK,
        Tier.BEDROCK_PROVISIONED,
        Tier.SAGEMAKER_REAL_TIME,
        Tier.SAGEMAKER_SERVERLESS,
    }
)


class Verdict(StrEnum):
    """Whether an option can be launched as asked."""

    FEASIBLE = "feasible"
    NEEDS_QUOTE = "needs-quote"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True)
class TariffLine:
    """One line of a cost: `quantity` units of a SKU a month at a dated price.

    `usd` is None when the SKU has no price.
    """

    label: str
    sku: str
    quantity: Decimal
    unit: str
    unit_usd: Decimal | None
    per: Decimal
    usd: Decimal | None
    kind: str
    source: str
    as_of: date | None
    is_fixed: bool = False
    is_example: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """USD a month: low, expected, high; the lines add up to `expected_usd`.

    All three are None when a line has no price.
    """

    low_usd: Decimal | None
    expected_usd: Decimal | None
    high_usd: Decimal | None
    fixed_usd: Decimal
    variable_usd: Decimal
    lines: tuple[TariffLine, ...]
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds until `counted_to` at three percentiles, and what they were derived from."""

    p50_ms: int
    p95_ms: int
    p99_ms: int
    cold_start_ms: int
    basis: str
    as_of: str
    confidence: str
    counted_to: str = "whole-answer"  # or "first-token"


UNKNOWN_QUOTA = "a quota not known here"  # what limits a model whose quota the account keeps
_QUOTAS: Mapping[str, str] = {
    "": "nothing",
    "tokens-per-minute": "quota tokens a minute of the model",
    "reserved-tokens-per-minute": "reserved tokens a minute of the model",
    "bedrock-model-units": "model units",
    "batch-files": "files in batch jobs of the model at once",
    "imported-model-copies": "copies of imported models",
    "lambda-concurrency": "functions running at once",
    "serverless-concurrency": "serverless endpoints' requests at once",
}


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests/s this size sustains, and the share left free at the workload's peak (0 to 1)."""

    max_rps: Decimal
    headroom: Decimal
    limited_by: str
    quota: str = ""
    quota_needed: Decimal | None = None

    @property
    def quota_in_words(self) -> str:
        """Return what the quota limits, as a person says it."""
        kind = self.quota.partition(":")[0]
        return _QUOTAS.get(kind) or f"machines of {self.quota} at once"


@dataclass(frozen=True, slots=True)
class Check:
    """One constraint compared: the sentence carries both numbers."""

    name: str
    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much of what: instances, model units or memory. Unused fields stay at their default."""

    instance_type: str = ""
    instances: int = 0
    max_instances: int = 0
    model_units: int = 0
    memory_mb: int = 0
    max_concurrency: int = 0
    term: str = "none"  # of a commitment: none, one-month, six-months


@dataclass(frozen=True, slots=True)
class Option:
    """A concrete way to run one workload. `option_id` is stable for the same inputs."""

    option_id: str
    tier: Tier
    model: str  # catalog id, or the custom model's name
    invoke_id: str  # what a request names: inference-profile or model id; "" for own weights
    size: Size
    cost: Cost
    latency: Latency
    capacity: Capacity
    checks: tuple[Check, ...]
    verdict: Verdict
    scales_to_zero: bool
    burden: int  # 1 nothing to run .. 5 a fleet to look after
    commitment_months: int
    summary: str
    notes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
