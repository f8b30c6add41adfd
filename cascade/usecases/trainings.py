"""Routers are trained on labelled trials and kept as data; a policy takes one by its version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from cascade.domain.plain import plain
from cascade.domain.training import Trained, examples_of, train
from cascade.models import Cascade, Training, Weights
from cascade.usecases import asking, policies, replays, running
from cascade.usecases.asking import Over
from portal.access import Actor, Permission, require

ROUTER = "router"


@transaction.atomic(durable=True)
def request_training(*, actor: Actor, cascade: Cascade, over: Over, now: datetime) -> Training:
    """Ask for a router for a policy's stages; a worker trains it.

    Raises NotFound to strangers, NotAllowed, Invalid, TooMany, Conflict when there is no trial.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    policies.lock(cascade)
    over = asking.checked(cascade=cascade, over=over)
    replays.refuse_more(Training, cascade)
    body, _ = asking.policy_asked(cascade=cascade, number=over.policy)
    made = Training.objects.create(
        cascade=cascade,
        kind=ROUTER,
        body=body,
        request=asking.as_json(over),
        total=replays.trials_of(cascade=cascade, over=over, now=now),
        made_at=now,
        made_by=actor.name[:200],
    )
    policies.record(actor, cascade, "train", f"asked for training {made.pk} of", now)
    return made


def run_training(*, training_id: int, clock: Callable[[], datetime]) -> Training | None:
    """Train what waits; None when it is over or somebody trains it."""
    run = running.claim(Training, pk=training_id, now=clock())
    if run is None:
        return None
    policy = asking.policy_of(run.body)
    found = replays.samples_of(
        cascade=run.cascade, over=asking.from_json(run.request), now=run.made_at
    )
    examples = examples_of(
        running.told(found, run=run), models=[stage.target.model for stage in policy.stages]
    )
    if not examples:
        running.fail(run, words="Nobody has judged an answer of these stages yet.", now=clock())
        return run
    names = [stage.name for stage in policy.stages]
    made = train(examples, stages=names, version=f"{ROUTER}-{run.pk}")
    _keep(run, made, clock())
    return run


@transaction.atomic(durable=True)
def _keep(run: Training, made: Trained, now: datetime) -> None:
    """Keep the weights with the end of their training: both, and once."""
    fit = {
        "stages": list(made.router.stages),
        "fits": plain(made.fits),
        "words": [each.told for each in made.fits],
    }
    if running.end(run, result=fit | {"version": made.router.version}, now=now):
        Weights.objects.create(
            cascade=run.cascade,
            kind=run.kind,
            version=made.router.version,
            body=made.router.to_bytes(),
            fit=fit,
            trained_at=now,
            trained_by=run.made_by,
        )
