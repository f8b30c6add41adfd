"""Celery shells: read the clock, make one call. A lost message costs seconds, nothing else."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from deployments import reconciler
from deployments.models import Deployment, Recommendation
from deployments.queries import moves as move_queries
from deployments.queries import operations
from deployments.queries.study import study_of
from deployments.usecases import capacity, metering, moves, probe_schedules, probing, traffic

log = logging.getLogger("slipway.tasks")
# The sweep repeats every message: an old one has nothing to say.
MESSAGE_SECONDS = 60
NIGHT_SECONDS = 6 * 3600


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def reconcile(*, resource_id: int, **_: Any) -> str:
    """Take one step with a resource, and ask for those that became due because of it."""
    try:
        outcome = reconciler.reconcile(resource_id=resource_id, clock=timezone.now)
    except reconciler.Busy:
        return "busy"
    for due in outcome.due:
        _ask(reconcile, resource_id=due)
    return outcome.step.value


@shared_task(acks_late=True)
def reconcile_due(**_: Any) -> int:
    """Ask for everything that is due: the sweep that makes lost messages harmless."""
    due = operations.due_resources(now=timezone.now())
    for pk in due:
        _ask(reconcile, resource_id=pk)
    return len(due)


@shared_task(acks_late=True)
def meter(**_: Any) -> int:
    """Read what was used, and start again traffic whose player was lost."""
    for run_id in traffic.abandoned(now=timezone.now()):
        _ask(play_traffic, run_id=run_id)
    return metering.meter(now=timezone.now())


@shared_task(acks_late=True)
def play_traffic(*, run_id: int, **_: Any) -> str:
    """Play a traffic run from where it stands."""
    run = traffic.play(run_id=run_id, clock=timezone.now)
    return "played" if run else "busy"


@shared_task(acks_late=True)
def run_probe(*, probe_id: int, **_: Any) -> str:
    """Send a probe's requests from where it stands."""
    probe = probing.run(probe_id=probe_id, clock=timezone.now)
    if probe is None:
        return "busy"
    if probe.ended_at is None:
        _ask(run_probe, probe_id=probe_id)
        return "goes on"
    return "measured"


@shared_task(acks_late=True)
def probes_due(**_: Any) -> int:
    """Start what schedules want, and go on with probes and plans that a lost worker left."""
    probe_schedules.start_due(now=timezone.now())
    for plan_id in capacity.waiting(now=timezone.now()):
        _ask(plan_capacity, plan_id=plan_id)
    due = probing.abandoned(now=timezone.now())
    for probe_id in due:
        _ask(run_probe, probe_id=probe_id)
    return len(due)


@shared_task(acks_late=True)
def plan_capacity(*, plan_id: int, **_: Any) -> str:
    """Work out a capacity plan that was asked for on a page."""
    return "planned" if capacity.work_out(plan_id=plan_id, now=timezone.now()) else "not asked"


@shared_task(acks_late=True)
def study(*, recommendation_id: int, **_: Any) -> str:
    """Work out what would change a recommendation's choice, so that its page only reads it."""
    found = Recommendation.objects.select_related("workload").filter(pk=recommendation_id).first()
    if found is None:
        return "gone"
    return f"{len(study_of(found).turns)} turns"


@shared_task(acks_late=True)
def look_at_all(**_: Any) -> int:
    """Ask for a look at every feature that runs or was compared: once a night."""
    found = move_queries.features_to_look_at()
    for feature_id in found:
        _ask(look_at, seconds=NIGHT_SECONDS, feature_id=feature_id)
    return len(found)


@shared_task(acks_late=True)
def look_at(*, feature_id: int, **_: Any) -> str:
    """Compare one feature again, and propose what should change."""
    move = moves.look(feature_id=feature_id, now=timezone.now())
    return "proposed" if move else "stays"


@shared_task(acks_late=True)
def note_moves(**_: Any) -> int:
    """Note the moves that were taken."""
    return moves.note_taken(now=timezone.now())


def nudge_probe(probe_id: int) -> None:
    """Ask a worker to run a probe now."""
    transaction.on_commit(partial(_ask, run_probe, probe_id=probe_id))


def nudge_plan(plan_id: int) -> None:
    """Ask a worker to work out a capacity plan now."""
    transaction.on_commit(partial(_ask, plan_capacity, plan_id=plan_id))


def nudge_study(recommendation_id: int) -> None:
    """Ask a worker to study a recommendation now."""
    transaction.on_commit(partial(_ask, study, recommendation_id=recommendation_id))


def nudge(deployment: Deployment) -> None:
    """Ask a worker to look at a deployment now rather than at the next sweep."""
    for pk in operations.due_of(deployment=deployment, now=timezone.now()):
        transaction.on_commit(partial(_ask, reconcile, resource_id=pk))


def nudge_traffic(run_id: int) -> None:
    """Ask a worker to play a run now."""
    transaction.on_commit(partial(_ask, play_traffic, run_id=run_id))


def _ask(task: Task, *, seconds: int = MESSAGE_SECONDS, **arguments: Any) -> None:
    """Send a message; without a broker the sweep over rows finds the work a little later."""
    try:
        task.apply_async(kwargs=arguments, expires=seconds, retry=False)
    except OperationalError as reason:
        log.warning("No message was sent, the next sweep will do: %s", reason)
