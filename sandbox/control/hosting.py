"""SageMaker models and endpoint configurations: what is refused before anything is built."""

from typing import Any

from sandbox import state
from sandbox.control import machines, naming
from sandbox.state import Row
from sandbox.wire import AwsError, Call

_SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
_SERVERLESS_MAX_CONCURRENCY = 200
_SERVERLESS_EXCLUDES = ("VpcConfig", "DataCaptureConfig", "EnableNetworkIsolation")


def create_model(call: Call) -> dict[str, Any]:
    """Register a model; refuses a taken name and a model without a container."""
    wish = call.parameters
    name = wish["ModelName"]
    naming.refuse_taken("model", name, "model")
    containers = [wish["PrimaryContainer"]] if "PrimaryContainer" in wish else []
    containers += wish.get("Containers", [])
    if not containers or not all(
        c.get("Image") or c.get("ModelPackageName") or c.get("InferenceSpecificationName")
        for c in containers
    ):
        raise AwsError("ValidationException", "A model needs a container with an Image.")
    row = {
        "name": name,
        "arn": naming.arn("model", name),
        "created_at": call.now,
        "tags": naming.from_wire(wish.get("Tags")),
        "wish": {k: v for k, v in wish.items() if k != "Tags"},
    }
    state.table("sagemaker_models")[name] = row
    return {"ModelArn": row["arn"]}


def describe_model(call: Call) -> dict[str, Any]:
    """Return a model as it was made."""
    row = naming.existing("model", call.parameters["ModelName"], "model")
    return {
        "EnableNetworkIsolation": False,
        **row["wish"],
        "ModelArn": row["arn"],
        "CreationTime": row["created_at"],
    }


def list_models(call: Call) -> dict[str, Any]:
    """Return the models that fit the filters."""
    rows = [
        {"ModelName": r["name"], "ModelArn": r["arn"], "CreationTime": r["created_at"]}
        for r in state.table("sagemaker_models").values()
    ]
    return naming.listed(rows, call, key="Models", name="ModelName")


def delete_model(call: Call) -> dict[str, Any]:
    """Delete a model; an endpoint that runs it goes on running."""
    name = call.parameters["ModelName"]
    naming.existing("model", name, "model")
    del state.table("sagemaker_models")[name]
    return {}


def container(model_name: str) -> dict[str, Any]:
    """Return the first container of a model."""
    wish = naming.existing("model", model_name, "model")["wish"]
    found: dict[str, Any] = wish.get("PrimaryContainer") or wish["Containers"][0]
    return found


def create_config(call: Call) -> dict[str, Any]:
    """Keep an endpoint configuration; refuses what SageMaker refuses of its variants."""
    wish = call.parameters
    name = wish["EndpointConfigName"]
    naming.refuse_taken("endpoint-config", name, "endpoint configuration")
    for variant in wish["ProductionVariants"]:
        _check_variant(variant)
    names = [v["VariantName"] for v in wish["ProductionVariants"]]
    if len(set(names)) < len(names):
        raise AwsError("ValidationException", "The variant names must be unique.")
    if any("ServerlessConfig" in v for v in wish["ProductionVariants"]):
        _check_serverless_config(wish)
    row = {
        "name": name,
        "arn": naming.arn("endpoint-config", name),
        "created_at": call.now,
        "tags": naming.from_wire(wish.get("Tags")),
        "wish": {k: v for k, v in wish.items() if k != "Tags"},
    }
    state.table("sagemaker_configs")[name] = row
    return {"EndpointConfigArn": row["arn"]}


def _check_variant(variant: dict[str, Any]) -> None:
    if "ModelName" not in variant:
        raise AwsError("ValidationException", "The sandbox needs a ModelName in each variant.")
    naming.existing("model", variant["ModelName"], "model")
    if "ServerlessConfig" in variant:
        _check_serverless(variant)
        return
    types = instance_types(variant)
    if not types:
        raise AwsError(
            "ValidationException",
            "One of InstanceType, InstancePools and ServerlessConfig must be given for variant "
            f"{variant['VariantName']}.",
        )
    if variant.get("InitialInstanceCount", 1) < 1:
        raise AwsError("ValidationException", "InitialInstanceCount must be at least 1.")
    if "VolumeSizeInGB" in variant and any(machines.has_local_disk(t) for t in types):
        raise AwsError(
            "ValidationException",
            f"VolumeSizeInGB is not supported for instance type {types[0]}, which has local "
            "instance storage.",
        )


def instance_types(variant: dict[str, Any]) -> list[str]:
    """Return the instance types of a variant in the order in which they are tried."""
    if "InstanceType" in variant:
        return [variant["InstanceType"]]
    return [pool["InstanceType"] for pool in variant.get("InstancePools", [])]


def _check_serverless(variant: dict[str, Any]) -> None:
    wish = variant["ServerlessConfig"]
    if instance_types(variant):
        raise AwsError(
            "ValidationException", "ServerlessConfig cannot be given together with InstanceType."
        )
    if wish["MemorySizeInMB"] not in _SERVERLESS_MEMORY_MB:
        raise AwsError(
            "ValidationException",
            f"MemorySizeInMB must be one of {list(_SERVERLESS_MEMORY_MB)}; got "
            f"{wish['MemorySizeInMB']}. Serverless endpoints have no GPU.",
        )
    if not 1 <= wish["MaxConcurrency"] <= _SERVERLESS_MAX_CONCURRENCY:
        raise AwsError(
            "ValidationException",
            f"MaxConcurrency must be between 1 and {_SERVERLESS_MAX_CONCURRENCY}.",
        )
    if wish.get("ProvisionedConcurrency", 0) > wish["MaxConcurrency"]:
        raise AwsError("ValidationException", "ProvisionedConcurrency exceeds MaxConcurrency.")
    if "ModelDataSource" in container(variant["ModelName"]):
        raise AwsError("ValidationException", "Serverless endpoints do not take ModelDataSource.")


def _check_serverless_config(wish: dict[str, Any]) -> None:
    if len(wish["ProductionVariants"]) > 1:
        raise AwsError("ValidationException", "A serverless endpoint has one variant only.")
    for name in _SERVERLESS_EXCLUDES:
        if wish.get(name):
            raise AwsError("ValidationException", f"{name} is not supported with serverless.")


def describe_config(call: Call) -> dict[str, Any]:
    """Return an endpoint configuration as it was made."""
    name = call.parameters["EndpointConfigName"]
    row = naming.existing("endpoint-config", name, "endpoint configuration")
    return {**row["wish"], "EndpointConfigArn": row["arn"], "CreationTime": row["created_at"]}


def list_configs(call: Call) -> dict[str, Any]:
    """Return the endpoint configurations that fit the filters."""
    rows = [
        {
            "EndpointConfigName": r["name"],
            "EndpointConfigArn": r["arn"],
            "CreationTime": r["created_at"],
        }
        for r in state.table("sagemaker_configs").values()
    ]
    return naming.listed(rows, call, key="EndpointConfigs", name="EndpointConfigName")


def delete_config(call: Call) -> dict[str, Any]:
    """Delete an endpoint configuration; an endpoint made from it goes on running."""
    name = call.parameters["EndpointConfigName"]
    naming.existing("endpoint-config", name, "endpoint configuration")
    del state.table("sagemaker_configs")[name]
    return {}


def variants(config: Row) -> list[dict[str, Any]]:
    """Return a configuration's variants as an endpoint keeps them, with their containers."""
    kept = []
    for wish in config["wish"]["ProductionVariants"]:
        box = container(wish["ModelName"])
        serverless = wish.get("ServerlessConfig")
        kept.append(
            {
                "name": wish["VariantName"],
                "model": wish["ModelName"],
                "image": box.get("Image", ""),
                "environment": box.get("Environment", {}),
                "instance_types": instance_types(wish),
                "instances": 0 if serverless else wish.get("InitialInstanceCount", 1),
                "weight": wish.get("InitialVariantWeight", 1.0),
                "serverless": serverless,
                "managed_scaling": wish.get("ManagedInstanceScaling"),
                "routing": wish.get("RoutingConfig"),
            }
        )
    return kept
