"""Plan how to host a language model, and take measured load tests that make plans better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.domain.prices import PriceBook
from billing.queries.prices import price_book
from deployments.adapters import serving
from deployments.domain import plan_input, point_input
from deployments.domain.planner.plan import plan
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import CapacityPlan
from deployments.domain.records import from_json, to_json
from deployments.models import CapacityPlan as PlanRow
from deployments.models import LoadPoint as PointRow
from deployments.queries import capacity as queries
from portal.access import Actor, Permission, require
from portal.errors import Invalid
from portal.models import Feature, Team
from portal.usecases import audit

ENTERED = "entered"
Planner = Callable[..., PlanRow]
UNTIL_LOST = timedelta(seconds=60)  # a worker takes seconds; then the message is repeated
LONGEST_WAIT = timedelta(hours=1)
MOST_REPLANNED = 3  # each takes the time of a plan; the others say that they are out of date


def read_request(*, given: Mapping[str, Any], now: datetime) -> PlanRequest:
    """Return the request a person or a program wrote.

    Raises Invalid with a sentence for each input that is missing, unknown or cannot be.
    """
    try:
        return plan_input.read(given, known=queries.known(), today=now.date())
    except plan_input.Unreadable as reason:
        raise Invalid("The plan cannot be asked for like this.", fields=reason.fields) from reason


def read_point(*, given: Mapping[str, Any], now: datetime) -> LoadPoint:
    """Return the load-test point that was written. Raises Invalid like `read_request`."""
    try:
        return point_input.read(given, known=queries.known_parts(), today=now.date())
    except plan_input.Unreadable as reason:
        raise Invalid("The load test cannot be taken.", fields=reason.fields) from reason


def plan_capacity(
    *, actor: Actor, team: Team, request: PlanRequest, now: datetime, feature: Feature | None = None
) -> PlanRow:
    """Plan the capacity at today's prices, with the team's load tests, and keep the answer.

    Raises NotFound to strangers, NotAllowed to those who may only look, Invalid for a feature of
    another team.
    """
    _check(actor, team, feature)
    prices, found = _planned(team, request, now)
    return _keep(
        actor=actor,
        team=team,
        feature=feature,
        row=PlanRow(
            team=team,
            feature=feature,
            created_at=now,
            created_by=actor.name[:200],
            prices_as_of=prices.as_of,
            request=to_json(request),
            body=to_json(found),
        ),
        now=now,
    )


@transaction.atomic(durable=True)
def ask_for_plan(
    *, actor: Actor, team: Team, request: PlanRequest, now: datetime, feature: Feature | None = None
) -> PlanRow:
    """Keep what is asked for, without its plan: `work_out` is to be called, which takes seconds.

    Raises as `plan_capacity`.
    """
    _check(actor, team, feature)
    row = PlanRow.objects.create(
        team=team,
        feature=feature,
        created_at=now,
        created_by=actor.name[:200],
        prices_as_of=price_book(region=request.region, now=now).as_of,
        request=to_json(request),
        body={},
    )
    audit.record(
        actor=actor,
        verb="plan-capacity",
        subject=f"feature:{feature.slug}" if feature else f"team:{team.slug}",
        sentence=f"{actor.name} asked for the capacity for {request.architecture.name}.",
        team=team,
        detail={"capacity_plan": row.pk},
        now=now,
    )
    return row


def work_out(*, plan_id: int, now: datetime) -> bool:
    """Work out a plan that was only asked for; False when there is none, or it was done before."""
    row = PlanRow.objects.select_related("team").filter(pk=plan_id, body={}).first()
    if row is None:
        return False
    prices, found = _planned(row.team, queries.request_of(row), now)
    asked = PlanRow.objects.filter(pk=plan_id, body={})
    return bool(asked.update(body=to_json(found), prices_as_of=prices.as_of))


def waiting(*, now: datetime) -> list[int]:
    """Return plans that were asked for and that no worker has worked out in time."""
    span = (now - LONGEST_WAIT, now - UNTIL_LOST)
    found = PlanRow.objects.filter(body={}, created_at__range=span)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _check(actor: Actor, team: Team, feature: Feature | None) -> None:
    require(actor, Permission.ADVISE, team_id=team.pk)
    if feature is not None and feature.team_id != team.pk:
        said = f"{feature.name} belongs to another team."
        raise Invalid("The plan cannot be kept.", fields={"feature": said})


def _planned(team: Team, request: PlanRequest, now: datetime) -> tuple[PriceBook, CapacityPlan]:
    points = queries.points_of(team=team, architecture=request.architecture.name)
    prices = price_book(region=request.region, now=now)
    found = plan(
        request=request,
        facts=serving.load(),
        prices=prices,
        load_points=tuple(queries.point_of(row) for row in points),
    )
    return prices, found


@transaction.atomic(durable=True)
def _keep(
    *, actor: Actor, team: Team, feature: Feature | None, row: PlanRow, now: datetime
) -> PlanRow:
    row.save(force_insert=True)
    pick = queries.plan_of(row).pick
    audit.record(
        actor=actor,
        verb="plan-capacity",
        subject=f"feature:{feature.slug}" if feature else f"team:{team.slug}",
        sentence=f"{actor.name} planned the capacity for {row.request['architecture']['name']}: "
        f"{_in_words(pick)}.",
        team=team,
        detail={"capacity_plan": row.pk},
        now=now,
    )
    return row


def _in_words(pick: Any) -> str:
    if pick is None:
        return "nothing holds every wish"
    return f"{pick.instances} x {pick.instance_type} at {pick.precision}"


@transaction.atomic(durable=True)
def _keep_point(
    *, actor: Actor, team: Team, point: LoadPoint, origin: str, now: datetime
) -> PointRow:
    row = PointRow.objects.create(
        team=team,
        configuration=point_input.configuration(point),
        measured_at=now,
        origin=origin[:20],
        body=to_json(point),
        created_at=now,
        created_by=actor.name[:200],
    )
    audit.record(
        actor=actor,
        verb="enter-load-point",
        subject=f"team:{team.slug}",
        sentence=f"{actor.name} entered a load test of {row.configuration}.",
        team=team,
        detail={"load_point": row.pk},
        now=now,
    )
    return row


def enter_load_point(
    *,
    actor: Actor,
    team: Team,
    point: LoadPoint,
    now: datetime,
    origin: str = ENTERED,
    again: Planner = plan_capacity,
) -> tuple[PointRow, tuple[PlanRow, ...]]:
    """Keep a measured point and plan anew what it recalibrates: the team's newest such plans.

    A plan is recalibrated when one of its finalists is the point's configuration. `origin` says
    where the figures are from: entered, or the endpoint's deployment. `again` is `plan_capacity`,
    or `ask_for_plan` where nobody is to wait.
    Raises NotFound to strangers, NotAllowed to those who may only look.
    """
    require(actor, Permission.ADVISE, team_id=team.pk)
    row = _keep_point(actor=actor, team=team, point=point, origin=origin, now=now)
    stale = queries.recalibrated_by(team=team, point=point)[:MOST_REPLANNED]
    return row, tuple(_again(actor=actor, old=old, now=now, again=again) for old in stale)


def _again(*, actor: Actor, old: PlanRow, now: datetime, again: Planner) -> PlanRow:
    return again(
        actor=actor,
        team=old.team,
        feature=old.feature,
        request=from_json(PlanRequest, old.request),
        now=now,
    )


def plan_again(
    *, actor: Actor, row: PlanRow, now: datetime, again: Planner = plan_capacity
) -> PlanRow:
    """Ask for the same plan at today's prices and with every load test that is known by now.

    Raises NotFound, NotAllowed.
    """
    return _again(actor=actor, old=row, now=now, again=again)


def measure_endpoint(
    *,
    actor: Actor,
    row: PlanRow,
    configuration: str,
    deployment: str,
    now: datetime,
    again: Planner = plan_capacity,
) -> tuple[PointRow, tuple[PlanRow, ...]]:
    """Take a load point from the newest traffic through a running endpoint of the plan's kind.

    Raises NotFound for what the actor cannot see, NotAllowed, Invalid when the endpoint is not of
    this configuration or nothing was measured there.
    """
    require(actor, Permission.ADVISE, team_id=row.team_id)
    measured = queries.endpoint_point(
        actor=actor, row=row, configuration=configuration, deployment=deployment, now=now
    )
    return enter_load_point(
        actor=actor, team=row.team, point=measured, origin="endpoint", now=now, again=again
    )
