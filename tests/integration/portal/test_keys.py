"""API keys: shown once, kept as a digest, limited in scope and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.core import serializers

from portal.access import Actor, Scope
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import ApiKey, AuditEvent, User
from portal.queries import people
from portal.usecases import keys

DAY = timedelta(days=1)


def _create(actor: Actor, now: datetime, **more: object) -> tuple[ApiKey, str]:
    asked = {"name": "pipeline", "scopes": ["read"], "expires_at": now + DAY, **more}
    return keys.create_key(actor=actor, now=now, **asked)


def test_the_database_never_holds_the_secret(actor_of_lead: Actor, noon: datetime) -> None:
    key, secret = _create(actor_of_lead, noon)
    rows = serializers.serialize("json", [*ApiKey.objects.all(), *AuditEvent.objects.all()])
    assert secret.startswith(f"slw_{key.prefix}_")
    random_part = secret.removeprefix(f"slw_{key.prefix}_")
    assert len(random_part) >= 43
    assert random_part not in rows
    assert random_part not in repr(key.__dict__)


def test_a_key_is_its_owner_with_fewer_rights(
    actor_of_lead: Actor, lead: User, noon: datetime
) -> None:
    _, secret = _create(actor_of_lead, noon, scopes=["read", "advise", "read"])
    key = people.key_for_secret(secret=secret, now=noon)
    assert key is not None
    assert key.user == lead
    actor = people.actor_of_user(key.user, key=key)
    assert actor.scopes == {Scope.READ, Scope.ADVISE}
    assert actor.team_roles == actor_of_lead.team_roles


def test_a_key_ends_at_its_moment(actor_of_lead: Actor, noon: datetime) -> None:
    _, secret = _create(actor_of_lead, noon, expires_at=noon + DAY)
    last = noon + DAY - timedelta(microseconds=1)
    assert people.key_for_secret(secret=secret, now=last) is not None
    assert people.key_for_secret(secret=secret, now=noon + DAY) is None


def test_a_revoked_key_opens_nothing_and_is_revoked_once(
    actor_of_lead: Actor, noon: datetime
) -> None:
    key, secret = _create(actor_of_lead, noon)
    for minutes in (1, 2):
        keys.revoke_key(
            actor=actor_of_lead, prefix=key.prefix, now=noon + timedelta(minutes=minutes)
        )
    assert people.key_for_secret(secret=secret, now=noon) is None
    key.refresh_from_db()
    assert key.revoked_at == noon + timedelta(minutes=1)
    assert AuditEvent.objects.filter(verb="revoke-key").count() == 1


def test_a_person_who_left_takes_the_keys_along(
    actor_of_lead: Actor, lead: User, noon: datetime
) -> None:
    _, secret = _create(actor_of_lead, noon)
    User.objects.filter(pk=lead.pk).update(is_active=False)
    assert people.key_for_secret(secret=secret, now=noon) is None


@pytest.mark.parametrize("change", ["", "x", "slw_", "slw__", "\u0000", "ü" * 50])
def test_nearly_a_secret_is_no_secret(change: str, actor_of_lead: Actor, noon: datetime) -> None:
    _, secret = _create(actor_of_lead, noon)
    assert people.key_for_secret(secret=change, now=noon) is None
    assert people.key_for_secret(secret=secret[:-1] + change, now=noon) is None
    assert people.key_for_secret(secret=secret.upper() + change, now=noon) is None


def test_a_key_makes_no_keys_and_ends_none(actor_of_lead: Actor, noon: datetime) -> None:
    key, _ = _create(actor_of_lead, noon)
    as_key = replace(actor_of_lead, api_key_id=key.pk, scopes=frozenset(Scope))
    with pytest.raises(NotAllowed):
        _create(as_key, noon)
    with pytest.raises(NotAllowed):
        keys.revoke_key(actor=as_key, prefix=key.prefix, now=noon)


def test_nobody_ends_the_key_of_somebody_else(
    actor_of_lead: Actor,
    actor_of_platform_engineer: Actor,
    actor_of_stranger: Actor,
    noon: datetime,
) -> None:
    key, secret = _create(actor_of_lead, noon)
    for other in (actor_of_platform_engineer, actor_of_stranger):
        with pytest.raises(NotFound):
            keys.revoke_key(actor=other, prefix=key.prefix, now=noon)
    assert people.key_for_secret(secret=secret, now=noon) is not None


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "x\u0000"),
        ("scopes", []),
        ("scopes", ["everything"]),
        ("expires_at", timedelta(0)),
        ("expires_at", timedelta(days=-1)),
        ("expires_at", timedelta(days=367)),
    ],
)
def test_a_key_without_limits_is_refused(
    field: str, value: object, actor_of_lead: Actor, noon: datetime
) -> None:
    asked = noon + value if isinstance(value, timedelta) else value
    with pytest.raises(Invalid) as refused:
        _create(actor_of_lead, noon, **{field: asked})
    assert set(refused.value.fields) == {field}
    assert not ApiKey.objects.exists()


def test_a_person_has_so_many_keys_and_no_more(actor_of_lead: Actor, noon: datetime) -> None:
    for number in range(keys.MOST_KEYS):
        _create(actor_of_lead, noon, name=f"key {number}")
    with pytest.raises(Invalid, match="cannot be made"):
        _create(actor_of_lead, noon)
    later = noon + 2 * DAY
    _create(actor_of_lead, later, expires_at=later + DAY)
