"""The rows: what was advised, what is wished and what exists, and the traffic played through it."""

from deployments.models.advice import (
    NEVER_LEASED,
    CapacityPlan,
    LoadPoint,
    Move,
    PortfolioPlan,
    Probe,
    Recommendation,
    WorkloadRow,
)
from deployments.models.probing import ProbeRequest, ProbeSchedule
from deployments.models.record import (
    Deployment,
    DeploymentQuerySet,
    Event,
    Generation,
    Resource,
    ResourceQuerySet,
    Span,
    environments,
    phases,
    states,
)
from deployments.models.traffic import TrafficRun

__all__ = [
    "NEVER_LEASED",
    "CapacityPlan",
    "Deployment",
    "DeploymentQuerySet",
    "Event",
    "Generation",
    "LoadPoint",
    "Move",
    "PortfolioPlan",
    "Probe",
    "ProbeRequest",
    "ProbeSchedule",
    "Recommendation",
    "Resource",
    "ResourceQuerySet",
    "Span",
    "TrafficRun",
    "WorkloadRow",
    "environments",
    "phases",
    "states",
]
