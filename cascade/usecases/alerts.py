"""Somebody has looked at an alert."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cascade.models import Alert
from cascade.usecases import policies
from portal.access import Actor, Permission, require


@transaction.atomic(durable=True)
def close_alert(*, actor: Actor, alert: Alert, now: datetime) -> Alert:
    """Close an alert; closing it twice is no error. Raises NotFound to strangers, NotAllowed."""
    cascade = alert.cascade
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    is_open = Alert.objects.filter(pk=alert.pk, closed_at=None)
    if is_open.update(closed_at=now, closed_by=actor.name[:200]):
        policies.record(actor, cascade, "close-alert", f"closed the alert {alert.kind} of", now)
    alert.refresh_from_db()
    return alert
