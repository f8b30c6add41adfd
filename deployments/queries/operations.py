"""What a page, a client or a worker may ask about deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, QuerySet

from billing.queries.spend import spend_of_deployments
from deployments.domain.lifecycle import SETTLED, Phase, State
from deployments.domain.options import TIER_NAMES, Tier
from deployments.domain.snippet import Place, Snippet, snippets
from deployments.models import Deployment, Event, Generation, Resource
from portal.access import Actor
from portal.errors import NotFound
from portal.models import Feature

MOST_DUE = 200


def due_resources(*, now: datetime, limit: int = MOST_DUE) -> list[int]:
    """Return the resources that should be looked at now, the longest waiting first."""
    return list(Resource.objects.due(now).values_list("pk", flat=True)[:limit])


def due_of(*, deployment: Deployment, now: datetime) -> list[int]:
    """Return the resources of one deployment that should be looked at now."""
    found = Resource.objects.due(now).filter(generation__deployment=deployment)
    return list(found.values_list("pk", flat=True))


def deployments(
    *,
    actor: Actor,
    search: str = "",
    state: str = "",
    tier: str = "",
    environment: str = "",
    team: str = "",
    feature: str = "",
) -> QuerySet[Deployment]:
    """Return the deployments the actor may see, newest first, those that fit the filters."""
    found = Deployment.objects.visible_to(actor).select_related("feature__team", "current")
    exact = {
        "state": state,
        "current__tier": tier,
        "environment": environment,
        "feature__team__slug": team,
        "feature__slug": feature,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    for word in search.split()[:5]:
        found = found.filter(
            Q(slug__icontains=word)
            | Q(feature__name__icontains=word)
            | Q(current__model__icontains=word)
        )
    return found


def deployment_for(*, actor: Actor, slug: str) -> Deployment:
    """Return a deployment the actor may see. Raises NotFound."""
    found = deployments(actor=actor).filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no deployment {slug!r} that you can see.")
    return found


def of_feature(*, feature: Feature) -> QuerySet[Deployment]:
    """Return a feature's deployments, newest first."""
    return feature.deployments.select_related("current", "feature__team")


def month_to_date(*, rows: Sequence[Deployment], now: datetime) -> Mapping[str, Decimal]:
    """Return the USD of this month of each deployment."""
    return spend_of_deployments(slugs=[each.slug for each in rows], now=now)


def resources_of(*, deployment: Deployment) -> QuerySet[Resource]:
    """Return all resources, oldest generation first, in the order of creation."""
    found = Resource.objects.filter(generation__deployment=deployment)
    return found.select_related("generation").order_by("generation__number", "position")


def events_of(*, deployment: Deployment) -> QuerySet[Event]:
    """Return what happened, newest first."""
    found = Event.objects.filter(deployment=deployment).select_related("generation", "resource")
    return found.order_by("-at", "-pk")


def generations_of(*, deployment: Deployment) -> QuerySet[Generation]:
    """Return its generations, newest first."""
    return deployment.generations.order_by("-number")


def snippets_of(deployment: Deployment) -> Sequence[Snippet]:
    """Return how to call it, as text; empty until it is ready."""
    if deployment.current is None:
        return ()
    rows = list(deployment.current.resources.all())
    if not rows or any(row.phase == Phase.GONE for row in rows):
        return ()
    return snippets(
        tier=Tier(deployment.current.tier),
        found={row.key: (row.name, row.outputs) for row in rows},
        place=Place(region=settings.AWS_REGION, endpoint_url=settings.AWS_ENDPOINT_URL or ""),
    )


def needing_a_person(*, actor: Actor) -> QuerySet[Deployment]:
    """Return what has failed, or cannot be taken down, newest first."""
    stuck = Resource.objects.exclude(code="").filter(phase=Phase.DELETING, is_wanted=False)
    return (
        Deployment.objects.visible_to(actor)
        .select_related("feature__team", "current")
        .filter(Q(state=State.FAILED) | Q(generations__resources__in=stuck))
        .distinct()
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a generation is: resources ready (or gone) of all, and what AWS said last."""

    done: int
    total: int
    resources: Sequence[Resource]
    is_settled: bool

    @property
    def percent(self) -> int:
        """Return the share that is done, from 0 to 100."""
        return 100 * self.done // self.total if self.total else 100


def progress_of(deployment: Deployment) -> Progress:
    """Return how far the deployment is on its way to what was wished."""
    rows = list(resources_of(deployment=deployment))
    shown = [row for row in rows if row.phase != Phase.GONE or not deployment.is_wanted]
    goal = Phase.READY if deployment.is_wanted else Phase.GONE
    wanted = [row for row in shown if row.is_wanted == deployment.is_wanted]
    done = sum(1 for row in wanted if row.phase == goal)
    is_leaving = any(not row.is_wanted and row.phase != Phase.GONE for row in rows)
    return Progress(
        done=done,
        total=len(wanted),
        resources=shown,
        is_settled=State(deployment.state) in SETTLED and not is_leaving,
    )


def tier_name(tier: str) -> str:
    """Return a tier in words."""
    return TIER_NAMES[Tier(tier)]
