"""Which policy answers: a canary for a share of the requests, live for all, or back again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cascade.models import Cascade, PolicyVersion, Rollout
from cascade.queries.cascades import Standing, policy_for, standing_of
from cascade.usecases import policies, snapshots
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid

LEAST_SHARE, MOST_SHARE = 0.001, 0.9


class NotLive(Conflict):
    """No policy of the cascade answers yet."""

    code = "not-live"


class NoCanary(Conflict):
    """There is no canary, or the canary is another policy."""

    code = "no-canary"


class AnswersAlready(Conflict):
    """The policy answers already."""

    code = "answers-already"


@transaction.atomic(durable=True)
def start_canary(
    *, actor: Actor, cascade: Cascade, number: int, share: float, now: datetime, why: str = ""
) -> Rollout:
    """Let a policy answer a share of the requests, in place of any canary there is.

    Raises NotFound, NotAllowed, Retired, Invalid for a share out of range, NotLive, AnswersAlready.
    """
    standing = _begin(actor, cascade, why)
    if not LEAST_SHARE <= share <= MOST_SHARE:
        words = f"A canary answers {LEAST_SHARE:.1%} to {MOST_SHARE:.0%} of the requests."
        raise Invalid("The canary cannot be started like this.", fields={"share": words})
    if standing is None:
        raise NotLive("Nothing is live yet; let the first policy go live.")
    policy = policy_for(cascade=cascade, number=number)
    if policy.pk == standing.live.pk:
        raise AnswersAlready(f"Policy {number} answers every request already.")
    did = f"gave policy {number} {share:.1%} of the requests of"
    return _roll(actor, cascade, "canary", standing.live, (policy, share), why, did, now)


@transaction.atomic(durable=True)
def stop_canary(*, actor: Actor, cascade: Cascade, now: datetime, why: str = "") -> Rollout:
    """Let the live policy answer everything again. Raises NotFound, NotAllowed, NoCanary."""
    standing = _begin(actor, cascade, why)
    if standing is None or standing.canary is None:
        raise NoCanary(f"{cascade.slug} has no canary.")
    did = f"stopped the canary {standing.canary.number} of"
    return _roll(actor, cascade, "live", standing.live, None, why, did, now)


@transaction.atomic(durable=True)
def go_live(
    *, actor: Actor, cascade: Cascade, number: int, now: datetime, why: str = ""
) -> Rollout:
    """Let a policy answer every request: the canary, or the first one when nothing is live.

    Raises NotFound, NotAllowed, Retired, NoCanary, AnswersAlready.
    """
    standing = _begin(actor, cascade, why)
    policy = policy_for(cascade=cascade, number=number)
    if standing is not None and policy.pk == standing.live.pk:
        raise AnswersAlready(f"Policy {number} answers every request already.")
    is_canary = standing is not None and standing.canary_share and standing.canary == policy
    if standing is not None and not is_canary:
        raise NoCanary(f"Policy {number} is no canary: give it a share of the requests first.")
    return _roll(actor, cascade, "live", policy, None, why, f"let policy {number} answer for", now)


@transaction.atomic(durable=True)
def roll_back(
    *, actor: Actor, cascade: Cascade, number: int, now: datetime, why: str = ""
) -> Rollout:
    """Let a policy that was live before answer every request again; any canary ends.

    Raises NotFound, NotAllowed, Retired, NotLive, AnswersAlready, Conflict for one never live.
    """
    standing = _begin(actor, cascade, why)
    policy = policy_for(cascade=cascade, number=number)
    if standing is None:
        raise NotLive("Nothing is live yet, so there is nothing to go back from.")
    if policy.pk == standing.live.pk and standing.canary is None:
        raise AnswersAlready(f"Policy {number} answers every request already.")
    if not Rollout.objects.filter(cascade=cascade, live=policy).exists():
        raise Conflict(f"Policy {number} was never live; start it as a canary.")
    did = f"went back to policy {number} of"
    return _roll(actor, cascade, "rollback", policy, None, why, did, now)


def roll_out(
    *, actor: Actor, cascade: Cascade, policy: PolicyVersion, step: str, why: str, now: datetime
) -> Rollout:
    """Let a policy answer every request, inside the caller's transaction and authority."""
    did = f"let policy {policy.number} answer for"
    return _roll(actor, cascade, step, policy, None, why, did, now)


def _begin(actor: Actor, cascade: Cascade, why: str) -> Standing | None:
    require(actor, Permission.PROMOTE_POLICY, team_id=cascade.feature.team_id)
    policies.refuse_retired(cascade)
    policies.check_note(why)
    policies.lock(cascade)
    return standing_of(cascade=cascade)


def _roll(
    actor: Actor,
    cascade: Cascade,
    step: str,
    live: PolicyVersion,
    canary: tuple[PolicyVersion, float] | None,
    why: str,
    did: str,
    now: datetime,
) -> Rollout:
    made = Rollout.objects.create(
        cascade=cascade,
        step=step,
        live=live,
        canary=canary[0] if canary else None,
        canary_share=canary[1] if canary else 0,
        why=why,
        by=actor.name[:200],
        at=now,
    )
    policies.record(actor, cascade, "roll-out", did, now)
    snapshots.publish_after_commit(now=now)
    return made
