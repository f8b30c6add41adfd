"""Where a deployment stands, derived from its resources under its row's lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from billing.usecases import reservations
from deployments.domain.lifecycle import (
    Phase,
    State,
    state_of_deployment,
    state_of_generation,
    wanted,
)
from deployments.models import Deployment, Event, Generation, Resource
from portal.access import SYSTEM
from portal.usecases import audit


def derive(*, deployment: Deployment, now: datetime) -> None:
    """Write the deployment's state, which generation serves, and which are no longer wanted.

    The caller holds the lock on the deployment's row and is inside a transaction.
    """
    generations = list(deployment.generations.order_by("number"))
    if deployment.is_wanted:
        _drop_superseded(deployment, generations, now)
    states = _states(generations)
    state = state_of_deployment(states, is_wanted=deployment.is_wanted)
    _serve(deployment, generations, states)
    if state is State.READY:
        _hold_no_more_than_runs(deployment, now)
    if state != deployment.state:
        _enter(deployment, state, now)


def _states(generations: Sequence[Generation]) -> Sequence[State]:
    phases: dict[int, list[Phase]] = defaultdict(list)
    rows = Resource.objects.filter(generation__in=generations)
    for generation_id, phase in rows.values_list("generation_id", "phase"):
        phases[generation_id].append(Phase(phase))
    return [state_of_generation(phases[each.pk], is_wanted=each.is_wanted) for each in generations]


def _drop_superseded(
    deployment: Deployment, generations: Sequence[Generation], now: datetime
) -> None:
    held = [each for each in generations if each.is_wanted]
    kept = wanted(_states(held), serving=_serving(deployment, held))
    for generation, keep in zip(held, kept, strict=True):
        if keep:
            continue
        generation.is_wanted = False
        generation.save(update_fields=["is_wanted"])
        generation.resources.exclude(phase=Phase.GONE).update(is_wanted=False, wake_at=now)
        Event.objects.create(
            deployment=deployment,
            generation=generation,
            at=now,
            kind="superseded",
            meaning=f"Generation {generation.number} is no longer needed and is taken down.",
        )


def _serving(deployment: Deployment, held: Sequence[Generation]) -> int | None:
    """Return the index of the current generation if all of it was ever ready; None otherwise."""
    for index, each in enumerate(held):
        if each.pk == deployment.current_id:
            return None if each.resources.filter(ready_at=None).exists() else index
    return None


def _serve(
    deployment: Deployment, generations: Sequence[Generation], states: Sequence[State]
) -> None:
    """Point to the newest generation that is ready; keep the one there is until then."""
    ready = [g for g, state in zip(generations, states, strict=True) if state is State.READY]
    if ready and deployment.current_id != ready[-1].pk:
        deployment.current = ready[-1]
        deployment.save(update_fields=["current"])


def _hold_no_more_than_runs(deployment: Deployment, now: datetime) -> None:
    """Let go of what a larger size held, once nothing of another generation is left."""
    current = deployment.current
    rows = Resource.objects.filter(generation__deployment=deployment).exclude(phase=Phase.GONE)
    is_settled = not rows.filter(Q(wake_at__lte=now) | ~Q(generation=current)).exists()
    if current is None or not is_settled:
        return
    reservations.lower(deployment=deployment.slug, monthly_usd=current.monthly_usd, now=now)


def _enter(deployment: Deployment, state: State, now: datetime) -> None:
    deployment.state = state.value
    if state is State.RETIRED:
        deployment.retired_at = now
        reservations.release(deployment=deployment.slug, now=now)
        audit.record(
            actor=SYSTEM,
            verb="retired",
            subject=f"deployment:{deployment.slug}",
            sentence=f"Everything of {deployment.slug} is gone; its money is free again.",
            team=deployment.feature.team,
            now=now,
        )
    deployment.save(update_fields=["state", "retired_at"])
    Event.objects.create(
        deployment=deployment,
        generation_id=deployment.current_id,
        at=now,
        kind=f"deployment-{state.value}",
        meaning=_SENTENCES[state],
    )


_SENTENCES = {
    State.PENDING: "Nothing has been asked of AWS yet.",
    State.CREATING: "AWS is building it.",
    State.READY: "It is ready: requests are answered.",
    State.UPDATING: "It is being changed; requests are answered meanwhile.",
    State.RETIRING: "It is being taken down.",
    State.RETIRED: "Everything is gone. Nothing of it costs money any more.",
    State.FAILED: "Something AWS refused stands in the way; what exists is still there.",
}
