"""The source's decision tree: the baseline every recommendation is shown against. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.options import TIER_NAMES, Tier
from deployments.domain.wording import count
from deployments.domain.workload import Need, Pattern, Workload

STEADY_RPS = Decimal(100)  # "predictable and above about 100 requests/s steady"
STEADY_PEAK = Decimal("1.5")  # our reading of "predictable": peak over mean
SPORADIC_PEAK = Decimal(3)  # our reading of "sporadic"
_BY_EVENT = (Pattern.EVENT_DRIVEN, Pattern.BATCH, Pattern.ASYNCHRONOUS)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where the tree ends, and the words it took to get there."""

    tier: Tier
    words: str


def walk(workload: Workload) -> Branch:
    """Return the tier the tree names for a workload, with the questions it answered."""
    match workload.need:
        case Need.CUSTOM_GPU:
            return Branch(
                Tier.SAGEMAKER_REAL_TIME,
                "Standard Bedrock model? No. Custom model that needs a GPU? Yes: SageMaker "
                "endpoint.",
            )
        case Need.CUSTOM_CPU:
            return Branch(
                Tier.SAGEMAKER_SERVERLESS,
                "Standard Bedrock model? No. Custom without GPU? Yes: SageMaker serverless.",
            )
    return _standard(workload)


def _standard(workload: Workload) -> Branch:
    start = "Standard Bedrock model? Yes."
    spread = workload.peak_rps / workload.mean_rps
    load = f"{count(workload.mean_rps)} requests/s on average, {count(workload.peak_rps)} at peak"
    if spread <= STEADY_PEAK and workload.mean_rps > STEADY_RPS:
        return Branch(
            Tier.BEDROCK_PROVISIONED,
            f"{start} Predictable and above about 100 requests/s ({load})? Yes: "
            f"{TIER_NAMES[Tier.BEDROCK_PROVISIONED]}.",
        )
    if workload.pattern in _BY_EVENT or spread >= SPORADIC_PEAK:
        return Branch(
            Tier.LAMBDA_BEDROCK,
            f"{start} Predictable and above about 100 requests/s ({load})? No. Event-driven or "
            f"sporadic ({workload.pattern.value})? Yes: {TIER_NAMES[Tier.LAMBDA_BEDROCK]}.",
        )
    return Branch(
        Tier.BEDROCK_ON_DEMAND,
        f"{start} Predictable and above about 100 requests/s ({load})? No. Event-driven or "
        f"sporadic ({workload.pattern.value})? No: {TIER_NAMES[Tier.BEDROCK_ON_DEMAND]}.",
    )
