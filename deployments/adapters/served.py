"""How many requests a deployment served, hour by hour, as CloudWatch counted them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.adapters.cloudwatch import sums
from deployments.domain.blueprint.spec import Kind
from deployments.domain.meters import HOUR_SECONDS, Reading

# Kind, outputs, name and spec of one resource of a generation.
Seen = tuple[str, Mapping[str, Any], str, Mapping[str, Any]]


def requests_by_hour(
    *, resources: Sequence[Seen], start: datetime, end: datetime
) -> Mapping[datetime, Decimal] | None:
    """Return the requests of each hour that had any; None where nothing counts them.

    Raises Transient when CloudWatch does not tell just now, Permanent when it refuses.
    """
    reading = next((found for each in resources if (found := _reading(each)) is not None), None)
    if reading is None:
        return None
    return sums(readings=[reading], start=start, end=end, seconds=HOUR_SECONDS)[reading]


def _reading(seen: Seen) -> Reading | None:
    """Return the metric that counts each request once.

    Sources: AWS/Bedrock by ModelId (a profile's id, a throughput's ARN), AWS/SageMaker by endpoint
    and variant. A function is not read: what it calls is.
    """
    kind, outputs, name, spec = seen
    match kind:
        case Kind.PROFILE if outputs.get("id"):
            return _invocations("AWS/Bedrock", ("ModelId", str(outputs["id"])))
        case Kind.THROUGHPUT if outputs.get("arn"):
            return _invocations("AWS/Bedrock", ("ModelId", str(outputs["arn"])))
        case Kind.ENDPOINT if "variant" in spec:
            variant = ("VariantName", str(spec["variant"]))
            return _invocations("AWS/SageMaker", ("EndpointName", name), variant)
    return None


def _invocations(namespace: str, *dimensions: tuple[str, str]) -> Reading:
    # Requests are counted here, not paid for: there is no SKU.
    return Reading(namespace, "Invocations", dimensions, sku="")
