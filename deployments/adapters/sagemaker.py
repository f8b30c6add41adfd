"""SageMaker hosting: model, endpoint configuration, endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from deployments.adapters.refusals import ask, find, make
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Permanent, Wish

_PHASES = {
    "Creating": Phase.CREATING,
    "InService": Phase.READY,
    "Updating": Phase.UPDATING,
    "SystemUpdating": Phase.UPDATING,
    "RollingBack": Phase.UPDATING,
    "Deleting": Phase.DELETING,
    "OutOfService": Phase.FAILED,
    "Failed": Phase.FAILED,
    # It still serves, with mixed versions; AWS lets it only be deleted or updated by hand.
    "UpdateRollbackFailed": Phase.FAILED,
}


class Model:
    """Container image, settings and weights under one name."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look by name."""
        found = find(self.client.describe_model, ModelName=wish.name)
        if found is None:
            return None
        return _still(self.client, wish, arn=found["ModelArn"])

    def create(self, wish: Wish) -> None:
        """Register it."""
        make(
            self.client.create_model,
            ModelName=wish.name,
            ExecutionRoleArn=wish.spec["role"],
            PrimaryContainer=_container(wish.spec),
            Tags=_tag_list(wish),
        )

    def update(self, wish: Wish) -> None:
        """Refuse: a model never changes."""
        raise Permanent("A SageMaker model never changes; a new generation gets a new one.")

    def delete(self, wish: Wish) -> None:
        """End it; an endpoint that runs it goes on."""
        find(self.client.delete_model, ModelName=wish.name)


def _container(spec: Mapping[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = {"Image": spec["image"]}
    if spec["environment"]:
        container["Environment"] = dict(spec["environment"])
    weights = spec["weights_s3"]
    if weights and spec["is_packed"]:  # serverless takes no ModelDataSource (AWS, serverless)
        container["ModelDataUrl"] = weights
    elif weights:
        container["ModelDataSource"] = {
            "S3DataSource": {
                "S3Uri": weights.rstrip("/") + "/",
                "S3DataType": "S3Prefix",
                "CompressionType": "None",
            }
        }
    return container


class EndpointConfig:
    """Which model an endpoint runs, on what; it never changes."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look by name."""
        found = find(self.client.describe_endpoint_config, EndpointConfigName=wish.name)
        if found is None:
            return None
        variant = found["ProductionVariants"][0]
        foreign = ""
        if variant.get("InstanceType", "") != wish.spec.get("instance_type", ""):
            foreign = f"{wish.name} exists on {variant.get('InstanceType', 'serverless')}."
        return _still(self.client, wish, arn=found["EndpointConfigArn"], foreign=foreign)

    def create(self, wish: Wish) -> None:
        """Keep the configuration."""
        make(
            self.client.create_endpoint_config,
            EndpointConfigName=wish.name,
            ProductionVariants=[_variant(wish.spec)],
            Tags=_tag_list(wish),
        )

    def update(self, wish: Wish) -> None:
        """Refuse: a configuration never changes."""
        raise Permanent("An endpoint configuration never changes; a new one is made.")

    def delete(self, wish: Wish) -> None:
        """End it; an endpoint made from it goes on."""
        find(self.client.delete_endpoint_config, EndpointConfigName=wish.name)


def _variant(spec: Mapping[str, Any]) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": spec["variant"], "ModelName": spec["model"]}
    if "memory_mb" in spec:
        return variant | {
            "ServerlessConfig": {
                "MemorySizeInMB": spec["memory_mb"],
                "MaxConcurrency": spec["max_concurrency"],
            }
        }
    variant |= {
        "InstanceType": spec["instance_type"],
        "InitialInstanceCount": spec["initial_instances"],
        "ModelDataDownloadTimeoutInSeconds": spec["download_timeout_seconds"],
        "ContainerStartupHealthCheckTimeoutInSeconds": spec["startup_timeout_seconds"],
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    if "volume_gb" in spec:
        variant["VolumeSizeInGB"] = spec["volume_gb"]
    if "ami" in spec:
        variant["InferenceAmiVersion"] = spec["ami"]
    return variant


class Endpoint:
    """What answers requests: instances paid by the second, or serverless."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at status, failure reason and size."""
        found = find(self.client.describe_endpoint, EndpointName=wish.name)
        if found is None:
            return None
        arn, status = found["EndpointArn"], found["EndpointStatus"]
        foreign = ""
        if not wish.known and not wish.is_mine(_tags(self.client, arn)):
            foreign = f"The endpoint {wish.name} is not of this deployment."
        elif found["EndpointConfigName"] != wish.spec["config"]:
            foreign = f"{wish.name} runs the configuration {found['EndpointConfigName']}."
        variant: Mapping[str, Any] = next(iter(found.get("ProductionVariants", ())), {})
        is_gone_soon = status in ("Deleting", "Failed")
        return Observed(
            phase=_PHASES[status],
            outputs={"arn": arn, "variant": wish.spec["variant"]},
            detail=found.get("FailureReason", ""),
            differs=_size_differs(wish.spec, variant),
            foreign=foreign,
            capacity=Decimal(0 if is_gone_soon else variant.get("CurrentInstanceCount", 0)),
        )

    def create(self, wish: Wish) -> None:
        """Begin the endpoint."""
        make(
            self.client.create_endpoint,
            EndpointName=wish.name,
            EndpointConfigName=wish.spec["config"],
            Tags=_tag_list(wish),
        )

    def update(self, wish: Wish) -> None:
        """Bring the number of instances, or the concurrency, into bounds."""
        ask(
            self.client.update_endpoint_weights_and_capacities,
            EndpointName=wish.name,
            DesiredWeightsAndCapacities=[{"VariantName": wish.spec["variant"], **self._size(wish)}],
        )

    def _size(self, wish: Wish) -> dict[str, Any]:
        spec = wish.spec
        if "least" not in spec:
            return {"ServerlessUpdateConfig": {"MaxConcurrency": spec["max_concurrency"]}}
        found = ask(self.client.describe_endpoint, EndpointName=wish.name)
        running = found["ProductionVariants"][0]["DesiredInstanceCount"]
        return {"DesiredInstanceCount": min(spec["most"], max(spec["least"], running))}

    def delete(self, wish: Wish) -> None:
        """End it."""
        find(self.client.delete_endpoint, EndpointName=wish.name)


def _size_differs(spec: Mapping[str, Any], variant: Mapping[str, Any]) -> bool:
    """Say whether a size is out of bounds; within them it belongs to the scaling policy."""
    if not variant:
        return False
    if "least" in spec:
        return not spec["least"] <= variant["DesiredInstanceCount"] <= spec["most"]
    config = variant.get("DesiredServerlessConfig") or variant.get("CurrentServerlessConfig", {})
    return bool(config) and config["MaxConcurrency"] != spec["max_concurrency"]


def _still(client: Any, wish: Wish, *, arn: str, foreign: str = "") -> Observed:
    """Return what was seen of an object that has no states."""
    if not wish.known and not foreign and not wish.is_mine(_tags(client, arn)):
        foreign = f"{wish.name} is not of this deployment."
    return Observed(Phase.READY, outputs={"arn": arn}, foreign=foreign)


def _tags(client: Any, arn: str) -> Mapping[str, str]:
    reply = find(client.list_tags, ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for tag in reply["Tags"]} if reply else {}


def _tag_list(wish: Wish) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wish.tags.items()]
