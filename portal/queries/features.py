"""Features and what was done to them."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from portal.access import Actor
from portal.errors import NotFound
from portal.models import AuditEvent, Feature


def features(*, actor: Actor, search: str = "", team: str = "") -> QuerySet[Feature]:
    """Return the features the actor may see, optionally those of a team or matching words."""
    found = Feature.objects.visible_to(actor).select_related("team").filter(archived_at=None)
    if team:
        found = found.filter(team__slug=team)
    for word in search.split()[:5]:
        found = found.filter(
            Q(name__icontains=word) | Q(slug__icontains=word) | Q(team__name__icontains=word)
        )
    return found


def feature_for(*, actor: Actor, slug: str) -> Feature:
    """Return a feature the actor may see. Raises NotFound."""
    found = Feature.objects.visible_to(actor).select_related("team").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no feature {slug!r} that you can see.")
    return found


def activity(*, actor: Actor, subject: str = "") -> QuerySet[AuditEvent]:
    """Return what was done, newest first: all for platform and finance, own teams otherwise."""
    found = AuditEvent.objects.select_related("team").order_by("-at", "-pk")
    if not actor.sees_everything:
        found = found.filter(Q(team_id__in=list(actor.team_roles)) | Q(user_id=actor.user_id))
    return found.filter(subject=subject) if subject else found
