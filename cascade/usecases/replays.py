"""Replays: a policy walked over logged or uploaded trials before it answers anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from cascade.domain.plain import plain
from cascade.domain.replay.ground import Incomplete
from cascade.domain.replay.replaying import replay
from cascade.models import Cascade, Replay, Upload
from cascade.queries import evidence
from cascade.usecases import asking, policies, running, senses
from cascade.usecases.asking import Over
from portal.access import Actor, Permission, require
from portal.errors import Conflict

MOST_WAITING = 5


class TooMany(Conflict):
    """Enough runs wait already."""

    code = "too-many"


@transaction.atomic(durable=True)
def request_replay(*, actor: Actor, cascade: Cascade, over: Over, now: datetime) -> Replay:
    """Ask for a replay; a worker does it.

    Raises NotFound to strangers, NotAllowed, Invalid, TooMany, Conflict when nothing can be walked.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    policies.lock(cascade)
    over = asking.checked(cascade=cascade, over=over)
    refuse_more(Replay, cascade)
    body, digest = asking.policy_asked(cascade=cascade, over=over)
    made = Replay.objects.create(
        cascade=cascade,
        body=body,
        digest=digest,
        request=asking.as_json(over),
        total=trials_of(cascade=cascade, over=over, now=now),
        made_at=now,
        made_by=actor.name[:200],
    )
    policies.record(actor, cascade, "replay", f"asked for replay {made.pk} of", now)
    return made


def refuse_more(model: type[running.Row], cascade: Cascade) -> None:
    """Refuse another run while enough of them wait. Raises TooMany."""
    if model._default_manager.filter(cascade=cascade, ended_at=None).count() >= MOST_WAITING:
        raise TooMany(f"{MOST_WAITING} of them wait already; let one end first.")


def trials_of(*, cascade: Cascade, over: Over, now: datetime) -> int:
    """Return how many trials there are. Raises Conflict when there is none."""
    if over.upload is not None:
        return Upload.objects.values_list("trials", flat=True).get(pk=over.upload)
    found = evidence.logged_count(cascade=cascade, now=now, days=over.days)
    if not found:
        raise Conflict(
            f"{cascade.slug} answered nothing in the last {over.days} days; upload trials instead."
        )
    return found


def samples_of(*, cascade: Cascade, over: Over, now: datetime) -> evidence.Samples:
    """Return the trials asked for, as of a moment."""
    if over.upload is not None:
        return evidence.uploaded(upload=Upload.objects.get(pk=over.upload))
    return evidence.logged(cascade=cascade, now=now, days=over.days)


def run_replay(*, replay_id: int, clock: Callable[[], datetime]) -> Replay | None:
    """Do a replay that waits; None when it is over or somebody does it."""
    run = running.claim(Replay, pk=replay_id, now=clock())
    if run is None:
        return None
    over, policy = asking.from_json(run.request), asking.policy_of(run.body)
    found = samples_of(cascade=run.cascade, over=over, now=run.made_at)
    try:
        figures = replay(
            policy,
            running.told(found, run=run),
            prices=asking.prices_asked(over=over, policy=policy, now=run.made_at),
            senses=senses.senses_of(cascade=run.cascade, policy=policy),
            budget_share=over.budget_share,
            supposes=over.upload is None,
        )
    except Incomplete as reason:
        running.fail(run, words=str(reason), now=clock())
        return run
    running.end(run, result=plain(figures), now=clock())
    return run
