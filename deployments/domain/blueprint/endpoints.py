"""What the SageMaker tiers are made of: role, logs, model, configuration, endpoint. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from billing.domain import skus
from deployments.domain.blueprint.functions import log_group
from deployments.domain.blueprint.names import Names
from deployments.domain.blueprint.spec import Kind, ResourceSpec, reference
from deployments.domain.options import Option, Tier

VARIANT = "main"
# Both time limits may be 60 to 3,600 s (botocore, ProductionVariant).
LEAST_TIMEOUT_SECONDS, MOST_TIMEOUT_SECONDS = 60, 3600
DEFAULT_TIMEOUT_SECONDS = 1800
VOLUME_GB = 256
# Images built on CUDA 13 need driver 580 (botocore, InferenceAmiVersion).
AMI_OF_CUDA_13 = "al2023-ami-sagemaker-inference-gpu-4-1"
# Scale out before a variant is full: a share of the concurrency its estimate ends at.
TARGET_SHARE = Decimal("0.7")
# SageMaker SDK 2.27, volume_size_supported(): these have local NVMe and refuse a volume size.
_LOCAL_DISK = ("g5", "g6", "g7e", "p5", "p6-b200", "trn1", "trn2")
_REGISTRY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)"
)


def takes_volume(instance_type: str) -> bool:
    """Say whether an instance type accepts VolumeSizeInGB: only those without local NVMe."""
    family = instance_type.removeprefix("ml.").partition(".")[0]
    return "d" not in family and not family.startswith(_LOCAL_DISK)


def real_time(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return an endpoint on instances, and what keeps their number in bounds."""
    endpoint = names.of("endpoint")
    least = option.size.instances
    most = max(least, option.size.max_instances)
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    return (
        *_below_endpoint(option, names, config=_instances(option)),
        ResourceSpec(
            key="endpoint",
            kind=Kind.ENDPOINT,
            name=endpoint,
            spec={
                "config": names.of("config"),
                "variant": VARIANT,
                "least": least,
                "most": most,
                "paid_sku": skus.instance(instance_type=option.size.instance_type),
                "tags": dict(names.tags),
            },
            needs=("config", "logs"),
        ),
        ResourceSpec(
            key="target",
            kind=Kind.SCALING_TARGET,
            name=resource,
            spec={"least": least, "most": most, "tags": dict(names.tags)},
            needs=("endpoint",),
        ),
        ResourceSpec(
            key="policy",
            kind=Kind.SCALING_POLICY,
            name=names.of("policy"),
            spec={"resource": resource, "concurrent_requests": _concurrent_requests(option)},
            needs=("target",),
        ),
    )


def serverless(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return an endpoint that is paid only while it computes."""
    config = {
        "memory_mb": option.size.memory_mb,
        "max_concurrency": max(1, option.size.max_concurrency),
    }
    return (
        *_below_endpoint(option, names, config=config),
        ResourceSpec(
            key="endpoint",
            kind=Kind.ENDPOINT,
            name=names.of("endpoint"),
            spec={
                "config": names.of("config"),
                "variant": VARIANT,
                **config,
                "tags": dict(names.tags),
            },
            needs=("config", "logs"),
        ),
    )


def _below_endpoint(
    option: Option, names: Names, *, config: dict[str, Any]
) -> tuple[ResourceSpec, ...]:
    tags, endpoint = dict(names.tags), names.of("endpoint")
    return (
        log_group(name=f"/aws/sagemaker/Endpoints/{endpoint}", tags=tags),
        ResourceSpec(
            key="role",
            kind=Kind.ROLE,
            name=names.of("role"),
            spec={
                "service": "sagemaker.amazonaws.com",
                "policy": _policy(option),
                "tags": tags,
            },
            needs=("logs",),
        ),
        ResourceSpec(
            key="model",
            kind=Kind.MODEL,
            name=names.of("model"),
            spec={
                "role": reference("role", "arn"),
                "image": option.extra["image"],
                "environment": _environment(option),
                "weights_s3": option.extra.get("weights_s3", ""),
                "is_packed": option.tier is Tier.SAGEMAKER_SERVERLESS,
                "tags": tags,
            },
            needs=("role",),
        ),
        ResourceSpec(
            key="config",
            kind=Kind.ENDPOINT_CONFIG,
            name=names.of("config"),
            spec={"model": names.of("model"), "variant": VARIANT, "tags": tags, **config},
            needs=("model",),
        ),
    )


def _instances(option: Option) -> dict[str, Any]:
    config: dict[str, Any] = {
        "instance_type": option.size.instance_type,
        "initial_instances": option.size.instances,
        "startup_timeout_seconds": _timeout(option, "startup_timeout_s"),
        "download_timeout_seconds": _timeout(option, "download_timeout_s"),
    }
    if takes_volume(option.size.instance_type):
        config["volume_gb"] = VOLUME_GB
    if "-cu130" in option.extra["image"]:
        config["ami"] = AMI_OF_CUDA_13
    return config


def _timeout(option: Option, name: str) -> int:
    wanted = int(option.extra.get(name) or DEFAULT_TIMEOUT_SECONDS)
    return min(MOST_TIMEOUT_SECONDS, max(LEAST_TIMEOUT_SECONDS, wanted))


def _environment(option: Option) -> dict[str, str]:
    """Return the container's settings: vLLM's (AWS deep learning containers) or Hugging Face's."""
    extra, hub = option.extra, option.extra.get("hub_model", "")
    weights = "/opt/ml/model" if extra.get("weights_s3") else hub
    if option.tier is Tier.SAGEMAKER_SERVERLESS or "-cpu-" in extra["image"]:
        return {"HF_MODEL_ID": weights} if weights == hub else {}
    wanted = {
        "SM_VLLM_MODEL": weights,
        "SM_VLLM_TENSOR_PARALLEL_SIZE": extra.get("tensor_parallel", "1"),
        "SM_VLLM_MAX_MODEL_LEN": extra.get("max_model_tokens", ""),
        "SM_VLLM_QUANTIZATION": "fp8" if extra.get("precision") == "fp8" else "",
    }
    return {name: value for name, value in wanted.items() if value}


def _concurrent_requests(option: Option) -> int:
    """Return requests in flight on one instance at which another is added.

    Little's law: the requests/s an instance sustains times the seconds an answer takes.
    """
    per_instance = option.capacity.max_rps / max(1, option.size.instances)
    in_flight = per_instance * Decimal(option.latency.p50_ms) / 1000 * TARGET_SHARE
    return max(1, int(in_flight.to_integral_value(ROUND_FLOOR)))


def _policy(option: Option) -> list[dict[str, Any]]:
    """Return the least an endpoint needs: its image, its weights, its log group, its metrics."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "SignInToTheRegistry",
            "Effect": "Allow",
            "Action": ["ecr:GetAuthorizationToken"],
            "Resource": ["*"],  # AWS offers no narrower resource for this action.
        },
        {
            "Sid": "WriteItsLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            "Resource": [reference("logs", "streams_arn")],
        },
        {
            "Sid": "WriteItsMetrics",
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricData"],
            "Resource": ["*"],  # AWS offers no narrower resource; the namespace is.
            "Condition": {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
        },
    ]
    if found := _REGISTRY.match(option.extra["image"]):
        statements.append(
            {
                "Sid": "PullTheImage",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                "Resource": [
                    f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}"
                ],
            }
        )
    return statements + _weights_policy(option.extra.get("weights_s3", ""))


def _weights_policy(weights: str) -> list[dict[str, Any]]:
    if not weights:
        return []
    bucket, _, prefix = weights.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/")
    return [
        {
            "Sid": "ReadTheWeights",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"],
        },
        {
            "Sid": "ListTheWeights",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{bucket}"],
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        },
    ]
