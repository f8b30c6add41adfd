"""Price rows of EC2, containers, plans and S3 in the attributes of AWS's price list."""

from collections.abc import Callable

Described = tuple[str, dict[str, str], str, int]

_SECONDS_PER_HOUR = 3_600
_S3 = {
    "put": ({"group": "S3-API-Tier1"}, "Requests", 1),
    "get": ({"group": "S3-API-Tier2"}, "Requests", 1),
    "storage": ({"storageClass": "General Purpose", "volumeType": "Standard"}, "GB-Mo", 1),
}
_FARGATE = {"vcpu-second": ("vCPU-Hours", "perCPU"), "gb-second": ("GB-Hours", "perGB")}


def described(parts: list[str]) -> Described | None:
    """Return service code, attributes, unit, and how many of our units that unit holds."""
    family, *rest = parts
    find = _FAMILIES.get(family)
    return find(rest) if find else None


def _ec2(rest: list[str]) -> Described | None:
    return "AmazonEC2", {"instanceType": rest[0], "marketoption": "OnDemand"}, *_BY_HOUR


def _spot(rest: list[str]) -> Described | None:
    return "AmazonEC2", {"instanceType": rest[0], "marketoption": "Spot"}, *_BY_HOUR


def _ec2_plan(rest: list[str]) -> Described | None:
    attributes = {"discountedInstanceType": rest[0], "purchaseTerm": rest[1]}
    return "ComputeSavingsPlans", attributes, *_BY_HOUR


def _sagemaker_plan(rest: list[str]) -> Described | None:
    attributes = {"discountedInstanceType": rest[0], "purchaseTerm": rest[1]}
    return "MachineLearningSavingsPlans", attributes, *_BY_HOUR


def _fargate(rest: list[str]) -> Described | None:
    unit, kind = _FARGATE[rest[1]]
    attributes = {"cputype": kind, "tenancy": "Shared", "architecture": rest[0]}
    return "AmazonECS", attributes, unit, _SECONDS_PER_HOUR


def _eks(rest: list[str]) -> Described | None:
    return "AmazonEKS", {"operation": rest[0]}, *_BY_HOUR


def _balancer(rest: list[str]) -> Described | None:
    group = "ELB:Balancing" if rest == ["second"] else "ELB:Capacity Units"
    return "AWSELB", {"group": group}, *_BY_HOUR


def _s3(rest: list[str]) -> Described | None:
    attributes, unit, quantity = _S3[rest[0]]
    return "AmazonS3", dict(attributes), unit, quantity


_BY_HOUR = ("Hrs", _SECONDS_PER_HOUR)
_FAMILIES: dict[str, Callable[[list[str]], Described | None]] = {
    "ec2": _ec2,
    "ec2-spot": _spot,
    "ec2-plan": _ec2_plan,
    "sagemaker-plan": _sagemaker_plan,
    "fargate": _fargate,
    "eks": _eks,
    "alb": _balancer,
    "s3": _s3,
}
