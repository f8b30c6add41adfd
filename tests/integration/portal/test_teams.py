"""Teams, their members, and roles that hold everywhere."""

from __future__ import annotations

from datetime import datetime

import pytest

from portal.access import Actor, Role
from portal.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Membership, Organisation, Team, User
from portal.queries import people
from portal.usecases import teams


def test_a_platform_engineer_creates_a_team_once(
    actor_of_platform_engineer: Actor, noon: datetime
) -> None:
    asked = {"slug": "search", "name": "Search", "now": noon}
    teams.create_team(actor=actor_of_platform_engineer, **asked)
    with pytest.raises(Conflict) as refused:
        teams.create_team(actor=actor_of_platform_engineer, **asked)
    assert "slug" in refused.value.fields
    assert AuditEvent.objects.filter(subject="team:search").count() == 1


def test_a_lead_creates_no_team(actor_of_lead: Actor, noon: datetime) -> None:
    with pytest.raises(NotAllowed):
        teams.create_team(actor=actor_of_lead, slug="search", name="Search", now=noon)


def test_a_lead_makes_a_member_lead(
    actor_of_lead: Actor, chat_team: Team, member: User, noon: datetime
) -> None:
    teams.set_member(
        actor=actor_of_lead, team=chat_team, email=member.email.upper(), role="lead", now=noon
    )
    assert people.actor_of_user(member).team_roles == {chat_team.pk: Role.LEAD}


@pytest.mark.parametrize("role", ["platform", "finance", "", "LEAD", "owner"])
def test_a_team_gives_no_role_that_holds_everywhere(
    role: str, actor_of_lead: Actor, chat_team: Team, member: User, noon: datetime
) -> None:
    with pytest.raises(Invalid):
        teams.set_member(
            actor=actor_of_lead, team=chat_team, email=member.email, role=role, now=noon
        )
    with pytest.raises(NotAllowed):
        teams.grant(actor=actor_of_lead, email=member.email, role="platform", now=noon)


def test_a_member_gives_no_roles(
    actor_of_member: Actor, chat_team: Team, lead: User, member: User, noon: datetime
) -> None:
    with pytest.raises(NotAllowed):
        teams.set_member(
            actor=actor_of_member, team=chat_team, email=member.email, role="lead", now=noon
        )
    with pytest.raises(NotAllowed):
        teams.remove_member(actor=actor_of_member, team=chat_team, email=lead.email, now=noon)


def test_a_stranger_finds_no_team_to_join(
    actor_of_stranger: Actor, chat_team: Team, stranger: User, noon: datetime
) -> None:
    with pytest.raises(NotFound):
        teams.set_member(
            actor=actor_of_stranger, team=chat_team, email=stranger.email, role="lead", now=noon
        )
    with pytest.raises(NotFound):
        people.members(actor=actor_of_stranger, team=chat_team)


def test_the_last_lead_stays(
    actor_of_lead: Actor, chat_team: Team, lead: User, member: User, noon: datetime
) -> None:
    with pytest.raises(teams.LastLead):
        teams.remove_member(actor=actor_of_lead, team=chat_team, email=lead.email, now=noon)
    with pytest.raises(teams.LastLead):
        teams.set_member(
            actor=actor_of_lead, team=chat_team, email=lead.email, role="member", now=noon
        )
    teams.set_member(actor=actor_of_lead, team=chat_team, email=member.email, role="lead", now=noon)
    teams.remove_member(actor=actor_of_lead, team=chat_team, email=lead.email, now=noon)
    assert {row.user: row.role for row in people.members(actor=actor_of_lead, team=chat_team)} == {
        member: "lead"
    }


@pytest.mark.parametrize("email", ["nobody@content-ai.example", "", "x\u0000@content-ai.example"])
def test_nobody_unknown_is_given_a_role(
    email: str, actor_of_lead: Actor, chat_team: Team, noon: datetime
) -> None:
    with pytest.raises(NotFound) as refused:
        teams.set_member(actor=actor_of_lead, team=chat_team, email=email, role="member", now=noon)
    assert "email" in refused.value.fields


def test_a_platform_engineer_grants_and_withdraws_roles_that_hold_everywhere(
    actor_of_platform_engineer: Actor, member: User, noon: datetime
) -> None:
    for _ in range(2):
        teams.grant(actor=actor_of_platform_engineer, email=member.email, role="finance", now=noon)
    assert people.actor_of_user(member).roles == {Role.FINANCE}
    teams.withdraw(actor=actor_of_platform_engineer, email=member.email, role="finance", now=noon)
    assert people.actor_of_user(member).roles == frozenset()


def test_the_last_platform_engineer_stays(
    actor_of_platform_engineer: Actor, platform_engineer: User, noon: datetime
) -> None:
    with pytest.raises(Conflict):
        teams.withdraw(
            actor=actor_of_platform_engineer,
            email=platform_engineer.email,
            role="platform",
            now=noon,
        )
    assert Membership.objects.filter(role="platform").count() == 1


def test_there_is_one_organisation(chat_team: Team, moderation_team: Team) -> None:
    assert Organisation.objects.count() == 1


def test_who_asks_is_known_after_one_query(
    lead: User, chat_team: Team, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):
        actor = people.actor_of_user(lead)
    assert actor.team_roles == {chat_team.pk: Role.LEAD}
