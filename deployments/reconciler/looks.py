"""Look, decide, act: the part of a step that speaks to AWS. No transaction is open here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.domain.blueprint.spec import resolve
from deployments.domain.lifecycle import Observed, Phase, Record, Step, next_step
from deployments.domain.target import Refused, Target, Wish
from deployments.models import Resource
from deployments.reconciler.claims import Held, lease, renew
from portal import aws


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen last and done. `has_seen` is False when we could not look at all."""

    record: Record
    step: Step
    observed: Observed | None = None
    has_seen: bool = True
    refusal: Refused | None = None


def look_and_act(*, held: Held, target: Target, clock: Callable[[], datetime]) -> Look:
    """Bring a resource one step nearer to its wish; at most one effect. Raises Busy."""
    resource = held.resource
    siblings = list(Resource.objects.filter(generation_id=resource.generation_id))
    record, wish = record_of(resource, siblings), wish_of(resource, siblings)
    try:
        observed = target.observe(wish)
    except Refused as refusal:
        return Look(record, Step.WAIT, has_seen=False, refusal=refusal)
    step = next_step(record, observed)
    if step not in (Step.CREATE, Step.UPDATE, Step.DELETE):
        return Look(record, step, observed)
    try:
        # The time is counted from before the lease is renewed: nothing is sent that outlives it.
        with aws.within(seconds=lease().total_seconds()):
            renew(held=held, now=clock(), **_intent(step, resource, clock()))
            _act(target, step, wish)
    except Refused as refusal:
        return Look(record, step, observed, refusal=refusal)
    try:
        return Look(record, step, target.observe(wish))
    except Refused as refusal:
        # It was done; what came of it shows at the next look.
        return Look(record, step, observed, has_seen=False, refusal=refusal)


def record_of(resource: Resource, siblings: Sequence[Resource]) -> Record:
    """Return what the rows say of a resource and its neighbours."""
    phases = {each.key: Phase(each.phase) for each in siblings}
    needed_by = [each for each in siblings if resource.key in each.needs]
    return Record(
        phase=Phase(resource.phase),
        is_wanted=resource.is_wanted,
        may_begin=all(phases.get(key) is Phase.READY for key in resource.needs),
        may_end=all(each.phase == Phase.GONE for each in needed_by),
        absences=resource.absences,
    )


def wish_of(resource: Resource, siblings: Sequence[Resource]) -> Wish:
    """Return the AWS object as specified, with what its neighbours have told."""
    outputs = {each.key: each.outputs for each in siblings}
    return Wish(resource.name, resolve(resource.spec, outputs), known=resource.outputs)


def _intent(step: Step, resource: Resource, now: datetime) -> dict[str, Any]:
    """Return what is written before the effect: a worker killed after it leaves a trace."""
    match step:
        case Step.CREATE:
            return {"phase": Phase.CREATING, "began_at": resource.began_at or now, "absences": 0}
        case Step.DELETE:
            return {"phase": Phase.DELETING}
    return {}


def _act(target: Target, step: Step, wish: Wish) -> None:
    match step:
        case Step.CREATE:
            target.create(wish)
        case Step.UPDATE:
            target.update(wish)
        case Step.DELETE:
            target.delete(wish)
