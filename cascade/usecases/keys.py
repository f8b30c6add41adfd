"""Virtual keys: made once, shown once, kept as a digest, ended at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from cascade.models import Cascade, VirtualKey
from cascade.usecases import policies, snapshots
from cascade.usecases.cascades import is_amount
from portal.access import Actor, Permission, require
from portal.errors import Invalid, NotFound
from portal.queries.people import secret_sha256
from portal.usecases import naming

PREFIX = "slwk"
LONGEST = timedelta(days=3 * 366)
MOST_KEYS = 200
MOST_A_MINUTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What one key may do: per minute, per answer, per calendar month; None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_output_tokens: int | None = None
    monthly_usd: Decimal | None = None


@transaction.atomic(durable=True)
def create_key(
    *,
    actor: Actor,
    cascade: Cascade,
    name: str,
    now: datetime,
    limits: KeyLimits | None = None,
    expires_at: datetime | None = None,
) -> tuple[VirtualKey, str]:
    """Return a new key of a cascade and its secret, which is never shown again.

    Raises NotFound to strangers, NotAllowed, Retired, Invalid for what cannot be.
    """
    require(actor, Permission.MANAGE_KEYS, team_id=cascade.feature.team_id)
    policies.refuse_retired(cascade)
    limits = limits or KeyLimits()
    _check(cascade, name, limits, expires_at, now)
    prefix = secrets.token_hex(4)
    secret = f"{PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    row = VirtualKey.objects.create(
        cascade=cascade,
        name=name.strip(),
        prefix=prefix,
        secret_sha256=secret_sha256(secret),
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
        max_output_tokens=limits.max_output_tokens,
        monthly_usd=limits.monthly_usd,
        created_at=now,
        created_by=actor.name[:200],
        expires_at=expires_at,
    )
    policies.record(actor, cascade, "create-virtual-key", f"made the key {prefix} of", now)
    snapshots.publish_after_commit(now=now)
    return row, secret


def _check(
    cascade: Cascade, name: str, limits: KeyLimits, expires_at: datetime | None, now: datetime
) -> None:
    fields = naming.name_complaints(name)
    for field in ("requests_per_minute", "tokens_per_minute", "max_output_tokens"):
        value = getattr(limits, field)
        if value is not None and not 1 <= value <= MOST_A_MINUTE:
            fields[field] = f"This is a whole number from 1 to {MOST_A_MINUTE:,}, or nothing."
    if limits.monthly_usd is not None and not is_amount(limits.monthly_usd):
        fields["monthly_usd"] = "A limit is 0 USD or more, in whole micro-dollars."
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        fields["expires_at"] = f"A key ends between now and {LONGEST.days:,} days from now."
    if VirtualKey.objects.filter(cascade=cascade, revoked_at=None).count() >= MOST_KEYS:
        fields["name"] = f"The cascade has {MOST_KEYS} keys already; revoke one first."
    if fields:
        raise Invalid("The key cannot be made like this.", fields=fields)


@transaction.atomic(durable=True)
def revoke_key(*, actor: Actor, cascade: Cascade, prefix: str, now: datetime) -> None:
    """End a key at once; ended twice is no error. Raises NotFound, NotAllowed."""
    require(actor, Permission.MANAGE_KEYS, team_id=cascade.feature.team_id)
    held = VirtualKey.objects.filter(cascade=cascade, prefix=prefix)
    if not held.exists():
        raise NotFound(f"{cascade.slug} has no key {prefix[:12]!r}.")
    live = held.filter(revoked_at=None)
    if live.update(revoked_at=now, revoked_by=actor.name[:200]):
        policies.record(actor, cascade, "revoke-virtual-key", f"revoked the key {prefix} of", now)
        snapshots.publish_after_commit(now=now)
