"""Capacity plans and load tests, as a person may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.db.models import QuerySet

from deployments.adapters import serving
from deployments.domain.endpoint_point import BadEndpoint, Played, point_from
from deployments.domain.plan_input import Known
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import CapacityPlan, Configuration
from deployments.domain.point_input import KnownParts
from deployments.domain.records import from_json, option_from_json, workload_from_json
from deployments.models import CapacityPlan as PlanRow
from deployments.models import Deployment, TrafficRun, WorkloadRow
from deployments.models import LoadPoint as PointRow
from deployments.queries.traffic import deployment_for
from portal.access import Actor, Permission
from portal.errors import Conflict, Invalid, NotFound
from portal.models import Feature, Team
from portal.queries import teams

MOST_LOOKED_AT = 50


class NotPlannedYet(Conflict):
    """The plan was asked for and is being worked out."""

    code = "not-planned-yet"


@cache
def known() -> Known:
    """Return what a request for a plan may name."""
    facts = serving.load()
    return Known(
        architectures=facts.architecture,
        instance_types=frozenset(each.instance_type for each in facts.machines),
        precisions=frozenset(facts.precision),
        engines=frozenset(facts.engine),
    )


@cache
def known_parts() -> KnownParts:
    """Return what a load-test point may name."""
    facts = serving.load()
    return KnownParts(
        accelerators=frozenset(facts.accelerator),
        precisions=frozenset(facts.precision),
        engines=frozenset(facts.engine),
    )


def plans(*, actor: Actor, feature: Feature | None = None) -> QuerySet[PlanRow]:
    """Return the plans the actor may see, newest first."""
    found = PlanRow.objects.select_related("team", "feature")
    if not actor.sees_everything:
        found = found.filter(team_id__in=list(actor.team_roles))
    return found.filter(feature=feature) if feature is not None else found


def plan_for(*, actor: Actor, pk: int) -> PlanRow:
    """Return one plan. Raises NotFound."""
    found = plans(actor=actor).filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise NotFound(f"There is no capacity plan {pk} that you can see.")
    return found


def points(*, actor: Actor) -> QuerySet[PointRow]:
    """Return the load tests the actor may see, newest first."""
    found = PointRow.objects.select_related("team")
    return found if actor.sees_everything else found.filter(team_id__in=list(actor.team_roles))


def plan_of(row: PlanRow) -> CapacityPlan:
    """Return the plan a row keeps. Raises NotPlannedYet while it is being worked out."""
    if not row.body:
        raise NotPlannedYet(f"Plan {row.pk} is still being worked out: ask again in a few seconds.")
    return from_json(CapacityPlan, row.body)


def request_of(row: PlanRow) -> PlanRequest:
    """Return what a plan was asked for."""
    return from_json(PlanRequest, row.request)


def point_of(row: PointRow) -> LoadPoint:
    """Return the load test a row keeps."""
    return from_json(LoadPoint, row.body)


def points_of(*, team: Team, architecture: str) -> Sequence[PointRow]:
    """Return a team's load tests of a model, newest first."""
    found = PointRow.objects.filter(team=team, body__architecture=architecture)
    return list(found[:MOST_LOOKED_AT])


def points_since(row: PlanRow) -> Sequence[PointRow]:
    """Return the load tests of the plan's model that were entered after it was made."""
    name = row.request["architecture"]["name"]
    return [
        each
        for each in points_of(team=row.team, architecture=name)
        if each.created_at > row.created_at
    ]


def configurations(plan: CapacityPlan) -> tuple[Configuration, ...]:
    """Return a plan's finalists, and the nearest that holds where none does."""
    more = (plan.nearest_pick,) if plan.nearest_pick else ()
    known_keys = {each.key for each in plan.finalists}
    return (*plan.finalists, *(each for each in more if each.key not in known_keys))


def is_of(configuration: Configuration, point: LoadPoint) -> bool:
    """Say whether a configuration is the one that was measured."""
    mine = (
        configuration.gpu,
        configuration.tensor_parallel,
        configuration.pipeline_parallel,
        configuration.precision,
    )
    return mine == (
        point.accelerator,
        point.tensor_parallel,
        point.pipeline_parallel,
        point.precision,
    )


def recalibrated_by(*, team: Team, point: LoadPoint) -> Sequence[PlanRow]:
    """Return the newest plan of each request that has the point's configuration, newest first."""
    newest: dict[str, PlanRow] = {}
    rows = (
        PlanRow.objects.select_related("team", "feature")
        .filter(
            team=team,
            request__architecture__name=point.architecture,
            request__engine=point.engine,
        )
        .exclude(body={})
    )
    for row in rows[:MOST_LOOKED_AT]:
        newest.setdefault(repr((row.feature_id, sorted(row.request.items()))), row)
    return [
        row
        for row in newest.values()
        if any(is_of(each, point) for each in configurations(plan_of(row)))
    ]


def planning_teams(*, actor: Actor) -> Sequence[Team]:
    """Return the teams for which the actor may plan."""
    return [team for team in teams(actor=actor) if actor.may(Permission.ADVISE, team_id=team.pk)]


def endpoints_of(row: PlanRow) -> Sequence[Deployment]:
    """Return the team's endpoints through which traffic was played to its end."""
    measured = TrafficRun.objects.filter(ended_at__isnull=False, answered__gt=0)
    return list(
        Deployment.objects.filter(
            feature__team_id=row.team_id,
            current__tier="sagemaker-real-time",
            traffic_runs__in=measured,
        ).distinct()[:MOST_LOOKED_AT]
    )


def endpoint_point(
    *, actor: Actor, row: PlanRow, configuration: str, deployment: str, now: datetime
) -> LoadPoint:
    """Return what the newest traffic through an endpoint measured, as a point of a configuration.

    Raises NotFound for what the actor cannot see, Invalid when it cannot be taken.
    """
    found = deployment_for(actor=actor, slug=deployment)
    if found.feature.team_id != row.team_id:
        raise NotFound(f"There is no deployment {deployment!r} of this team.")
    chosen = next((c for c in configurations(plan_of(row)) if c.key == configuration), None)
    if chosen is None:
        said = "Choose one of the plan's finalists."
        raise Invalid("The endpoint was not taken.", fields={"configuration": said})
    run = found.traffic_runs.filter(ended_at__isnull=False, answered__gt=0).first()
    newest = WorkloadRow.objects.filter(feature=found.feature).order_by("-version").first()
    if run is None or newest is None or found.current is None:
        said = f"No traffic was played through {found.slug} yet; play some first."
        raise Invalid("The endpoint was not taken.", fields={"deployment": said})
    try:
        return point_from(
            option=option_from_json(found.current.option),
            workload=workload_from_json(newest.body),
            played=_played(run),
            configuration=chosen,
            request=request_of(row),
            source=f"traffic run {run.pk} through {found.slug}",
            today=now.date(),
        )
    except BadEndpoint as reason:
        raise Invalid("The endpoint was not taken.", fields={"deployment": str(reason)}) from reason


def _played(run: TrafficRun) -> Played:
    began, ended = run.started_at, run.ended_at
    seconds = (ended - began).total_seconds() if began and ended else 0.0
    return Played(answered=run.answered, seconds=seconds, latency_ms=run.latency_ms)
