"""Application Auto Scaling: the bounds of an endpoint's instances, and what moves them."""

from __future__ import annotations

from typing import Any

from deployments.adapters.refusals import ask, find
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Wish

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
# Counts a streamed answer until its last token, every 10 s (AWS, endpoint auto scaling).
METRIC = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
SCALE_IN_COOLDOWN_SECONDS = 300
SCALE_OUT_COOLDOWN_SECONDS = 60


class ScalingTarget:
    """How few and how many instances an endpoint may have; registering again changes it."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at the bounds."""
        reply = ask(
            self.client.describe_scalable_targets,
            ServiceNamespace=NAMESPACE,
            ResourceIds=[wish.name],
            ScalableDimension=DIMENSION,
        )
        if not reply["ScalableTargets"]:
            return None
        found = reply["ScalableTargets"][0]
        bounds = (found["MinCapacity"], found["MaxCapacity"])
        return Observed(
            Phase.READY,
            outputs={"least": bounds[0], "most": bounds[1]},
            differs=bounds != (wish.spec["least"], wish.spec["most"]),
        )

    def create(self, wish: Wish) -> None:
        """Register the bounds."""
        self._register(wish, Tags=dict(wish.tags))

    def update(self, wish: Wish) -> None:
        """Register other bounds."""
        self._register(wish)

    def _register(self, wish: Wish, **more: Any) -> None:
        ask(
            self.client.register_scalable_target,
            ServiceNamespace=NAMESPACE,
            ResourceId=wish.name,
            ScalableDimension=DIMENSION,
            MinCapacity=wish.spec["least"],
            MaxCapacity=wish.spec["most"],
            **more,
        )

    def delete(self, wish: Wish) -> None:
        """Forget the bounds, and with them their policies."""
        find(
            self.client.deregister_scalable_target,
            ServiceNamespace=NAMESPACE,
            ResourceId=wish.name,
            ScalableDimension=DIMENSION,
        )


class ScalingPolicy:
    """Keeps the requests in flight on each instance near a target."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at the policy's target."""
        reply = ask(
            self.client.describe_scaling_policies,
            ServiceNamespace=NAMESPACE,
            ResourceId=wish.spec["resource"],
            ScalableDimension=DIMENSION,
            PolicyNames=[wish.name],
        )
        if not reply["ScalingPolicies"]:
            return None
        found = reply["ScalingPolicies"][0]
        value = found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        return Observed(
            Phase.READY,
            outputs={"arn": found["PolicyARN"]},
            differs=value != wish.spec["concurrent_requests"],
        )

    def create(self, wish: Wish) -> None:
        """Put the policy."""
        ask(
            self.client.put_scaling_policy,
            PolicyName=wish.name,
            ServiceNamespace=NAMESPACE,
            ResourceId=wish.spec["resource"],
            ScalableDimension=DIMENSION,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": float(wish.spec["concurrent_requests"]),
                "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
                "ScaleInCooldown": SCALE_IN_COOLDOWN_SECONDS,
                "ScaleOutCooldown": SCALE_OUT_COOLDOWN_SECONDS,
            },
        )

    def update(self, wish: Wish) -> None:
        """Put it with another target; AWS replaces the policy of the same name."""
        self.create(wish)

    def delete(self, wish: Wish) -> None:
        """End it."""
        find(
            self.client.delete_scaling_policy,
            PolicyName=wish.name,
            ServiceNamespace=NAMESPACE,
            ResourceId=wish.spec["resource"],
            ScalableDimension=DIMENSION,
        )
