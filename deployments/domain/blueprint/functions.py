"""What Lambda + Bedrock is made of: a function that calls one inference profile. Pure."""

from __future__ import annotations

from typing import Any

from deployments.domain.blueprint.models import profile
from deployments.domain.blueprint.names import Names
from deployments.domain.blueprint.spec import Kind, ResourceSpec, reference
from deployments.domain.options import Option

ALIAS = "live"
HANDLER = "converse"
RUNTIME = "python3.13"
# Longer than any answer of the models on offer; Lambda itself ends at 900 s (AWS, Lambda quotas).
TIMEOUT_SECONDS = 300
LOG_RETENTION_DAYS = 30


def function_behind_url(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return profile, log group, role, function, version, alias and URL, in order."""
    tags, function = dict(names.tags), names.of("function")
    return (
        profile(option=option, names=names),
        log_group(name=f"/aws/lambda/{function}", tags=tags),
        ResourceSpec(
            key="role",
            kind=Kind.ROLE,
            name=names.of("role"),
            spec={"service": "lambda.amazonaws.com", "policy": _policy(), "tags": tags},
            needs=("profile", "logs"),
        ),
        ResourceSpec(
            key="function",
            kind=Kind.FUNCTION,
            name=function,
            spec=_function(option, tags),
            needs=("role",),
        ),
        ResourceSpec(
            key="version",
            kind=Kind.VERSION,
            name=names.of("version"),
            spec={"function": function},
            needs=("function",),
        ),
        ResourceSpec(
            key="alias",
            kind=Kind.ALIAS,
            name=names.of("alias"),
            spec={
                "function": function,
                "alias": ALIAS,
                "version": reference("version", "version"),
            },
            needs=("version",),
        ),
        ResourceSpec(
            key="url",
            kind=Kind.URL,
            name=names.of("url"),
            spec={"function": function, "alias": ALIAS, "auth": "AWS_IAM"},
            needs=("alias",),
        ),
    )


def log_group(*, name: str, tags: dict[str, str]) -> ResourceSpec:
    """Return a log group of our own, so that logs end and nothing is left behind."""
    return ResourceSpec(
        key="logs",
        kind=Kind.LOG_GROUP,
        name=name,
        spec={"retention_days": LOG_RETENTION_DAYS, "tags": tags},
    )


def _function(option: Option, tags: dict[str, str]) -> dict[str, Any]:
    return {
        "source": HANDLER,
        "handler": f"{HANDLER}.handler",
        "runtime": RUNTIME,
        "architecture": option.extra.get("architecture", "arm64"),
        "memory_mb": option.size.memory_mb,
        "timeout_seconds": TIMEOUT_SECONDS,
        "role": reference("role", "arn"),
        "environment": {"MODEL_ID": reference("profile", "arn")},
        "reserved_concurrency": option.size.max_concurrency,
        "tags": tags,
    }


def _policy() -> list[dict[str, Any]]:
    """Return the least the function needs: its profile, the models behind it, its own log group.

    A call through a profile is checked against the profile and against each model behind it
    (Bedrock user guide, prerequisites for inference profiles).
    """
    return [
        {
            "Sid": "CallTheProfile",
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": [reference("profile", "arn")],
        },
        {
            "Sid": "CallTheModelsBehindIt",
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": reference("profile", "models"),
            "Condition": {
                "StringEquals": {"bedrock:InferenceProfileArn": reference("profile", "arn")}
            },
        },
        {
            "Sid": "WriteItsLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [reference("logs", "streams_arn")],
        },
    ]
