"""Who may do what, by the table alone."""

from __future__ import annotations

import pytest

from portal.access import GRANTS, SCOPE_OF, SYSTEM, Actor, Permission, Role, Scope, require
from portal.errors import NotAllowed, NotFound

CHAT, MODERATION = 1, 2


def _actor(role: Role, **more: object) -> Actor:
    everywhere = role in (Role.PLATFORM, Role.FINANCE)
    return Actor(
        name=role.value,
        user_id=1,
        team_roles={} if everywhere else {CHAT: role},
        roles=frozenset({role}) if everywhere else frozenset(),
        **more,
    )


def test_every_role_and_every_permission_stand_in_the_tables() -> None:
    assert set(GRANTS) == set(Role)
    assert set(SCOPE_OF) == set(Permission)


@pytest.mark.parametrize("permission", Permission)
def test_who_holds_no_role_may_nothing(permission: Permission) -> None:
    nobody = Actor(name="nobody")
    assert not nobody.may(permission)
    assert not nobody.may(permission, team_id=CHAT)
    assert not nobody.may_somewhere(permission)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", [Role.LEAD, Role.MEMBER])
def test_a_team_role_says_nothing_about_other_teams(role: Role, permission: Permission) -> None:
    actor = _actor(role)
    assert not actor.may(permission, team_id=MODERATION)
    assert not actor.may(permission)


def test_a_stranger_cannot_tell_forbidden_from_missing() -> None:
    with pytest.raises(NotFound):
        require(_actor(Role.LEAD), Permission.LAUNCH, team_id=MODERATION)


def test_a_member_is_told_who_may_launch() -> None:
    with pytest.raises(NotAllowed, match=r"lead, platform.*scope launch"):
        require(_actor(Role.MEMBER), Permission.LAUNCH, team_id=CHAT)


def test_only_finance_sets_budgets_and_only_slipway_records_usage() -> None:
    holders = {role for role in Role if Permission.SET_BUDGET in GRANTS[role]}
    assert holders == {Role.FINANCE}
    assert not any(Permission.RECORD_USAGE in GRANTS[role] for role in Role)
    assert SYSTEM.may(Permission.RECORD_USAGE)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_key_never_exceeds_its_owner(role: Role, permission: Permission) -> None:
    person, key = _actor(role), _actor(role, api_key_id=1, scopes=frozenset(Scope))
    assert key.may(permission, team_id=CHAT) == person.may(permission, team_id=CHAT)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("scope", Scope)
def test_a_key_does_only_what_its_scopes_name(scope: Scope, permission: Permission) -> None:
    key = _actor(Role.PLATFORM, api_key_id=1, scopes=frozenset({scope}))
    granted = permission in GRANTS[Role.PLATFORM] and SCOPE_OF[permission] == scope
    assert key.may(permission, team_id=CHAT) == granted
