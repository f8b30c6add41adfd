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


def activity(
    *, actor: Actor, subject: str = "", search: str = "", team: str = ""
) -> QuerySet[AuditEvent]:
    """Return what was done, newest first: all for platform and finance, own teams otherwise."""
    found = AuditEvent.objects.select_related("team").order_by("-at", "-pk")
    if not actor.sees_everything:
        found = found.filter(Q(team_id__in=list(actor.team_roles)) | Q(user_id=actor.user_id))
    if subject:
        found = found.filter(subject=subject)
    if team:
        found = found.filter(team__slug=team)
    for word in search.split()[:5]:
        found = found.filter(Q(sentence__icontains=word) | Q(subject__icontains=word))
    return found


def activity_of(*, actor: Actor, feature: Feature) -> QuerySet[AuditEvent]:
    """Return what was done to a feature and to its deployments, newest first.

    A deployment is the feature's by what the event says, or by its name (feature-environment).
    """
    begins = f"deployment:{feature.slug}-"
    of_it = Q(subject__startswith=begins, team_id=feature.team_id)
    others = Feature.objects.filter(slug__startswith=f"{feature.slug}-")
    for slug in others.values_list("slug", flat=True):
        of_it &= ~Q(subject__startswith=f"deployment:{slug}-")
    mine = Q(subject=f"feature:{feature.slug}") | Q(detail__feature=feature.slug) | of_it
    return activity(actor=actor).filter(mine)
