"""Application Auto Scaling for SageMaker variants: upserts on things that exist."""

import re
import uuid
from typing import Any

from sandbox import state
from sandbox.control import endpoints, listing, naming
from sandbox.state import ACCOUNT_ID, REGION, Row
from sandbox.wire import AwsError, Call, Handler, page

_SERVICE = "application-autoscaling"
_RESOURCE = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
_COUNT = "sagemaker:variant:DesiredInstanceCount"
_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT_ID}:"
_SERVICE_ROLE = (
    f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/sagemaker.application-autoscaling."
    "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


def _key(wish: dict[str, Any]) -> str:
    return f"{wish['ServiceNamespace']}|{wish['ResourceId']}|{wish['ScalableDimension']}"


def _check_resource(wish: dict[str, Any], now: float) -> None:
    if wish["ServiceNamespace"] != "sagemaker" or wish["ScalableDimension"] not in (
        _COUNT,
        _CONCURRENCY,
    ):
        raise AwsError(
            "ValidationException",
            "Unsupported service namespace, resource type or scalable dimension.",
        )
    found = _RESOURCE.fullmatch(wish["ResourceId"])
    if found is None:
        raise AwsError(
            "ValidationException",
            "The resource ID must have the form endpoint/<endpoint>/variant/<variant>.",
        )
    name = found["endpoint"]
    row = next((r for r in endpoints.settled(now) if r["name"] == name), None)
    if row is None:
        missing = naming.arn("endpoint", name)
        raise AwsError("ValidationException", f'Could not find endpoint "{missing}".')
    if found["variant"] not in {v["name"] for v in row["variants"]}:
        raise AwsError(
            "ValidationException",
            f'Could not find variant "{found["variant"]}" of endpoint "{row["arn"]}".',
        )


def register(call: Call) -> dict[str, Any]:
    """Register or change a scalable target; refuses one whose variant does not exist."""
    wish, rows = call.parameters, state.table("autoscaling_targets")
    _check_resource(wish, call.now)
    row = rows.get(_key(wish)) or {
        "arn": f"{_ARN}scalable-target/{uuid.uuid4().hex[:22]}",
        "created_at": call.now,
        "minimum": None,
        "maximum": None,
        "tags": {},
    }
    minimum = wish.get("MinCapacity", row["minimum"])
    maximum = wish.get("MaxCapacity", row["maximum"])
    if minimum is None or maximum is None:
        raise AwsError(
            "ValidationException", "MinCapacity and MaxCapacity are both needed at first."
        )
    if not 0 <= minimum <= maximum:
        raise AwsError("ValidationException", "MaxCapacity must be at least MinCapacity.")
    kept = {name: wish[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    row |= {
        "key": kept,
        "minimum": minimum,
        "maximum": maximum,
        "suspended": wish.get("SuspendedState", row.get("suspended")),
        "tags": row["tags"] | wish.get("Tags", {}),
    }
    rows[_key(wish)] = row
    return {"ScalableTargetARN": row["arn"]}


def _target(wish: dict[str, Any]) -> Row:
    row = state.table("autoscaling_targets").get(_key(wish))
    if row is None:
        raise AwsError(
            "ObjectNotFoundException",
            f"No scalable target found for service namespace: {wish['ServiceNamespace']}, resource "
            f"ID: {wish['ResourceId']}, scalable dimension: {wish['ScalableDimension']}",
        )
    return row


def deregister(call: Call) -> dict[str, Any]:
    """Deregister a scalable target and delete its policies."""
    _target(call.parameters)
    key = _key(call.parameters)
    del state.table("autoscaling_targets")[key]
    policies = state.table("autoscaling_policies")
    for name in [name for name, row in policies.items() if row["target"] == key]:
        del policies[name]
    return {}


def describe_targets(call: Call) -> dict[str, Any]:
    """Return the scalable targets that fit the filters."""
    shown = [
        {
            **row["key"],
            "MinCapacity": row["minimum"],
            "MaxCapacity": row["maximum"],
            "RoleARN": _SERVICE_ROLE,
            "CreationTime": row["created_at"],
            "ScalableTargetARN": row["arn"],
            "SuspendedState": row["suspended"]
            or {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
        }
        for row in _fitting(call, "autoscaling_targets", "ResourceIds")
    ]
    rows, more = page(shown, call)
    return {"ScalableTargets": rows, **more}


def _fitting(call: Call, table: str, resources: str) -> list[Row]:
    wish = call.parameters
    found = [
        row
        for row in state.table(table).values()
        if row["key"]["ServiceNamespace"] == wish["ServiceNamespace"]
    ]
    if wanted := wish.get(resources):
        found = [row for row in found if row["key"]["ResourceId"] in wanted]
    if dimension := wish.get("ScalableDimension"):
        found = [row for row in found if row["key"]["ScalableDimension"] == dimension]
    return found


def put_policy(call: Call) -> dict[str, Any]:
    """Make or change a scaling policy of a registered target."""
    wish, rows = call.parameters, state.table("autoscaling_policies")
    _target(wish)
    name = f"{_key(wish)}|{wish['PolicyName']}"
    kind = wish.get("PolicyType", rows.get(name, {}).get("kind", "StepScaling"))
    setting = f"{kind}PolicyConfiguration"
    if setting not in wish:
        raise AwsError("ValidationException", f"{setting} is needed for the policy type {kind}.")
    kept = {k: wish[k] for k in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    unique = uuid.uuid4()
    row = rows.get(name) or {
        "arn": f"{_ARN}scalingPolicy:{unique}:resource/sagemaker/{wish['ResourceId']}"
        f":policyName/{wish['PolicyName']}",
        "created_at": call.now,
        "alarms": _alarms(wish["ResourceId"], unique) if kind == "TargetTrackingScaling" else [],
    }
    row |= {
        "name": wish["PolicyName"],
        "key": kept,
        "target": _key(wish),
        "kind": kind,
        "setting": {setting: wish[setting]},
    }
    rows[name] = row
    return {"PolicyARN": row["arn"], "Alarms": row["alarms"]}


def _alarms(resource_id: str, unique: uuid.UUID) -> list[dict[str, str]]:
    names = [f"TargetTracking-{resource_id}-{side}-{unique}" for side in ("AlarmHigh", "AlarmLow")]
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:"
    return [{"AlarmName": name, "AlarmARN": arn + name} for name in names]


def describe_policies(call: Call) -> dict[str, Any]:
    """Return the scaling policies that fit the filters."""
    wish = call.parameters
    found = _fitting(call, "autoscaling_policies", "")
    if resource := wish.get("ResourceId"):
        found = [row for row in found if row["key"]["ResourceId"] == resource]
    if names := wish.get("PolicyNames"):
        found = [row for row in found if row["name"] in names]
    shown = [
        {
            **row["key"],
            **row["setting"],
            "PolicyARN": row["arn"],
            "PolicyName": row["name"],
            "PolicyType": row["kind"],
            "Alarms": row["alarms"],
            "CreationTime": row["created_at"],
        }
        for row in found
    ]
    rows, more = page(shown, call)
    return {"ScalingPolicies": rows, **more}


def delete_policy(call: Call) -> dict[str, Any]:
    """Delete a scaling policy."""
    wish, rows = call.parameters, state.table("autoscaling_policies")
    name = f"{_key(wish)}|{wish['PolicyName']}"
    if name not in rows:
        raise AwsError(
            "ObjectNotFoundException", f"No scaling policy found with name: {wish['PolicyName']}"
        )
    del rows[name]
    return {}


def list_tags(call: Call) -> dict[str, Any]:
    """Return the tags of a scalable target."""
    return {"Tags": _tagged(call)["tags"]}


def tag(call: Call) -> dict[str, Any]:
    """Add or replace tags of a scalable target."""
    row = _tagged(call)
    row["tags"] = row["tags"] | call.parameters["Tags"]
    return {}


def _tagged(call: Call) -> Row:
    for row in state.table("autoscaling_targets").values():
        if row["arn"] == call.parameters["ResourceARN"]:
            return row
    raise AwsError("ResourceNotFoundException", "The specified resource doesn't exist.")


def describe_activities(call: Call) -> dict[str, Any]:
    """Return no activities: the pretend AWS scales nothing by itself."""
    return {"ScalingActivities": []}


def inventory(now: float) -> list[dict[str, Any]]:
    """Return every scalable target and scaling policy that exists."""
    targets = [
        listing.item(
            _SERVICE,
            "scalable-target",
            row["key"]["ResourceId"],
            row["arn"],
            row["created_at"],
            tags=row["tags"],
        )
        for row in state.table("autoscaling_targets").values()
    ]
    policies = [
        listing.item(_SERVICE, "scaling-policy", row["name"], row["arn"], row["created_at"])
        for row in state.table("autoscaling_policies").values()
    ]
    return targets + policies


OPERATIONS: dict[str, Handler] = {
    "RegisterScalableTarget": register,
    "DeregisterScalableTarget": deregister,
    "DescribeScalableTargets": describe_targets,
    "PutScalingPolicy": put_policy,
    "DescribeScalingPolicies": describe_policies,
    "DeleteScalingPolicy": delete_policy,
    "DescribeScalingActivities": describe_activities,
    "ListTagsForResource": list_tags,
    "TagResource": tag,
}
