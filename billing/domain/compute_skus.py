"""Names of what machines cost outside SageMaker on-demand: EC2, Fargate, plans, S3. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from re import fullmatch

ARCHITECTURES: Mapping[str, str] = {"x86_64": "x86", "arm64": "arm64"}
PLAN_TERMS: Mapping[str, str] = {"one-year": "one year", "three-years": "three years"}
FAMILIES = ("ec2", "ec2-spot", "ec2-plan", "sagemaker-plan", "fargate", "eks", "alb", "s3", "edge")

Described = tuple[str, int, str]  # a unit's name, how many of it a price is for, the label
_HOUR = 3600
_EC2 = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
_ML = rf"ml\.{_EC2}"
_FIXED: Mapping[str, Described] = {
    "eks:cluster:second": ("second", _HOUR, "EKS cluster"),
    "eks:cluster-extended:second": ("second", _HOUR, "EKS cluster in extended support"),
    "alb:second": ("second", _HOUR, "Application load balancer"),
    "alb:lcu-second": ("second", _HOUR, "Load balancer capacity unit"),
    "s3:put": ("request", 1_000_000, "S3 writes"),
    "s3:get": ("request", 1_000_000, "S3 reads"),
    "s3:storage": ("gb", 1, "S3 storage for a month"),
}


def ec2(*, instance_type: str) -> str:
    """Return the SKU of one EC2 instance on demand, by the second."""
    return f"ec2:{instance_type}:second"


def ec2_spot(*, instance_type: str) -> str:
    """Return the SKU of one EC2 spot instance, by the second."""
    return f"ec2-spot:{instance_type}:second"


def ec2_plan(*, instance_type: str, term: str) -> str:
    """Return the SKU of one EC2 instance under a Compute Savings Plan; `term` of PLAN_TERMS."""
    return f"ec2-plan:{instance_type}:{term}:second"


def sagemaker_plan(*, instance_type: str, term: str) -> str:
    """Return the SKU of one ml instance under a SageMaker Savings Plan; `term` of PLAN_TERMS."""
    return f"sagemaker-plan:{instance_type}:{term}:second"


def fargate_vcpu(*, architecture: str) -> str:
    """Return the SKU of one Fargate vCPU, by the second; "x86_64" or "arm64"."""
    return f"fargate:{architecture}:vcpu-second"


def fargate_memory(*, architecture: str) -> str:
    """Return the SKU of one GB of Fargate memory, by the second; "x86_64" or "arm64"."""
    return f"fargate:{architecture}:gb-second"


def eks_cluster() -> str:
    """Return the SKU of one EKS control plane in standard support, by the second."""
    return "eks:cluster:second"


def load_balancer() -> str:
    """Return the SKU of one Application Load Balancer, by the second."""
    return "alb:second"


def load_balancer_unit() -> str:
    """Return the SKU of one load balancer capacity unit (LCU), by the second."""
    return "alb:lcu-second"


def s3_writes() -> str:
    """Return the SKU of S3 PUT requests."""
    return "s3:put"


def s3_reads() -> str:
    """Return the SKU of S3 GET requests."""
    return "s3:get"


def s3_storage() -> str:
    """Return the SKU of S3 Standard storage, by the GB kept for a month."""
    return "s3:storage"


def edge(*, hardware: str) -> str:
    """Return the SKU of one server of one's own, by the second; `hardware` as in "l4-x1"."""
    return f"edge:{hardware}:second"


def described(sku: str) -> Described | None:
    """Return a SKU's unit name, how many of it a price is for, and its words; None for others."""
    if sku in _FIXED:
        return _FIXED[sku]
    family, _, rest = sku.partition(":")
    name, _, unit = rest.rpartition(":")
    if family == "fargate":
        return _fargate(name, unit)
    label = _label(family, name) if unit == "second" else None
    return ("second", _HOUR, label) if label else None


def _fargate(architecture: str, unit: str) -> Described | None:
    words = ARCHITECTURES.get(architecture)
    if words is None:
        return None
    match unit:
        case "vcpu-second":
            return "second", _HOUR, f"Fargate vCPU ({words})"
        case "gb-second":
            return "second", _HOUR, f"Fargate GB of memory ({words})"
    return None


def _label(family: str, name: str) -> str | None:
    start, _, term = name.rpartition(":")
    match family:
        case "ec2" if fullmatch(_EC2, name):
            return f"{name} instance (EC2)"
        case "ec2-spot" if fullmatch(_EC2, name):
            return f"{name} instance (EC2 spot)"
        case "ec2-plan" if fullmatch(_EC2, start) and term in PLAN_TERMS:
            return f"{start} instance (EC2, Savings Plan of {PLAN_TERMS[term]})"
        case "sagemaker-plan" if fullmatch(_ML, start) and term in PLAN_TERMS:
            return f"{start} instance (Savings Plan of {PLAN_TERMS[term]})"
        case "edge" if fullmatch(r"[a-z0-9-]+-x\d+", name):
            return f"Own server with {name.replace('-x', ' x ')}"
    return None
