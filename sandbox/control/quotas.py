"""Service Quotas of Bedrock, SageMaker and Lambda, as this pretend account has them."""

import hashlib
from collections.abc import Iterator
from typing import Any

from sandbox import state
from sandbox.control import machines, models
from sandbox.state import ACCOUNT_ID, DEFAULT_QUOTAS, REGION
from sandbox.wire import AwsError, Call, Handler, page

_SERVICE_NAMES = {
    "bedrock": "Amazon Bedrock",
    "sagemaker": "Amazon SageMaker",
    "lambda": "AWS Lambda",
}


def _code(name: str) -> str:
    return "L-" + hashlib.sha256(name.encode()).hexdigest()[:8].upper()


def _quota(service: str, name: str, value: float) -> dict[str, Any]:
    code = "L-B99A9384" if name == "Concurrent executions" else _code(f"{service}/{name}")
    return {
        "ServiceCode": service,
        "ServiceName": _SERVICE_NAMES[service],
        "QuotaArn": f"arn:aws:servicequotas:{REGION}:{ACCOUNT_ID}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _bedrock(quotas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name = "Model units no-commitment Provisioned Throughputs across base models"
    yield _quota("bedrock", name, quotas["bedrock_model_units"])
    for unit, key in (
        ("tokens", "bedrock_tokens_per_minute"),
        ("requests", "bedrock_requests_per_minute"),
    ):
        limits = quotas[key]
        for model in models.catalog().values():
            if model.status == "EOL":
                continue
            kind = "Cross-region" if model.system_profile_ids else "On-demand"
            name = f"{kind} model inference {unit} per minute for {model.model_id}"
            yield _quota("bedrock", name, limits.get(model.model_id, limits["default"]))


def _sagemaker(quotas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for instance_type in machines.hosting_types():
        value = quotas["sagemaker"].get(instance_type, machines.default_quota(instance_type))
        yield _quota("sagemaker", f"{instance_type} for endpoint usage", value)
    name = "Maximum total concurrency that can be allocated across all serverless endpoints"
    yield _quota("sagemaker", name, quotas["sagemaker_serverless_concurrency"])
    value = quotas["sagemaker_serverless_endpoints"]
    yield _quota("sagemaker", "Maximum number of serverless endpoints", value)


def _of_service(service: str, quotas: dict[str, Any]) -> list[dict[str, Any]]:
    match service:
        case "bedrock":
            return list(_bedrock(quotas))
        case "sagemaker":
            return list(_sagemaker(quotas))
        case "lambda":
            return [_quota("lambda", "Concurrent executions", quotas["lambda_concurrency"])]
    raise AwsError(
        "NoSuchResourceException", f"The request failed because the service {service} is unknown."
    )


def _one(call: Call, quotas: dict[str, Any]) -> dict[str, Any]:
    for quota in _of_service(call.parameters["ServiceCode"], quotas):
        if quota["QuotaCode"] == call.parameters["QuotaCode"]:
            return {"Quota": quota}
    raise AwsError("NoSuchResourceException", "The request failed because the quota is unknown.")


def _many(call: Call, quotas: dict[str, Any]) -> dict[str, Any]:
    found = _of_service(call.parameters["ServiceCode"], quotas)
    if code := call.parameters.get("QuotaCode"):
        found = [quota for quota in found if quota["QuotaCode"] == code]
    rows, more = page(found, call)
    return {"Quotas": rows, **more}


def get(call: Call) -> dict[str, Any]:
    """Return the applied value of one quota."""
    return _one(call, state.quotas())


def list_all(call: Call) -> dict[str, Any]:
    """Return the applied quotas of a service."""
    return _many(call, state.quotas())


def get_default(call: Call) -> dict[str, Any]:
    """Return the default of one quota."""
    return _one(call, DEFAULT_QUOTAS)


def list_defaults(call: Call) -> dict[str, Any]:
    """Return the defaults of a service."""
    return _many(call, DEFAULT_QUOTAS)


def list_services(call: Call) -> dict[str, Any]:
    """Return the services that have quotas here."""
    names = [{"ServiceCode": k, "ServiceName": v} for k, v in _SERVICE_NAMES.items()]
    rows, more = page(names, call)
    return {"Services": rows, **more}


OPERATIONS: dict[str, Handler] = {
    "GetServiceQuota": get,
    "ListServiceQuotas": list_all,
    "GetAWSDefaultServiceQuota": get_default,
    "ListAWSDefaultServiceQuotas": list_defaults,
    "ListServices": list_services,
}
