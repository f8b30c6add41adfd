"""Application Auto Scaling knows only variants that exist, and repeating a wish changes nothing."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_control_sagemaker import launch, prepare

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/chat/variant/main",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING: dict[str, Any] = {
    "TargetValue": 5.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    },
}


def register(aws: Sandbox, minimum: int = 1, maximum: int = 4) -> str:
    return aws.client("application-autoscaling").register_scalable_target(
        **TARGET, MinCapacity=minimum, MaxCapacity=maximum
    )["ScalableTargetARN"]


def put_policy(aws: Sandbox, target_value: float = 5.0) -> dict[str, Any]:
    return aws.client("application-autoscaling").put_scaling_policy(
        **TARGET,
        PolicyName="follow-load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING | {"TargetValue": target_value},
    )


def test_an_endpoint_or_variant_that_does_not_exist_is_refused(aws: Sandbox) -> None:
    with pytest.raises(ClientError, match="Could not find endpoint"):
        register(aws)
    prepare(aws, VariantName="other")
    launch(aws)
    with pytest.raises(ClientError, match='Could not find variant "main"'):
        register(aws)


def test_registering_again_changes_the_one_target(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    assert register(aws) == register(aws, maximum=8)
    found = aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )["ScalableTargets"]
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in found] == [(1, 8)]
    assert aws.kinds()["application-autoscaling:scalable-target"] == 1


def test_a_maximum_below_the_minimum_is_refused(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    with pytest.raises(ClientError, match="at least MinCapacity"):
        register(aws, minimum=3, maximum=2)


def test_a_policy_needs_a_registered_target(aws: Sandbox) -> None:
    with pytest.raises(ClientError) as refusal:
        put_policy(aws)
    assert refusal.value.response["Error"]["Code"] == "ObjectNotFoundException"


def test_putting_a_policy_again_changes_the_one_policy(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    register(aws)
    first, second = put_policy(aws), put_policy(aws, 9.0)
    assert first["PolicyARN"] == second["PolicyARN"]
    assert first["Alarms"] == second["Alarms"]
    found = aws.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", PolicyNames=["follow-load"]
    )["ScalingPolicies"]
    assert [p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for p in found] == [9.0]


def test_deregistering_takes_the_policies_along(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    register(aws)
    put_policy(aws)
    client = aws.client("application-autoscaling")
    client.deregister_scalable_target(**TARGET)
    assert not {k for k in aws.kinds() if k.startswith("application-autoscaling")}
    with pytest.raises(ClientError) as refusal:
        client.deregister_scalable_target(**TARGET)
    assert refusal.value.response["Error"]["Code"] == "ObjectNotFoundException"
