"""What is to be metered, and from where on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q

from billing.models import Watermark
from deployments.domain.blueprint.spec import Kind
from deployments.models import Resource, Span

METERED = (Kind.PROFILE.value, Kind.FUNCTION.value, Kind.ENDPOINT.value)
# How long after its end something is still asked about, counted from when the meter last ran.
AFTERWARDS = timedelta(days=14)


def used_resources(*, now: datetime) -> Sequence[Resource]:
    """Return the resources whose requests CloudWatch counts, those lately gone among them."""
    found = Resource.objects.select_related("generation__deployment__feature")
    return list(
        found.filter(kind__in=METERED, began_at__isnull=False)
        .filter(Q(gone_at=None) | Q(gone_at__gte=_since(now)))
        .order_by("pk")
    )


def paid_spans(*, now: datetime) -> Sequence[Span]:
    """Return the stretches in which something was paid for by time."""
    found = Span.objects.select_related("resource__generation__deployment__feature")
    return list(found.filter(Q(ended_at=None) | Q(ended_at__gte=_since(now))).order_by("pk"))


def _since(now: datetime) -> datetime:
    """Return from when on ends count: however long the meter stood still, it loses nothing."""
    ours = Q(source__startswith="cloudwatch:") | Q(source__startswith="span:")
    last = Watermark.objects.filter(ours).aggregate(last=Max("read_to"))["last"]
    return min(now, last or now) - AFTERWARDS


def watermarks(*, sources: Iterable[str]) -> Mapping[str, datetime]:
    """Return how far each source was read; one that never was is left out."""
    rows = Watermark.objects.filter(source__in=list(sources))
    return dict(rows.values_list("source", "read_to"))


def metered_until(*, sources: Iterable[str]) -> datetime | None:
    """Return the moment up to which all of these are in the books; None when one never was."""
    sources = list(sources)
    known = watermarks(sources=sources)
    return min(known.values()) if sources and len(known) == len(sources) else None
