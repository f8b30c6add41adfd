"""The rows: cascades and their policies, what the gateway did, and the work over it."""

from cascade.models.log import Attempt, CascadeHour, StageHour, Trial, UnreadEvent, Verdict
from cascade.models.money import ScopeMonth
from cascade.models.record import (
    Cascade,
    CascadeQuerySet,
    Draft,
    FeatureLimit,
    PolicyVersion,
    Rollout,
    Snapshot,
    VirtualKey,
)
from cascade.models.runs import (
    NEVER_LEASED,
    Alert,
    Calibration,
    DriftWatch,
    Replay,
    Training,
    Upload,
    Weights,
)

__all__ = [
    "NEVER_LEASED",
    "Alert",
    "Attempt",
    "Calibration",
    "Cascade",
    "CascadeHour",
    "CascadeQuerySet",
    "Draft",
    "DriftWatch",
    "FeatureLimit",
    "PolicyVersion",
    "Replay",
    "Rollout",
    "ScopeMonth",
    "Snapshot",
    "StageHour",
    "Training",
    "Trial",
    "UnreadEvent",
    "Upload",
    "Verdict",
    "VirtualKey",
    "Weights",
]
