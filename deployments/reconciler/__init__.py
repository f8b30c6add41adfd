"""Bring one resource one step nearer to what was asked: claim, look, decide, act, record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from deployments.adapters.targets import target_for
from deployments.domain.target import Target
from deployments.reconciler.claims import Busy, claim
from deployments.reconciler.looks import look_and_act
from deployments.reconciler.settling import Outcome, settle

__all__ = ["Busy", "Outcome", "reconcile"]


def reconcile(
    *,
    resource_id: int,
    clock: Callable[[], datetime],
    find: Callable[[str], Target] = target_for,
) -> Outcome:
    """Take one step with a resource that is due; return what became due because of it.

    The network is spoken to between two short transactions, never inside one. Raises Busy when
    nothing is due, another worker has it, or the lease was lost on the way.
    """
    held = claim(resource_id=resource_id, now=clock())
    look = look_and_act(held=held, target=find(held.resource.kind), clock=clock)
    return settle(held=held, look=look, now=clock())
