"""Routers and gates are trained on labelled trials and kept as data; policies name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from cascade.domain.gate import learning
from cascade.domain.plain import plain
from cascade.domain.policy import Policy
from cascade.domain.replay.senses import chat_of
from cascade.domain.request import Answer, Stop
from cascade.domain.training import examples_of, train
from cascade.domain.trial import Trial
from cascade.models import Cascade, Training, Weights
from cascade.usecases import asking, policies, replays, running
from cascade.usecases.asking import Over
from portal.access import Actor, Permission, require
from portal.errors import Invalid

ROUTER, GATE = "router", "gate"
KINDS = (ROUTER, GATE)
UNJUDGED = "Nobody has judged an answer of these stages yet."


@transaction.atomic(durable=True)
def request_training(
    *, actor: Actor, cascade: Cascade, over: Over, now: datetime, kind: str = ROUTER
) -> Training:
    """Ask for a router for a policy's stages, or for a gate for their answers; a worker trains it.

    Raises NotFound to strangers, NotAllowed, Invalid, TooMany, Conflict when there is no trial.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    if kind not in KINDS:
        raise Invalid("There is no such training.", fields={"kind": f"One of {', '.join(KINDS)}."})
    policies.lock(cascade)
    over = asking.checked(cascade=cascade, over=over)
    replays.refuse_more(Training, cascade)
    body, _ = asking.policy_asked(cascade=cascade, over=over)
    made = Training.objects.create(
        cascade=cascade,
        kind=kind,
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
    trials = running.told(found, run=run)
    learn = _router if run.kind == ROUTER else _gate
    learnt = learn(run, policy, trials)
    if isinstance(learnt, str):
        running.fail(run, words=learnt, now=clock())
    else:
        _keep(run, learnt, clock())
    return run


@dataclass(frozen=True, slots=True)
class _Learnt:
    version: str
    body: bytes
    fit: dict[str, Any]


def _router(run: Training, policy: Policy, trials: Iterable[Trial]) -> _Learnt | str:
    """Return a router, or why there is none."""
    examples = examples_of(trials, models=[stage.target.model for stage in policy.stages])
    if not examples:
        return UNJUDGED
    names = [stage.name for stage in policy.stages]
    made = train(examples, stages=names, version=f"{ROUTER}-{run.pk}")
    fit = {
        "stages": list(made.router.stages),
        "fits": plain(made.fits),
        "words": [each.told for each in made.fits],
    }
    return _Learnt(made.router.version, made.router.to_bytes(), fit)


def _gate(run: Training, policy: Policy, trials: Iterable[Trial]) -> _Learnt | str:
    """Return a gate, or why there is none: its labels do not tell right from wrong yet."""
    models = {stage.target.model for stage in policy.stages}
    examples = [
        learning.Example(
            chat_of(trial),
            Answer(text=outcome.text, stop=Stop.END, tokens=outcome.tokens),
            outcome.quality,
            trial.weight,
        )
        for trial in trials
        for model, outcome in trial.outcomes.items()
        if model in models and outcome.quality is not None and outcome.text
    ]
    if not examples:
        return UNJUDGED
    made = learning.train(examples, version=f"{GATE}-{run.pk}")
    if made.scorer is None:
        return f"The rules' own weights stay in use. {made.fit.told}"
    fit = {"fits": plain([made.fit]), "words": [made.fit.told]}
    return _Learnt(made.scorer.version, made.scorer.to_bytes(), fit)


@transaction.atomic(durable=True)
def _keep(run: Training, made: _Learnt, now: datetime) -> None:
    """Keep the weights with the end of their training: both, and once."""
    if running.end(run, result=made.fit | {"version": made.version}, now=now):
        Weights.objects.create(
            cascade=run.cascade,
            kind=run.kind,
            version=made.version,
            body=made.body,
            fit=made.fit,
            trained_at=now,
            trained_by=run.made_by,
        )
