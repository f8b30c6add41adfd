"""The audit: one row for everything somebody did, in the transaction that did it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.access import Actor
from portal.models import AuditEvent, Team


def record(
    *,
    actor: Actor,
    verb: str,
    subject: str,
    sentence: str,
    now: datetime,
    team: Team | None = None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write down what was done, by whom, to what. Call inside the use case's transaction."""
    return AuditEvent.objects.create(
        at=now,
        actor=actor.name[:200],
        user_id=actor.user_id,
        api_key_id=actor.api_key_id,
        team=team,
        verb=verb,
        subject=subject,
        sentence=sentence,
        detail=dict(detail or {}),
    )
