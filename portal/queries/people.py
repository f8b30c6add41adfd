"""People, teams, memberships and keys."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from portal.access import Actor, Permission, Role, Scope, require
from portal.errors import NotFound
from portal.models import ApiKey, Membership, Organisation, Team, User


def actor_of_user(user: User, *, key: ApiKey | None = None) -> Actor:
    """Return the actor a person (or one of their keys) is: one query."""
    held = Membership.objects.filter(user_id=user.pk).values_list("team_id", "role")
    rows = [(team_id, Role(role)) for team_id, role in held]
    return Actor(
        name=str(user) if key is None else f"{user} (key {key.name})",
        user_id=user.pk,
        api_key_id=key.pk if key else None,
        team_roles={team_id: role for team_id, role in rows if team_id is not None},
        roles=frozenset(role for team_id, role in rows if team_id is None),
        scopes=None if key is None else frozenset(Scope(scope) for scope in key.scopes),
    )


def organisation() -> Organisation | None:
    """Return the installation's organisation; None before it is set up."""
    return Organisation.objects.first()


def teams(*, actor: Actor) -> QuerySet[Team]:
    """Return the teams the actor may see, by name."""
    found = Team.objects.order_by("name", "pk")
    return found if actor.sees_everything else found.filter(pk__in=list(actor.team_roles))


def teams_counted(*, actor: Actor) -> QuerySet[Team]:
    """Return the same teams with `member_count` and `feature_count`."""
    return teams(actor=actor).annotate(
        member_count=Count("membership", distinct=True),
        feature_count=Count("features", filter=Q(features__archived_at=None), distinct=True),
    )


def team_for(*, actor: Actor, slug: str) -> Team:
    """Return a team the actor may see. Raises NotFound."""
    team = teams(actor=actor).filter(slug=slug).first()
    if team is None:
        raise NotFound(f"There is no team {slug!r} that you can see.")
    return team


def members(*, actor: Actor, team: Team) -> QuerySet[Membership]:
    """Return a team's members. Raises NotFound for strangers."""
    require(actor, Permission.SEE, team_id=team.pk)
    return Membership.objects.filter(team=team).select_related("user").order_by("created_at", "pk")


def roles_held(*, actor: Actor) -> QuerySet[Membership]:
    """Return who holds which role, in teams the actor sees and everywhere, by person."""
    found = Membership.objects.select_related("user", "team").order_by("user__email", "pk")
    if not actor.sees_everything:
        found = found.filter(Q(team__in=list(actor.team_roles)) | Q(team=None))
    return found


def keys_of(*, actor: Actor) -> QuerySet[ApiKey]:
    """Return the actor's own keys, newest first."""
    if actor.user_id is None:
        return ApiKey.objects.none()
    return ApiKey.objects.filter(user_id=actor.user_id).order_by("-created_at", "-pk")


def secret_sha256(secret: str) -> str:
    """Return the digest under which a key is kept; secrets have 256 random bits, so no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_for_secret(*, secret: str, now: datetime) -> ApiKey | None:
    """Return the live key with this secret; None when unknown, revoked, expired or inactive."""
    digest = secret_sha256(secret)
    key = ApiKey.objects.select_related("user").filter(secret_sha256=digest).first()
    if key is None or not hmac.compare_digest(key.secret_sha256, digest):
        return None
    is_live = key.revoked_at is None and key.expires_at > now and key.user.is_active
    return key if is_live else None
