"""Who works on a resource: one compare-and-swap lease, told apart by its fence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from deployments.models import Resource


class Busy(Exception):
    """Nothing is due here, or another worker has it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A resource leased to us, as it was when we took it; `wake_at` is what the lease wrote."""

    resource: Resource
    fence: int
    wake_at: datetime


def lease() -> timedelta:
    """Return how long a worker may be silent before another takes over."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim(*, resource_id: int, now: datetime) -> Held:
    """Lease a due resource. Raises Busy.

    While leased it wakes when the lease ends: a worker that dies loses nothing. A wish made
    meanwhile writes another `wake_at`, which then stands.
    """
    fence = Resource.objects.due(now).filter(pk=resource_id).values_list("fence", flat=True).first()
    if fence is None:
        raise Busy(resource_id)
    until = now + lease()
    free = Resource.objects.due(now).order_by().filter(pk=resource_id, fence=fence)
    if not free.update(fence=fence + 1, leased_until=until, wake_at=until):
        raise Busy(resource_id)
    # Read only now: what was wished before the lease is in here.
    resource = Resource.objects.select_related("generation__deployment__feature__team").get(
        pk=resource_id
    )
    return Held(resource=resource, fence=fence + 1, wake_at=until)


def renew(*, held: Held, now: datetime, **intent: Any) -> None:
    """Hold the lease on, and write down what is about to be done. Raises Busy when it is lost."""
    mine = Resource.objects.filter(pk=held.resource.pk, fence=held.fence)
    if not mine.update(leased_until=now + lease(), **intent):
        raise Busy(held.resource.pk)


def give_back(*, held: Held, now: datetime, wake_at: datetime | None, **seen: Any) -> bool:
    """Write down what was seen and end the lease; False when it was lost: nothing is written.

    `wake_at` holds only where no wish was made meanwhile.
    """
    mine = Resource.objects.filter(pk=held.resource.pk, fence=held.fence)
    if not mine.update(leased_until=now, **seen):
        return False
    mine.filter(wake_at=held.wake_at).update(wake_at=wake_at)
    return True
