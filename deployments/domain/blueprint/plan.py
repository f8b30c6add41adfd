"""The ordered AWS calls of a blueprint, in words, before anything is called. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.domain.blueprint.spec import Kind, ResourceSpec, resolve

FREE = "free"


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call to AWS: what it makes, why, and what that costs while it exists."""

    service: str
    operation: str
    name: str
    why: str
    costs: str


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role will be allowed to do: actions on resources, under conditions."""

    role: str
    service: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: str


_CALLS: Mapping[Kind, tuple[tuple[str, str, str], ...]] = {
    Kind.ROLE: (
        ("iam", "CreateRole", "The identity it works under, of nobody else"),
        ("iam", "PutRolePolicy", "The least it needs, listed below"),
    ),
    Kind.LOG_GROUP: (
        ("logs", "CreateLogGroup", "Where its log goes"),
        ("logs", "PutRetentionPolicy", "So that logs end after 30 days"),
    ),
    Kind.FUNCTION: (
        ("lambda", "CreateFunction", "The code between callers and the model"),
        ("lambda", "PutFunctionConcurrency", "So that a peak neither starves nor floods others"),
    ),
    Kind.VERSION: (("lambda", "PublishVersion", "Code that cannot change under its callers"),),
    Kind.ALIAS: (("lambda", "CreateAlias", "The lasting name that callers use"),),
    Kind.URL: (
        ("lambda", "CreateFunctionUrlConfig", "The HTTPS address, for callers that sign with IAM"),
    ),
    Kind.PROFILE: (("bedrock", "CreateInferenceProfile", "So that its tokens are metered apart"),),
    Kind.THROUGHPUT: (
        ("bedrock", "CreateProvisionedModelThroughput", "The model units, by the hour"),
    ),
    Kind.MODEL: (("sagemaker", "CreateModel", "Image, settings and weights under one name"),),
    Kind.ENDPOINT_CONFIG: (
        ("sagemaker", "CreateEndpointConfig", "Which machine, how many, and how long to wait"),
    ),
    Kind.ENDPOINT: (("sagemaker", "CreateEndpoint", "What answers requests"),),
    Kind.SCALING_TARGET: (
        ("application-autoscaling", "RegisterScalableTarget", "The bounds of its size"),
    ),
    Kind.SCALING_POLICY: (
        ("application-autoscaling", "PutScalingPolicy", "Adds and removes instances by load"),
    ),
}


def plan(*, resources: Sequence[ResourceSpec]) -> tuple[PlannedCall, ...]:
    """Return the calls that make the resources, in order."""
    return tuple(
        PlannedCall(service, operation, each.name, why, _costs(each))
        for each in resources
        for service, operation, why in _CALLS[each.kind]
        if operation != "PutFunctionConcurrency" or each.spec["reserved_concurrency"]
    )


def permissions(*, resources: Sequence[ResourceSpec]) -> tuple[Permission, ...]:
    """Return what each role will be allowed, with objects that do not exist yet by name."""
    to_be = {each.key: _to_be(each) for each in resources}
    return tuple(
        Permission(
            role=each.name,
            service=each.spec["service"],
            sid=statement["Sid"],
            actions=tuple(statement["Action"]),
            resources=_texts(statement["Resource"]),
            conditions=_conditions(statement.get("Condition", {})),
        )
        for each in resources
        if each.kind is Kind.ROLE
        for statement in resolve(each.spec["policy"], to_be)
    )


def _costs(resource: ResourceSpec) -> str:
    spec = resource.spec
    match resource.kind:
        case Kind.THROUGHPUT:
            return f"{spec['model_units']} model units, by the hour"
        case Kind.ENDPOINT if "least" in spec:
            return f"{spec['least']} to {spec['most']} instances, by the second"
        case Kind.ENDPOINT:
            return "by the GB-second while it computes"
        case Kind.FUNCTION:
            return "by the request and GB-second"
        case Kind.PROFILE:
            return "by the token"
        case Kind.LOG_GROUP:
            return "by what is written"
    return FREE


def _to_be(resource: ResourceSpec) -> Mapping[str, Any]:
    name = resource.name
    return {
        "arn": f"<{name}>",
        "streams_arn": f"<{name}>:*",
        "models": [f"<models behind {resource.spec.get('copy_from', name)}>"],
        "version": f"<{name}>",
    }


def _texts(resources: Any) -> tuple[str, ...]:
    return (resources,) if isinstance(resources, str) else tuple(str(each) for each in resources)


def _conditions(conditions: Mapping[str, Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{name} {operator} {', '.join(_texts(value))}"
        for operator, tests in conditions.items()
        for name, value in tests.items()
    )
