"""Tell the gateways: build the snapshot, number it, and put it where they look."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cascade.adapters import publisher
from cascade.models import Snapshot
from cascade.queries.snapshot import content

log = logging.getLogger("slipway.cascade")
# One number for one thing that is held: who numbers snapshots.
NUMBERING = 5_120_011


def publish_after_commit(*, now: datetime) -> None:
    """Publish once the caller's transaction is kept; a failure is made good by the next sweep."""
    transaction.on_commit(partial(publish_snapshot, now=now), robust=True)


def publish_snapshot(*, now: datetime) -> int | None:
    """Build the snapshot and put it in the store; return its version, None when nobody took it.

    Called again without any change it offers the same version again, so that a store that was
    emptied has it back. Versions rise even over a store that outlived the database.
    """
    if not settings.CASCADE_URL:
        return None
    version, body = _numbered(now=now, above=0)
    try:
        held = publisher.put(url=settings.CASCADE_URL, version=version, body=body)
        if held > version:
            version, body = _numbered(now=now, above=held)
            held = publisher.put(url=settings.CASCADE_URL, version=version, body=body)
    except publisher.StoreAway as reason:
        log.warning("The snapshot %s was not published, the next sweep will: %s", version, reason)
        return None
    return held


@transaction.atomic
def _numbered(*, now: datetime, above: int) -> tuple[int, str]:
    """Return the snapshot and its number, greater than `above`; unchanged content keeps its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
    body = content(now=now)
    digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    row = Snapshot.objects.order_by("-version").first()
    if row is None or row.digest != digest or row.version < above:
        version = max(row.version if row else 0, above) + 1
        row = Snapshot.objects.create(version=version, digest=digest, made_at=now)
    return row.version, _written(row, body)


def _written(row: Snapshot, body: dict[str, Any]) -> str:
    head = {"version": row.version, "made_at": row.made_at.isoformat()}
    return json.dumps(head | body, separators=(",", ":"))
