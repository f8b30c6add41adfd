"""Calibrations: thresholds that keep a promised quality, found on labelled trials, then applied."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from cascade.domain.calibration.choosing import Target, calibrate
from cascade.domain.calibration.paths import without
from cascade.domain.plain import plain
from cascade.domain.policy import Policy
from cascade.domain.replay.ground import Incomplete
from cascade.models import Calibration, Cascade, Draft
from cascade.usecases import asking, policies, replays, running, senses
from cascade.usecases.asking import Over
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid

LEAST_QUALITY, LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.5, 0.999


class NothingToApply(Conflict):
    """The calibration is not over, failed, or found no thresholds that keep its promise."""

    code = "nothing-to-apply"


@transaction.atomic(durable=True)
def request_calibration(
    *, actor: Actor, cascade: Cascade, target: Target, over: Over, now: datetime
) -> Calibration:
    """Ask for thresholds that keep `target`; a worker seeks them.

    Raises NotFound to strangers, NotAllowed, Invalid, TooMany, Conflict.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    policies.lock(cascade)
    over = asking.checked(cascade=cascade, over=over)
    _check(target)
    replays.refuse_more(Calibration, cascade)
    body, digest = asking.policy_asked(cascade=cascade, over=over)
    made = Calibration.objects.create(
        cascade=cascade,
        body=body,
        digest=digest,
        request=asking.as_json(over) | {"target": plain(target)},
        total=replays.trials_of(cascade=cascade, over=over, now=now),
        made_at=now,
        made_by=actor.name[:200],
    )
    policies.record(actor, cascade, "calibrate", f"asked for calibration {made.pk} of", now)
    return made


def _check(target: Target) -> None:
    fields = {}
    if not LEAST_QUALITY <= target.quality <= 1:
        fields["quality"] = f"A target is {LEAST_QUALITY:.0%} to 100% of the strongest's quality."
    if not LEAST_CONFIDENCE <= target.confidence <= MOST_CONFIDENCE:
        fields["confidence"] = (
            f"A confidence lies between {LEAST_CONFIDENCE:.0%} and {MOST_CONFIDENCE:.1%}."
        )
    if target.ahead is not None and not 1 <= target.ahead <= 10**9:
        fields["ahead"] = "This is how many requests the promise is about, 1 or more."
    if fields:
        raise Invalid("The calibration cannot be made like this.", fields=fields)


def run_calibration(*, calibration_id: int, clock: Callable[[], datetime]) -> Calibration | None:
    """Do a calibration that waits; None when it is over or somebody does it."""
    run = running.claim(Calibration, pk=calibration_id, now=clock())
    if run is None:
        return None
    over, policy = asking.from_json(run.request), asking.policy_of(run.body)
    found = replays.samples_of(cascade=run.cascade, over=over, now=run.made_at)
    try:
        made = calibrate(
            policy,
            tuple(running.told(found, run=run)),
            prices=asking.prices_asked(over=over, policy=policy, now=run.made_at),
            target=Target(**run.request["target"]),
            families=_families(policy),
            senses=senses.senses_of(cascade=run.cascade, policy=policy),
        )
    except Incomplete as reason:
        running.fail(run, words=str(reason), now=clock())
        return run
    result = plain(made) | {"feasibility_words": made.feasibility.words}
    if made.policy is not None:
        result["policy"], result["digest"] = asking.normal(made.policy)
    running.end(run, result=result, now=clock())
    return run


def _families(policy: Policy) -> tuple[Policy, ...]:
    """Return the policy without each of its middle stages, which may not be worth their calls."""
    steps = {step.highest for step in policy.step_down}
    middle = range(1, len(policy.stages) - 1)
    return tuple(without(policy, at) for at in middle if policy.stages[at].name not in steps)


@transaction.atomic(durable=True)
def apply_calibration(*, actor: Actor, calibration: Calibration, now: datetime) -> Draft:
    """Make the thresholds that were found the cascade's draft, with the reason as its note.

    Raises NotFound to strangers, NotAllowed, Retired, NothingToApply.
    """
    cascade = calibration.cascade
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    policies.refuse_retired(cascade)
    policies.lock(cascade)
    result = calibration.result or {}
    if not result.get("policy"):
        why = result.get("words") or calibration.words or "It is not over yet."
        raise NothingToApply(f"There are no thresholds to take over. {why}")
    row = policies.keep_draft(
        cascade=cascade,
        body=result["policy"],
        digest=result["digest"],
        actor=actor,
        note=f"Calibration {calibration.pk}: {result['words']}",
        now=now,
    )
    Calibration.objects.filter(pk=calibration.pk).update(applied_at=now)
    policies.record(
        actor, cascade, "apply-calibration", f"took calibration {calibration.pk} for", now
    )
    return row
