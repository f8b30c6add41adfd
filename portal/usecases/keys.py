"""API keys: made once, shown once, kept as a digest, limited in scope and time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from portal.access import Actor, Scope
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import ApiKey
from portal.queries.people import secret_sha256
from portal.usecases import audit, naming

LONGEST = timedelta(days=366)
MOST_KEYS = 50
PREFIX = "slw"


@transaction.atomic(durable=True)
def create_key(
    *, actor: Actor, name: str, scopes: Sequence[str], expires_at: datetime, now: datetime
) -> tuple[ApiKey, str]:
    """Return a new key of the actor and its secret, which is never shown again.

    Raises NotAllowed for what is not a person, Invalid for a name, scope or expiry that cannot be.
    """
    user_id = _person(actor)
    _check(user_id=user_id, name=name, scopes=scopes, expires_at=expires_at, now=now)
    prefix = secrets.token_hex(4)
    secret = f"{PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        user_id=user_id,
        name=name.strip(),
        prefix=prefix,
        secret_sha256=secret_sha256(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=expires_at,
    )
    audit.record(
        actor=actor,
        verb="create-key",
        subject=f"key:{prefix}",
        sentence=f"{actor.name} made the API key {key.name} ({', '.join(key.scopes)}).",
        now=now,
    )
    return key, secret


def _person(actor: Actor) -> int:
    """Return the id of the person asking. Raises NotAllowed for a key and for the system."""
    if actor.user_id is None or actor.api_key_id is not None:
        raise NotAllowed("Keys are made and ended by people who are signed in, not by other keys.")
    return actor.user_id


def _check(
    *, user_id: int, name: str, scopes: Sequence[str], expires_at: datetime, now: datetime
) -> None:
    fields = naming.name_complaints(name)
    known = {scope.value for scope in Scope}
    if not scopes or not set(scopes) <= known:
        fields["scopes"] = f"Choose one or more of {', '.join(sorted(known))}."
    if not now < expires_at <= now + LONGEST:
        fields["expires_at"] = "A key lives between a moment and 366 days from now."
    live = ApiKey.objects.filter(user_id=user_id, revoked_at=None, expires_at__gt=now)
    if live.count() >= MOST_KEYS:
        fields["name"] = f"You have {MOST_KEYS} keys already; revoke one first."
    if fields:
        raise Invalid("The key cannot be made like this.", fields=fields)


@transaction.atomic(durable=True)
def revoke_key(*, actor: Actor, prefix: str, now: datetime) -> None:
    """End one of the actor's own keys at once. Raises NotAllowed for a key, NotFound."""
    user_id = _person(actor)
    key = ApiKey.objects.filter(user_id=user_id, prefix=prefix).first()
    if key is None:
        raise NotFound(f"You have no key {prefix!r}.")
    if key.revoked_at is not None:
        return
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    audit.record(
        actor=actor,
        verb="revoke-key",
        subject=f"key:{prefix}",
        sentence=f"{actor.name} revoked the API key {key.name}.",
        now=now,
    )
