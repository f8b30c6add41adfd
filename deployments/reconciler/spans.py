"""How long a paid resource was seen in service, and at which capacity."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from deployments.models import Resource, Span


def follow(*, resource: Resource, capacity: Decimal, now: datetime) -> bool:
    """Extend the open span, or close it and open another; say whether one is open."""
    sku = resource.spec.get("paid_sku", "")
    span = Span.objects.filter(resource=resource, ended_at=None).first()
    if span is not None:
        moment = max(now, span.seen_until)
        if (span.capacity, span.sku) == (capacity, sku):
            Span.objects.filter(pk=span.pk).update(seen_until=moment)
            return True
        Span.objects.filter(pk=span.pk).update(seen_until=moment, ended_at=moment)
    if not sku or capacity <= 0:
        return False
    Span.objects.create(
        resource=resource, sku=sku, capacity=capacity, started_at=now, seen_until=now
    )
    return True


def is_paid(*, resource: Resource) -> bool:
    """Say whether a span is open: what costs money is looked at until it does not."""
    return Span.objects.filter(resource=resource, ended_at=None).exists()
