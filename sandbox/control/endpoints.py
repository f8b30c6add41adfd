"""SageMaker endpoints: their states, and what each state allows."""

import copy
from typing import Any

from sandbox import state
from sandbox.control import capacity, hosting, naming
from sandbox.state import Row
from sandbox.wire import AwsError, Call

Variants = list[dict[str, Any]]


def settle(row: Row, now: float) -> Row | None:
    """Bring a row to what it is at this moment; None when its deletion has ended."""
    while row["phases"]:
        phase = row["phases"][0]
        if now < phase["until"]:
            row["status"] = phase["status"]
            return row
        row["phases"].pop(0)
        row["modified_at"] = phase["until"]
        if phase["status"] == "Deleting":
            del state.table("sagemaker_endpoints")[row["name"]]
            state.touch()
            return None
        if not row["phases"]:
            _finish(row)
    return row


def _finish(row: Row) -> None:
    outcome = row.pop("outcome")
    row["status"], row["failure"] = outcome["status"], outcome["failure"]
    if row["target"] is not None and outcome["keeps_target"]:
        row["variants"], row["config"] = row["target"], row["target_config"]
    row["target"] = row["target_config"] = None
    state.touch()


def settled(now: float) -> list[Row]:
    """Return all endpoints as they are at this moment."""
    rows = list(state.table("sagemaker_endpoints").values())
    return [row for row in rows if settle(row, now) is not None]


def _existing(name: str, now: float) -> Row:
    if (row := state.table("sagemaker_endpoints").get(name)) is not None:
        settle(row, now)
    return naming.existing("endpoint", name, "endpoint")


def create(call: Call) -> dict[str, Any]:
    """Begin an endpoint; refuses a taken name, an unknown configuration and lack of quota."""
    wish = call.parameters
    name = wish["EndpointName"]
    others = settled(call.now)
    naming.refuse_taken("endpoint", name, "endpoint")
    config = _config(wish["EndpointConfigName"])
    variants = hosting.variants(config)
    capacity.check_quotas(variants, held=[], endpoints=others)
    failure = capacity.place(variants)
    row = {
        "name": name,
        "arn": naming.arn("endpoint", name),
        "created_at": call.now,
        "modified_at": call.now,
        "tags": naming.from_wire(wish.get("Tags")),
        "status": "Creating",
        "failure": None,
        "config": config["name"],
        "variants": variants,
        "target": None,
        "target_config": None,
        "deployment": wish.get("DeploymentConfig"),
        "phases": [{"status": "Creating", "until": call.now + state.delays()["endpoint_s"]}],
        "outcome": {
            "status": "Failed" if failure else "InService",
            "failure": failure,
            "keeps_target": False,
        },
    }
    state.table("sagemaker_endpoints")[name] = row
    return {"EndpointArn": row["arn"]}


def _config(name: str) -> Row:
    return naming.existing("endpoint-config", name, "endpoint configuration")


def _changeable(name: str, now: float) -> Row:
    row = _existing(name, now)
    if row["phases"]:
        raise AwsError("ValidationException", f'Cannot update in-progress endpoint "{row["arn"]}".')
    if row["status"] == "Failed":
        raise AwsError(
            "ValidationException",
            f'Cannot update endpoint "{row["arn"]}" in Failed status; it can only be deleted.',
        )
    return row


def update(call: Call) -> dict[str, Any]:
    """Move an endpoint to another configuration, behind the running one."""
    wish = call.parameters
    row = _changeable(wish["EndpointName"], call.now)
    config = _config(wish["EndpointConfigName"])
    variants = hosting.variants(config)
    if wish.get("RetainAllVariantProperties"):
        excluded = wish.get("ExcludeRetainedVariantProperties", [])
        _retain(row["variants"], variants, {e["VariantPropertyType"] for e in excluded})
    if wish.get("DeploymentConfig"):
        row["deployment"] = wish["DeploymentConfig"]
    _begin_update(row, variants, config["name"], call.now)
    return {"EndpointArn": row["arn"]}


def _retain(old: Variants, new: Variants, excluded: set[str]) -> None:
    before = {v["name"]: v for v in old}
    for variant in new:
        if (known := before.get(variant["name"])) is None:
            continue
        if "DesiredInstanceCount" not in excluded and not variant["serverless"]:
            variant["instances"] = known["instances"]
        if "DesiredWeight" not in excluded:
            variant["weight"] = known["weight"]


def update_weights_and_capacities(call: Call) -> dict[str, Any]:
    """Change weights, instance counts or serverless concurrency of running variants."""
    row = _changeable(call.parameters["EndpointName"], call.now)
    variants = copy.deepcopy(row["variants"])
    by_name = {v["name"]: v for v in variants}
    for wish in call.parameters["DesiredWeightsAndCapacities"]:
        if (variant := by_name.get(wish["VariantName"])) is None:
            raise AwsError(
                "ValidationException",
                f'Could not find variant "{wish["VariantName"]}" of endpoint "{row["arn"]}".',
            )
        _resize(variant, wish)
    _begin_update(row, variants, row["config"], call.now)
    return {"EndpointArn": row["arn"]}


def _resize(variant: dict[str, Any], wish: dict[str, Any]) -> None:
    variant["weight"] = wish.get("DesiredWeight", variant["weight"])
    if (count := wish.get("DesiredInstanceCount")) is not None:
        if variant["serverless"] or count < 1:
            raise AwsError(
                "ValidationException",
                f"DesiredInstanceCount {count} is not possible for variant {variant['name']}.",
            )
        variant["instances"] = count
    if change := wish.get("ServerlessUpdateConfig"):
        if not variant["serverless"]:
            raise AwsError("ValidationException", f"{variant['name']} is not serverless.")
        variant["serverless"] = variant["serverless"] | change


def _begin_update(row: Row, variants: Variants, config: str, now: float) -> None:
    capacity.check_quotas(variants, held=row["variants"], endpoints=settled(now))
    needs_machines = _machines(variants) - _machines(row["variants"])
    failure = capacity.place(variants) if needs_machines else None
    seconds = state.delays()["endpoint_update_s"]
    row["target"], row["target_config"] = variants, config
    row["phases"] = [{"status": "Updating", "until": now + seconds}]
    if failure:
        row["phases"].append({"status": "RollingBack", "until": now + seconds * 1.5})
    row["outcome"] = {"status": "InService", "failure": failure, "keeps_target": not failure}
    row["status"], row["failure"], row["modified_at"] = "Updating", None, now


def _machines(variants: Variants) -> set[tuple[str, str, str, int]]:
    return {
        (v["name"], v["model"], str(v.get("instance_type")), number)
        for v in variants
        for number in range(max(1, v["instances"]))
    }


def delete(call: Call) -> dict[str, Any]:
    """End an endpoint; refuses while it is created, updated, rolled back or deleted."""
    row = _existing(call.parameters["EndpointName"], call.now)
    if row["phases"]:
        raise AwsError("ValidationException", f'Cannot update in-progress endpoint "{row["arn"]}".')
    row["status"], row["modified_at"] = "Deleting", call.now
    row["phases"] = [
        {"status": "Deleting", "until": call.now + state.delays()["endpoint_delete_s"]}
    ]
    return {}


def describe(call: Call) -> dict[str, Any]:
    """Return an endpoint as it is now."""
    return _show(_existing(call.parameters["EndpointName"], call.now))


def _show(row: Row) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "EndpointName": row["name"],
        "EndpointArn": row["arn"],
        "EndpointConfigName": row["config"],
        "EndpointStatus": row["status"],
        "CreationTime": row["created_at"],
        "LastModifiedTime": row["modified_at"],
    }
    if row["status"] not in ("Creating", "Failed"):
        targets = {v["name"]: v for v in row["target"] or row["variants"]}
        shown["ProductionVariants"] = [
            _show_variant(v, targets.get(v["name"], v)) for v in row["variants"]
        ]
    if row["failure"]:
        shown["FailureReason"] = row["failure"]
    if row["deployment"]:
        shown["LastDeploymentConfig"] = row["deployment"]
    return shown


def _show_variant(variant: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    image = {"SpecifiedImage": variant["image"], "ResolvedImage": variant["image"]}
    shown: dict[str, Any] = {
        "VariantName": variant["name"],
        "DeployedImages": [image],
        "CurrentWeight": variant["weight"],
        "DesiredWeight": target["weight"],
    }
    if variant["serverless"]:
        shown["CurrentServerlessConfig"] = variant["serverless"]
        shown["DesiredServerlessConfig"] = target["serverless"] or variant["serverless"]
    else:
        shown["CurrentInstanceCount"] = variant["instances"]
        shown["DesiredInstanceCount"] = target["instances"]
    if variant["managed_scaling"]:
        shown["ManagedInstanceScaling"] = variant["managed_scaling"]
    if variant["routing"]:
        shown["RoutingConfig"] = variant["routing"]
    return shown


def list_all(call: Call) -> dict[str, Any]:
    """Return the endpoints that fit the filters."""
    rows = [
        {
            "EndpointName": r["name"],
            "EndpointArn": r["arn"],
            "EndpointStatus": r["status"],
            "CreationTime": r["created_at"],
            "LastModifiedTime": r["modified_at"],
        }
        for r in settled(call.now)
    ]
    if status := call.parameters.get("StatusEquals"):
        rows = [r for r in rows if r["EndpointStatus"] == status]
    return naming.listed(rows, call, key="Endpoints", name="EndpointName")


def show_for_runtime(name: str) -> dict[str, Any] | None:
    """Return an endpoint with what each variant runs; None when there is none."""
    with state.LOCK:
        row = state.table("sagemaker_endpoints").get(name)
        if row is None or settle(row, state.now()) is None:
            return None
        shown = _show(row)
        shown["ProductionVariants"] = [
            _show_variant(v, v)
            | {
                "ModelName": v["model"],
                "Image": v["image"],
                "Environment": v["environment"],
                "InstanceType": v["instance_type"],
            }
            for v in row["variants"]
        ]
        return copy.deepcopy(shown)
