"""Whether an endpoint may have its instances: quotas before, luck and fitness afterwards."""

import re
from typing import Any

from sandbox import faults, state
from sandbox.control import machines
from sandbox.state import Row
from sandbox.wire import AwsError

Variants = list[dict[str, Any]]

INSUFFICIENT_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."
)
"""Source: aws/deep-learning-containers issue 6673, 2026-08-28."""

_NEEDS_ACCELERATOR = re.compile(r"-cu\d|gpu|neuronx?-|djl-inference|vllm:server|tgi-inference")


def ping_failure(variant_name: str) -> str:
    """Return AWS's words for a container that does not answer its health check.

    Source: awslabs/llm-hosting-container issue 18.
    """
    return (
        f"The primary container for production variant {variant_name} did not pass the ping "
        "health check. Please check CloudWatch logs for this endpoint."
    )


def check_quotas(wished: Variants, *, held: Variants, endpoints: list[Row]) -> None:
    """Refuse more instances or serverless concurrency than the account may have.

    `held` is what the endpoint itself has already, `endpoints` are all that exist.
    """
    running = [
        v for e in endpoints if e["status"] != "Failed" for v in e["target"] or e["variants"]
    ]
    needs = _instances(wished)
    for instance_type, needed in needs.items():
        delta = needed - _instances(held).get(instance_type, 0)
        used, limit = _instances(running).get(instance_type, 0), machines.quota(instance_type)
        if delta > 0 and used + delta > limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{instance_type} for endpoint usage' is {limit} "
                f"Instances, with current utilization of {used} Instances and a request delta of "
                f"{delta} Instances. Please use AWS Service Quotas to request an increase for this "
                "quota.",
            )
    _check_serverless(wished, held=held, running=running)


def _instances(variants: Variants) -> dict[str, int]:
    found: dict[str, int] = {}
    for variant in variants:
        if variant["instance_types"]:
            chosen = variant.get("instance_type") or variant["instance_types"][0]
            found[chosen] = found.get(chosen, 0) + variant["instances"]
    return found


def _check_serverless(wished: Variants, *, held: Variants, running: Variants) -> None:
    def concurrency(variants: Variants) -> int:
        return sum(v["serverless"]["MaxConcurrency"] for v in variants if v["serverless"])

    delta = concurrency(wished) - concurrency(held)
    limit, used = state.quotas()["sagemaker_serverless_concurrency"], concurrency(running)
    if delta > 0 and used + delta > limit:
        raise AwsError(
            "ResourceLimitExceeded",
            "The account-level service limit 'Maximum total concurrency that can be allocated "
            f"across all serverless endpoints' is {limit}, with current utilization of {used} and "
            f"a request delta of {delta}.",
        )
    count, most = sum(1 for v in running if v["serverless"]), state.quotas()
    if delta > 0 and not held and count >= most["sagemaker_serverless_endpoints"]:
        raise AwsError(
            "ResourceLimitExceeded",
            "The account-level service limit 'Number of serverless endpoints' is "
            f"{most['sagemaker_serverless_endpoints']}, with current utilization of {count} and a "
            "request delta of 1.",
        )


def place(variants: Variants) -> str | None:
    """Choose an instance type for each variant; return AWS's reason when one cannot start."""
    for variant in variants:
        types = variant["instance_types"]
        chosen = next((t for t in types if not faults.capacity_is_short("sagemaker")), None)
        if types and chosen is None:
            return INSUFFICIENT_CAPACITY
        variant["instance_type"] = chosen
        if _cannot_start(variant) or faults.ping_fails("sagemaker"):
            return ping_failure(variant["name"])
    return None


def _cannot_start(variant: dict[str, Any]) -> bool:
    accelerated = variant["instance_type"] and machines.has_accelerator(variant["instance_type"])
    return not accelerated and bool(_NEEDS_ACCELERATOR.search(variant["image"]))
