"""From an option to everything AWS needs for it, in order: one function feeds plan and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployments.domain.blueprint import endpoints, functions, models
from deployments.domain.blueprint.names import Names
from deployments.domain.blueprint.spec import ResourceSpec
from deployments.domain.options import Option, Tier

__all__ = ["Names", "ResourceSpec", "blueprint"]

_MADE_OF: Mapping[Tier, Callable[..., tuple[ResourceSpec, ...]]] = {
    Tier.BEDROCK_ON_DEMAND: models.on_demand,
    Tier.LAMBDA_BEDROCK: functions.function_behind_url,
    Tier.BEDROCK_PROVISIONED: models.provisioned,
    Tier.SAGEMAKER_REAL_TIME: endpoints.real_time,
    Tier.SAGEMAKER_SERVERLESS: endpoints.serverless,
}


def blueprint(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return the resources of an option in the order of their creation.

    Raises KeyError for a SageMaker option without an image.
    """
    return _MADE_OF[option.tier](option=option, names=names)
