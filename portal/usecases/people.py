"""People: invite them, and what they may change about themselves."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid, NotAllowed
from portal.models import User
from portal.usecases import audit, naming

LONGEST_PERSON = 60


class AccountExists(Conflict):
    """The person has signed in before; only they set their password."""

    code = "account-exists"


@transaction.atomic(durable=True)
def invite(*, actor: Actor, email: str, name: str, now: datetime) -> User:
    """Open an account without a password, or return the one of who has not signed in yet.

    Raises NotAllowed, Invalid for what is no address or no name, AccountExists.
    """
    require(actor, Permission.MANAGE_ORGANISATION)
    address = email.strip().lower()
    _check(address=address, name=name)
    user = User.objects.filter(email__iexact=address).first()
    if user is not None and (user.last_login is not None or user.has_usable_password()):
        sentence = f"{address} has an account; give a role in a team instead."
        raise AccountExists(sentence, fields={"email": sentence})
    if user is None:
        user = _open(address=address, name=name, now=now)
    audit.record(
        actor=actor,
        verb="invite",
        subject=f"person:{address}",
        sentence=f"{actor.name} invited {user} ({address}).",
        now=now,
    )
    return user


def _check(*, address: str, name: str) -> None:
    fields = naming.text_complaints("name", name, longest=LONGEST_PERSON)
    if not name.strip() or not name.isprintable():
        fields["name"] = "Say what the person is called, such as Ada Lovelace."
    try:
        validate_email(address)
    except ValidationError:
        fields["email"] = "This is no e-mail address; one looks like ada@example.com."
    if len(address) > 150:
        fields["email"] = f"The address has {len(address)} characters; 150 fit."
    if fields:
        raise Invalid("The person cannot be invited like this.", fields=fields)


def _open(*, address: str, name: str, now: datetime) -> User:
    first, _, last = name.strip().partition(" ")
    user = User(
        username=address, email=address, first_name=first, last_name=last.strip(), date_joined=now
    )
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as reason:
        sentence = f"An account with the name {address} exists."
        raise AccountExists(sentence, fields={"email": sentence}) from reason
    return user


@transaction.atomic(durable=True)
def rename(*, actor: Actor, name: str, now: datetime) -> None:
    """Change what the actor is called. Raises NotAllowed for what is no person, Invalid."""
    if actor.user_id is None or actor.api_key_id is not None:
        raise NotAllowed("People change their own names; keys do not.")
    if fields := naming.text_complaints("name", name, longest=LONGEST_PERSON):
        raise Invalid("The name cannot be taken.", fields=fields)
    if not name.strip() or not name.isprintable():
        raise Invalid("The name cannot be taken.", fields={"name": "Say what you are called."})
    first, _, last = name.strip().partition(" ")
    User.objects.filter(pk=actor.user_id).update(first_name=first, last_name=last.strip())
    audit.record(
        actor=actor,
        verb="rename",
        subject=f"person:{actor.user_id}",
        sentence=f"{actor.name} is now called {name.strip()}.",
        now=now,
    )
