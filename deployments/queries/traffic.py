"""What a page or a client may ask about traffic runs."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.domain.lifecycle import State
from deployments.models import Deployment, TrafficRun
from portal import aws
from portal.access import Actor, Permission
from portal.errors import NotFound


def deployment_for(*, actor: Actor, slug: str) -> Deployment:
    """Return a deployment the actor may see. Raises NotFound."""
    found = (
        Deployment.objects.visible_to(actor)
        .select_related("feature__team", "current")
        .filter(slug=slug)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no deployment {slug!r} that you can see.")
    return found


def runs(*, deployment: Deployment, limit: int) -> Sequence[TrafficRun]:
    """Return a deployment's newest runs."""
    return list(deployment.traffic_runs.all()[:limit])


def visible_runs(*, actor: Actor):
    """Return the runs of every deployment the actor may see, as a queryset."""
    return TrafficRun.objects.filter(
        deployment__in=Deployment.objects.visible_to(actor)
    ).select_related("deployment")


def run_for(*, actor: Actor, run_id: int) -> TrafficRun:
    """Return a run the actor may see. Raises NotFound."""
    found = visible_runs(actor=actor).select_related("deployment__feature").filter(pk=run_id)
    run = found.first()
    if run is None:
        raise NotFound(f"There is no traffic run {run_id} that you can see.")
    return run


def may_play(*, actor: Actor, deployment: Deployment) -> bool:
    """Say whether the page should offer to play traffic."""
    return (
        aws.is_sandbox()
        and deployment.state == State.READY
        and actor.may(Permission.PLAY_TRAFFIC, team_id=deployment.feature.team_id)
    )
