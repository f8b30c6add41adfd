"""The router and the gate that a policy names, as replays and calibrations ask them."""

from __future__ import annotations

from cascade.domain.policy import Policy
from cascade.domain.replay.senses import Senses
from cascade.models import Cascade


def senses_of(*, cascade: Cascade, policy: Policy) -> Senses:
    """Return who is asked about a trial: what was logged."""
    return Senses()
