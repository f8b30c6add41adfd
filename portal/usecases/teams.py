"""Teams and who belongs to them."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access import EVERYWHERE, Actor, Permission, Role, require
from portal.errors import Conflict, Invalid, NotFound
from portal.models import Membership, Team, User
from portal.usecases import audit, naming


class LastLead(Conflict):
    """A team without a lead could launch nothing."""

    code = "last-lead"


class LastPlatformEngineer(Conflict):
    """Without one nobody could create teams or give roles."""

    code = "last-platform-engineer"


@transaction.atomic(durable=True)
def create_team(
    *, actor: Actor, slug: str, name: str, cost_centre: str = "", now: datetime
) -> Team:
    """Create a team. Raises NotAllowed, Invalid, Conflict when the short name is taken."""
    require(actor, Permission.MANAGE_ORGANISATION)
    fields = naming.complaints(slug=slug, name=name)
    fields |= naming.text_complaints("cost_centre", cost_centre, longest=naming.LONGEST_COST_CENTRE)
    if fields:
        raise Invalid("The team cannot be created like this.", fields=fields)
    try:
        with transaction.atomic():
            team = Team.objects.create(
                slug=slug, name=name.strip(), cost_centre=cost_centre.strip(), created_at=now
            )
    except IntegrityError as reason:
        sentence = f"There is a team {slug!r} already."
        raise Conflict(sentence, fields={"slug": sentence}) from reason
    audit.record(
        actor=actor,
        verb="create",
        subject=f"team:{slug}",
        sentence=f"{actor.name} created the team {team.name}.",
        team=team,
        now=now,
    )
    return team


@transaction.atomic(durable=True)
def set_member(*, actor: Actor, team: Team, email: str, role: str, now: datetime) -> Membership:
    """Give a person a role in a team, or another one.

    Raises NotAllowed, NotFound for an unknown e-mail address, Invalid for a role teams do not
    have, LastLead when the team would be left without one.
    """
    require(actor, Permission.MANAGE_TEAM, team_id=team.pk)
    if role not in (Role.LEAD, Role.MEMBER):
        raise Invalid(
            "The role cannot be given.", fields={"role": "A team's roles are lead and member."}
        )
    user = _person(email)
    if role != Role.LEAD:
        _keep_a_lead(team, without=user)
    membership, _ = Membership.objects.update_or_create(
        user=user,
        team=team,
        defaults={"role": role},
        create_defaults={"role": role, "created_at": now},
    )
    audit.record(
        actor=actor,
        verb="set-member",
        subject=f"team:{team.slug}",
        sentence=f"{actor.name} made {user} {role} of {team.name}.",
        team=team,
        now=now,
    )
    return membership


@transaction.atomic(durable=True)
def remove_member(*, actor: Actor, team: Team, email: str, now: datetime) -> None:
    """Take a person out of a team. Raises NotAllowed, NotFound, LastLead."""
    require(actor, Permission.MANAGE_TEAM, team_id=team.pk)
    user = _person(email)
    _keep_a_lead(team, without=user)
    removed, _ = Membership.objects.filter(team=team, user=user).delete()
    if not removed:
        raise NotFound(f"{email} is not in {team.name}.")
    audit.record(
        actor=actor,
        verb="remove-member",
        subject=f"team:{team.slug}",
        sentence=f"{actor.name} took {user} out of {team.name}.",
        team=team,
        now=now,
    )


@transaction.atomic(durable=True)
def grant(*, actor: Actor, email: str, role: str, now: datetime) -> Membership:
    """Give a person a role that holds everywhere (platform, finance). Raises as set_member."""
    require(actor, Permission.MANAGE_ORGANISATION)
    if role not in EVERYWHERE:
        raise Invalid(
            "The role cannot be given.",
            fields={"role": "Roles that hold everywhere are platform and finance."},
        )
    user = _person(email)
    membership, _ = Membership.objects.get_or_create(
        user=user, team=None, role=role, defaults={"created_at": now}
    )
    audit.record(
        actor=actor,
        verb="grant",
        subject="organisation",
        sentence=f"{actor.name} made {user} {role}.",
        now=now,
    )
    return membership


@transaction.atomic(durable=True)
def withdraw(*, actor: Actor, email: str, role: str, now: datetime) -> None:
    """Take a role that holds everywhere from a person.

    Raises NotAllowed, NotFound when the role is not held, LastPlatformEngineer.
    """
    require(actor, Permission.MANAGE_ORGANISATION)
    user = _person(email)
    held = Membership.objects.select_for_update().filter(team=None, role=role)
    holders = {membership.user_id for membership in held}
    if user.pk not in holders:
        raise NotFound(f"{user} does not hold the role {role[:20]!r} everywhere.")
    if role == Role.PLATFORM and holders == {user.pk}:
        raise LastPlatformEngineer(
            f"{user} is the only platform engineer; make somebody else one first."
        )
    Membership.objects.filter(team=None, role=role, user=user).delete()
    audit.record(
        actor=actor,
        verb="withdraw",
        subject="organisation",
        sentence=f"{actor.name} took the role {role} from {user}.",
        now=now,
    )


def _person(email: str) -> User:
    address = email.strip()
    user = User.objects.filter(email__iexact=address).first() if address.isprintable() else None
    if user is None:
        sentence = f"Nobody with the address {address[:254]!r} has an account yet."
        raise NotFound(sentence, fields={"email": sentence})
    return user


def _keep_a_lead(team: Team, *, without: User) -> None:
    leads = Membership.objects.select_for_update().filter(team=team, role=Role.LEAD)
    remaining = [lead for lead in leads if lead.user_id != without.pk]
    if leads and not remaining and any(lead.user_id == without.pk for lead in leads):
        raise LastLead(f"{without} is the only lead of {team.name}; make somebody else lead first.")
