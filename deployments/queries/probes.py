"""What was measured here, what a page may ask about probes, and what is to be probed next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from billing.domain import skus
from billing.queries.prices import as_price, in_force
from deployments.adapters import catalog
from deployments.domain.catalog import Model, Route, Speed
from deployments.domain.options import Tier
from deployments.domain.probing import LEAST_ANSWERS, Tariff, as_speed
from deployments.models import Deployment, Probe, ProbeSchedule
from portal import aws
from portal.access import Actor, Permission
from portal.errors import NotFound
from portal.models import Feature, Team

# An own measurement older than this no longer stands in place of the published one.
FRESH = timedelta(days=30)
PROBED_TIERS = (Tier.BEDROCK_ON_DEMAND.value, Tier.LAMBDA_BEDROCK.value)


@dataclass(frozen=True, slots=True)
class Way:
    """A managed model and one route to call it."""

    model: Model
    route: Route

    @property
    def key(self) -> str:
        """Return its name in forms: model and route."""
        return f"{self.model.model_id}|{self.route.route}"

    @property
    def words(self) -> str:
        """Return it in words."""
        return f"{self.model.name}, {skus.ROUTES[self.route.route]}"


def ways() -> Sequence[Way]:
    """Return every managed model and route that can be probed in this Region, by name."""
    found = [
        Way(model, route)
        for model in catalog.load().managed
        for route in model.routes
        if settings.AWS_REGION in model.regions and model.status != "EOL"
    ]
    return sorted(found, key=lambda way: way.words)


def tariff(*, model: str, route: str, now: datetime) -> Tariff | None:
    """Return the prices of a model's tokens in force here; None when one is not known."""
    names = [
        skus.bedrock_tokens(model=model, route=route, direction=direction)
        for direction in ("input", "output")
    ]
    rows = in_force(region=settings.AWS_REGION, now=now).filter(sku__in=names)
    held = {row.sku: as_price(row) for row in rows}
    if len(held) < len(names):
        return None
    return Tariff(input=held[names[0]], output=held[names[1]])


def measured(*, region: str, now: datetime) -> Mapping[tuple[str, str], Speed]:
    """Return the newest own measurement of each model and route in a Region, if fresh enough.

    What the sandbox measured counts only in the sandbox.
    """
    rows = (
        Probe.objects.filter(
            region=region,
            is_sandbox=aws.is_sandbox(),
            ended_at__gte=now - FRESH,
            ended_at__lte=now,
            measured__answers__gte=LEAST_ANSWERS,
        )
        .order_by("model", "route", "-ended_at", "-pk")
        .distinct("model", "route")
        .values_list("model", "route", "ended_at", "measured")
    )
    where = f"{region}, in the sandbox" if aws.is_sandbox() else region
    found = {
        (model, route): as_speed(body, on=ended_at.date(), where=where)
        for model, route, ended_at, body in rows
        if ended_at is not None
    }
    return {key: speed for key, speed in found.items() if speed is not None}


def newer_than(*, since: datetime, region: str, models: Sequence[str]) -> QuerySet[Probe]:
    """Return the probes of these models that ended with a usable measurement since then."""
    return Probe.objects.filter(
        region=region,
        is_sandbox=aws.is_sandbox(),
        ended_at__gt=since,
        measured__answers__gte=LEAST_ANSWERS,
        model__in=models,
    ).order_by("-ended_at", "-pk")


def visible(*, actor: Actor) -> QuerySet[Probe]:
    """Return the probes of the teams the actor sees, newest first."""
    found = Probe.objects.select_related("team", "feature")
    if not actor.sees_everything:
        found = found.filter(team_id__in=list(actor.team_roles))
    return found


def probe_for(*, actor: Actor, pk: int) -> Probe:
    """Return a probe the actor may see. Raises NotFound."""
    found = visible(actor=actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no probe {pk} that you can see.")
    return found


def paying_features(*, actor: Actor) -> Sequence[Feature]:
    """Return the features that the actor may charge a probe to, by name."""
    found = Feature.objects.visible_to(actor).filter(archived_at=None).select_related("team")
    return [
        each
        for each in found.order_by("name", "pk")
        if actor.may(Permission.LAUNCH, team_id=each.team_id)
    ]


def scheduling_teams(*, actor: Actor) -> Sequence[tuple[Team, ProbeSchedule | None]]:
    """Return the teams the actor sees with their schedule, if they have one."""
    teams = Team.objects.order_by("name", "pk")
    if not actor.sees_everything:
        teams = teams.filter(pk__in=list(actor.team_roles))
    held = {row.team_id: row for row in ProbeSchedule.objects.select_related("feature")}
    return [(team, held.get(team.pk)) for team in teams]


def schedule_of(*, team: Team) -> ProbeSchedule | None:
    """Return a team's schedule; None when it has none: off."""
    return ProbeSchedule.objects.select_related("feature", "team").filter(team=team).first()


def used_ways(*, team: Team) -> Sequence[Way]:
    """Return the managed models and routes that the team's deployments run on now."""
    rows = Deployment.objects.filter(
        feature__team=team, is_wanted=True, current__tier__in=PROBED_TIERS
    ).values_list("current__model", "current__option__extra__route")
    used = {(model, route) for model, route in rows}
    return [way for way in ways() if (way.model.model_id, way.route.route) in used]
