"""One target for each kind of AWS object."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from deployments.adapters import autoscaling, bedrock, iam, lambda_, logs, sagemaker
from deployments.domain.blueprint.spec import Kind
from deployments.domain.target import Target
from portal import aws

_TARGETS: Mapping[Kind, Callable[[], Target]] = {
    Kind.ROLE: lambda: iam.Role(aws.client("iam")),
    Kind.LOG_GROUP: lambda: logs.LogGroup(aws.client("logs")),
    Kind.FUNCTION: lambda: lambda_.Function(aws.client("lambda")),
    Kind.VERSION: lambda: lambda_.Version(aws.client("lambda")),
    Kind.ALIAS: lambda: lambda_.Alias(aws.client("lambda")),
    Kind.URL: lambda: lambda_.Url(aws.client("lambda")),
    Kind.PROFILE: lambda: bedrock.Profile(aws.client("bedrock"), region=settings.AWS_REGION),
    Kind.THROUGHPUT: lambda: bedrock.Throughput(aws.client("bedrock")),
    Kind.MODEL: lambda: sagemaker.Model(aws.client("sagemaker")),
    Kind.ENDPOINT_CONFIG: lambda: sagemaker.EndpointConfig(aws.client("sagemaker")),
    Kind.ENDPOINT: lambda: sagemaker.Endpoint(aws.client("sagemaker")),
    Kind.SCALING_TARGET: lambda: autoscaling.ScalingTarget(aws.client("application-autoscaling")),
    Kind.SCALING_POLICY: lambda: autoscaling.ScalingPolicy(aws.client("application-autoscaling")),
}


def target_for(kind: str) -> Target:
    """Return the target of a kind. Raises ValueError on a kind that we do not make."""
    return _TARGETS[Kind(kind)]()
