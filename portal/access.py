"""Who may do what: one actor, one table of permissions, deny by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portal.errors import NotAllowed, NotFound


class Role(StrEnum):
    """A member's role. Lead and member belong to a team; platform and finance to everything."""

    LEAD = "lead"
    MEMBER = "member"
    PLATFORM = "platform"
    FINANCE = "finance"


class Permission(StrEnum):
    """One thing an actor may do; the use case that does it asks for it by name."""

    SEE = "see"
    REGISTER = "register"
    ADVISE = "advise"
    PLAN_PORTFOLIO = "plan-portfolio"
    LAUNCH = "launch"
    OPERATE = "operate"
    PLAY_TRAFFIC = "play-traffic"
    MANAGE_TEAM = "manage-team"
    MANAGE_ORGANISATION = "manage-organisation"
    SET_BUDGET = "set-budget"
    SET_PRICE = "set-price"
    RECORD_USAGE = "record-usage"
    EDIT_CASCADE = "edit-cascade"
    REVIEW = "review"
    PROMOTE_POLICY = "promote-policy"
    MANAGE_KEYS = "manage-keys"
    LIMIT_CASCADE = "limit-cascade"


GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.MEMBER: frozenset(
        {
            Permission.SEE,
            Permission.REGISTER,
            Permission.ADVISE,
            Permission.PLAN_PORTFOLIO,
            Permission.EDIT_CASCADE,
            Permission.REVIEW,
        }
    ),
    Role.LEAD: frozenset(
        {
            Permission.SEE,
            Permission.REGISTER,
            Permission.ADVISE,
            Permission.PLAN_PORTFOLIO,
            Permission.LAUNCH,
            Permission.OPERATE,
            Permission.PLAY_TRAFFIC,
            Permission.MANAGE_TEAM,
            Permission.EDIT_CASCADE,
            Permission.REVIEW,
            Permission.PROMOTE_POLICY,
            Permission.MANAGE_KEYS,
            Permission.LIMIT_CASCADE,
        }
    ),
    Role.PLATFORM: frozenset(Permission) - {Permission.SET_BUDGET, Permission.RECORD_USAGE},
    Role.FINANCE: frozenset(
        {
            Permission.SEE,
            Permission.PLAN_PORTFOLIO,
            Permission.SET_BUDGET,
            Permission.SET_PRICE,
            Permission.LIMIT_CASCADE,
        }
    ),
}
EVERYWHERE = (Role.PLATFORM, Role.FINANCE)


class Scope(StrEnum):
    """What an API key may be used for; a key never exceeds its owner's roles."""

    READ = "read"
    ADVISE = "advise"
    LAUNCH = "launch"
    BOOKS = "books"
    ADMIN = "admin"


SCOPE_OF: Mapping[Permission, Scope] = {
    Permission.SEE: Scope.READ,
    Permission.REGISTER: Scope.ADVISE,
    Permission.ADVISE: Scope.ADVISE,
    Permission.PLAN_PORTFOLIO: Scope.ADVISE,
    Permission.LAUNCH: Scope.LAUNCH,
    Permission.OPERATE: Scope.LAUNCH,
    Permission.PLAY_TRAFFIC: Scope.LAUNCH,
    Permission.MANAGE_TEAM: Scope.ADMIN,
    Permission.MANAGE_ORGANISATION: Scope.ADMIN,
    Permission.SET_BUDGET: Scope.BOOKS,
    Permission.SET_PRICE: Scope.BOOKS,
    Permission.RECORD_USAGE: Scope.BOOKS,
    Permission.EDIT_CASCADE: Scope.ADVISE,
    Permission.REVIEW: Scope.ADVISE,
    Permission.PROMOTE_POLICY: Scope.LAUNCH,
    Permission.MANAGE_KEYS: Scope.LAUNCH,
    Permission.LIMIT_CASCADE: Scope.LAUNCH,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody asking: a person in the browser, an API key, or the system itself.

    `team_roles` maps a team's id to the role held there; `roles` hold everywhere.
    `scopes` is None for a person (no limit beyond the roles).
    """

    name: str
    user_id: int | None = None
    api_key_id: int | None = None
    team_roles: Mapping[int, Role] = field(default_factory=dict)
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] | None = None
    is_system: bool = False

    def may(self, permission: Permission, *, team_id: int | None = None) -> bool:
        """Say whether the roles held, and the key's scopes, grant the permission (for a team)."""
        if self.is_system:
            return True
        if self.scopes is not None and SCOPE_OF[permission] not in self.scopes:
            return False
        held = set(self.roles)
        if team_id is not None and team_id in self.team_roles:
            held.add(self.team_roles[team_id])
        return any(permission in GRANTS[role] for role in held)

    def may_somewhere(self, permission: Permission) -> bool:
        """Say whether any team, or the organisation, grants the permission."""
        return self.may(permission) or any(
            self.may(permission, team_id=team_id) for team_id in self.team_roles
        )

    @property
    def sees_everything(self) -> bool:
        """Say whether the actor sees all teams."""
        return self.is_system or any(role in EVERYWHERE for role in self.roles)


SYSTEM = Actor(name="slipway", is_system=True)


def require(actor: Actor, permission: Permission, *, team_id: int | None = None) -> None:
    """Refuse what the actor may not do.

    Raises NotFound when the actor may not even see the team's things, NotAllowed otherwise.
    """
    if actor.may(permission, team_id=team_id):
        return
    if team_id is not None and not actor.may(Permission.SEE, team_id=team_id):
        raise NotFound("There is nothing here with this name that you can see.")
    raise NotAllowed(f"{actor.name} may not do this ({permission.value}). {_who_may(permission)}")


def _who_may(permission: Permission) -> str:
    roles = [role.value for role in Role if permission in GRANTS[role]]
    scope = SCOPE_OF[permission].value
    if not roles:
        return "Only Slipway itself may."
    return f"Roles that may: {', '.join(roles)}; an API key also needs the scope {scope}."
