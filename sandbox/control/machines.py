"""Hosting instance types: which exist, which have accelerators or local disks, default quotas."""

from sandbox import state
from sandbox.wire import service_model

_LOCAL_DISK_PREFIXES = ("g5", "g6", "g7e", "p5", "p6-b200", "trn1", "trn2")
_ACCELERATED_PREFIXES = ("g", "p", "inf", "trn")
# An account that has asked for what the example portfolio needs; a fresh one has less.
_DEFAULT_QUOTAS = (
    ("p6", 0),
    ("trn", 0),
    ("p5", 16),
    ("p4", 4),
    ("g7", 16),
    ("inf", 4),
    ("g", 16),
    ("p", 2),
)
_DEFAULT_QUOTA_WITHOUT_ACCELERATOR = 20


def hosting_types() -> tuple[str, ...]:
    """Return every instance type that AWS's model allows for an endpoint."""
    return tuple(service_model("sagemaker").shape_for("ProductionVariantInstanceType").enum)


def family(instance_type: str) -> str:
    """Return the family, e.g. `g5` of `ml.g5.xlarge`."""
    return instance_type.split(".")[1]


def has_accelerator(instance_type: str) -> bool:
    """Say whether the type has a GPU or an AWS accelerator."""
    return family(instance_type).startswith(_ACCELERATED_PREFIXES)


def has_local_disk(instance_type: str) -> bool:
    """Say whether VolumeSizeInGB is refused, by the rule of the SageMaker SDK.

    Source: sagemaker-core 2.27.0 `volume_size_supported`, read 2026-11.
    """
    name = family(instance_type)
    return "d" in name or name.startswith(_LOCAL_DISK_PREFIXES)


def default_quota(instance_type: str) -> int:
    """Return how many instances for endpoint usage the pretend account may run unless told."""
    name = family(instance_type)
    for prefix, instances in _DEFAULT_QUOTAS:
        if name.startswith(prefix):
            return instances
    return _DEFAULT_QUOTA_WITHOUT_ACCELERATOR


def quota(instance_type: str) -> int:
    """Return how many instances for endpoint usage the account may run."""
    return int(state.quotas()["sagemaker"].get(instance_type, default_quota(instance_type)))
