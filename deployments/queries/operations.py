"""What a page, a client or a worker may ask about deployments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from deployments.domain.lifecycle import Phase
from deployments.domain.options import TIER_NAMES, Tier
from deployments.domain.snippet import Place, Snippet, snippets
from deployments.models import Deployment, Event, Resource
from portal.access import Actor
from portal.errors import NotFound

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


def resources_of(*, deployment: Deployment) -> QuerySet[Resource]:
    """Return all resources, oldest generation first, in the order of creation."""
    found = Resource.objects.filter(generation__deployment=deployment)
    return found.select_related("generation").order_by("generation__number", "position")


def events_of(*, deployment: Deployment) -> QuerySet[Event]:
    """Return what happened, newest first."""
    found = Event.objects.filter(deployment=deployment).select_related("generation", "resource")
    return found.order_by("-at", "-pk")


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


def tier_name(tier: str) -> str:
    """Return a tier in words."""
    return TIER_NAMES[Tier(tier)]
