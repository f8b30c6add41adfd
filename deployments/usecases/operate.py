"""What a person may do to a deployment that exists: resize, retire, retry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.domain.money import in_words
from billing.usecases import reservations
from deployments.domain.blueprint import blueprint
from deployments.domain.blueprint.spec import in_place
from deployments.domain.lifecycle import Phase, State
from deployments.domain.meters import with_past
from deployments.domain.options import Option
from deployments.domain.sizing import BadSize, change_in_words, resized
from deployments.models import Deployment, Generation, Resource, TrafficRun
from deployments.reconciler import standing
from deployments.reconciler.settling import FAILED_IN_AWS
from deployments.usecases import wishes
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.usecases import audit


@transaction.atomic(durable=True)
def resize(
    *, actor: Actor, deployment: Deployment, size: Mapping[str, int], now: datetime
) -> Generation:
    """Wish for another size: in place where AWS can, else a new generation beside the old one.

    The old one serves until the new one is ready. The expected cost scales with the size; the
    larger of old and new is held until nothing of the old is left, and both where the old is
    committed: it cannot end before its term does.
    Raises NotFound, NotAllowed, Invalid for a size out of bounds, Conflict when the deployment is
    on its way out or the size is as it is, OverBudget.
    """
    require(actor, Permission.OPERATE, team_id=deployment.feature.team_id)
    deployment = _locked(deployment)
    if not deployment.is_wanted:
        raise Conflict(f"{deployment.slug} is being retired; launch a new one instead.")
    old = deployment.generations.order_by("-number")[0]
    before = wishes.option_of(old)
    after = _resized(before, size)
    if after.size == before.size:
        raise Conflict(f"{deployment.slug} has this size already.")
    reservations.reserve(
        feature=deployment.feature,
        deployment=deployment.slug,
        monthly_usd=_to_hold(deployment, before, after),
        now=now,
    )
    generation = wishes.add_generation(
        deployment=deployment,
        option=after,
        recommendation=old.recommendation,
        actor=actor,
        now=now,
    )
    is_in_place = _take_over(old, generation, after, now)
    if is_in_place:
        deployment.refresh_from_db(fields=["current"])
    else:
        wishes.add_resources(generation=generation, option=after, now=now)
    how = "in place" if is_in_place else "by a new generation beside the old one"
    changes = change_in_words(before.size, after.size)
    sentence = (
        f"{actor.name} resized {deployment.slug} {how}: {changes}; "
        f"{in_words(wishes.monthly_usd(after))} a month expected."
    )
    _record(actor, deployment, generation, verb="resize", sentence=sentence, now=now)
    standing.derive(deployment=deployment, now=now)
    return generation


def _to_hold(deployment: Deployment, before: Option, after: Option) -> Decimal:
    """Return the USD a month to hold: what was committed is owed beside what is bought anew."""
    held, wished = reservations.held_usd(deployment=deployment.slug), wishes.monthly_usd(after)
    return held + wished if before.commitment_months else max(held, wished)


def _resized(option: Option, size: Mapping[str, int]) -> Option:
    try:
        return resized(option=option, size=size)
    except BadSize as bad:
        raise Invalid("The size cannot be taken as it is.", fields=bad.fields) from bad


def _take_over(old: Generation, new: Generation, option: Option, now: datetime) -> bool:
    """Let the new generation have the old one's resources where AWS can change them in place."""
    resources = list(old.resources.order_by("position"))
    if not resources or any(each.phase == Phase.FAILED for each in resources):
        return False
    names = wishes.names_in_use(deployment=old.deployment, resources=resources)
    wanted = wishes.with_tags_of(blueprint(option=option, names=names), resources)
    if not in_place(wishes.as_specs(resources), wanted):
        return False
    for row, spec in zip(resources, wanted, strict=True):
        changed: dict[str, Any] = {"generation": new, "spec": dict(spec.spec)}
        if row.spec != spec.spec:
            changed |= {
                "wake_at": now,
                "phase": Phase.UPDATING if row.phase == Phase.READY else row.phase,
                "past_specs": with_past(row.past_specs, row.spec),
            }
        Resource.objects.filter(pk=row.pk).update(**changed)
    old.is_wanted = False
    old.save(update_fields=["is_wanted"])
    if old.deployment.current_id == old.pk:
        Deployment.objects.filter(pk=old.deployment_id).update(current=new)
    return True


@transaction.atomic(durable=True)
def retire(*, actor: Actor, deployment: Deployment, now: datetime) -> Deployment:
    """Stop wanting a deployment; the reconciler takes everything of it down, last made first.

    Its money stays held until all of it is gone. Retiring twice is no error. Raises NotFound,
    NotAllowed.
    """
    require(actor, Permission.OPERATE, team_id=deployment.feature.team_id)
    deployment = _locked(deployment)
    if not deployment.is_wanted:
        return deployment
    deployment.is_wanted = False
    deployment.save(update_fields=["is_wanted"])
    deployment.generations.update(is_wanted=False)
    rows = Resource.objects.filter(generation__deployment=deployment).exclude(phase=Phase.GONE)
    rows.update(is_wanted=False, wake_at=now)
    TrafficRun.objects.filter(deployment=deployment, ended_at=None).update(stop_requested=True)
    sentence = f"{actor.name} retired {deployment.slug}."
    _record(actor, deployment, deployment.current, verb="retire", sentence=sentence, now=now)
    standing.derive(deployment=deployment, now=now)
    return deployment


@transaction.atomic(durable=True)
def retry(*, actor: Actor, deployment: Deployment, now: datetime) -> Deployment:
    """Try again what AWS refused, or what failed in AWS by a new generation beside it.

    Raises NotFound, NotAllowed, Conflict when nothing has failed.
    """
    require(actor, Permission.OPERATE, team_id=deployment.feature.team_id)
    deployment = _locked(deployment)
    stuck = Resource.objects.filter(generation__deployment=deployment).exclude(code="")
    stuck = stuck.exclude(phase=Phase.GONE)
    if not stuck.exists():
        raise Conflict(f"Nothing of {deployment.slug} waits for a person.")
    newest = deployment.generations.order_by("-number")[0]
    failed_in_aws = newest.resources.filter(phase=Phase.FAILED, code=FAILED_IN_AWS)
    sentence = f"{actor.name} retried {deployment.slug}."
    if deployment.is_wanted and failed_in_aws.exists():
        option = wishes.option_of(newest)
        generation = wishes.add_generation(
            deployment=deployment,
            option=option,
            recommendation=newest.recommendation,
            actor=actor,
            now=now,
        )
        wishes.add_resources(generation=generation, option=option, now=now)
    else:
        generation = newest
        refused = stuck.filter(phase=Phase.FAILED, is_wanted=True)
        refused.filter(seen_at=None).update(phase=Phase.PENDING)
        refused.filter(seen_at__isnull=False, ready_at=None).update(phase=Phase.CREATING)
        refused.filter(ready_at__isnull=False).update(phase=Phase.UPDATING)
        stuck.update(code="", detail="", attempts=0, absences=0, wake_at=now)
    _record(actor, deployment, generation, verb="retry", sentence=sentence, now=now)
    standing.derive(deployment=deployment, now=now)
    return deployment


def _locked(deployment: Deployment) -> Deployment:
    return (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("feature__team", "current")
        .get(pk=deployment.pk)
    )


def _record(
    actor: Actor,
    deployment: Deployment,
    generation: Generation | None,
    *,
    verb: str,
    sentence: str,
    now: datetime,
) -> None:
    wishes.tell(
        deployment=deployment,
        generation=generation,
        kind={"resize": "resized", "retire": "retiring", "retry": "retried"}[verb],
        meaning=sentence,
        now=now,
    )
    audit.record(
        actor=actor,
        verb=verb,
        subject=f"deployment:{deployment.slug}",
        sentence=sentence,
        team=deployment.feature.team,
        detail={"feature": deployment.feature.slug, "state": State(deployment.state).value},
        now=now,
    )
