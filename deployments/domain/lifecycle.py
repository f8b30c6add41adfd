"""The state machine on one page: what to do next about one cloud resource. Pure."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a resource stands."""

    PENDING = "pending"
    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    DELETING = "deleting"
    GONE = "gone"
    FAILED = "failed"


class State(StrEnum):
    """Where a deployment stands, as a person would say it; derived from its resources."""

    PENDING = "pending"
    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    RETIRING = "retiring"
    RETIRED = "retired"
    FAILED = "failed"


class Environment(StrEnum):
    """Where a deployment serves."""

    EXPERIMENT = "experiment"
    STAGING = "staging"
    PRODUCTION = "production"
