"""Pages of a long list in the order of time, from the last row seen: never slower further on.

The cursors REST shares count rows of one moment, and lose their way among more than 1,000.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from portal.errors import Invalid

OLDER, NEWER = "o", "n"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows, the newest first, and the cursors to those before and after; empty at the ends."""

    rows: Sequence[Any]
    newer: str
    older: str


def stretch(rows: QuerySet[Any], *, moment: str, cursor: str, limit: int) -> Stretch:
    """Return `limit` rows from where the cursor points ("" is the newest), by moment and pk.

    Raises Invalid for a cursor that none of these pages gave out.
    """
    if not cursor:
        found = list(rows.order_by(f"-{moment}", "-pk")[: limit + 1])
        return _told(found[:limit], moment, has_newer=False, has_older=len(found) > limit)
    way, at, key = _read(cursor)
    if way == OLDER:
        past = Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__lt": key})
        # Said once more, in the words an index understands.
        asked = rows.filter(past, **{f"{moment}__lte": at})
        found = list(asked.order_by(f"-{moment}", "-pk")[: limit + 1])
        return _told(found[:limit], moment, has_newer=True, has_older=len(found) > limit)
    past = Q(**{f"{moment}__gt": at}) | Q(**{moment: at, "pk__gt": key})
    asked = rows.filter(past, **{f"{moment}__gte": at})
    found = list(asked.order_by(moment, "pk")[: limit + 1])
    return _told(found[:limit][::-1], moment, has_newer=len(found) > limit, has_older=True)


def _told(rows: Sequence[Any], moment: str, *, has_newer: bool, has_older: bool) -> Stretch:
    return Stretch(
        rows=rows,
        newer=_written(NEWER, rows[0], moment) if rows and has_newer else "",
        older=_written(OLDER, rows[-1], moment) if rows and has_older else "",
    )


def _written(way: str, row: Any, moment: str) -> str:
    place = f"{way}|{getattr(row, moment).isoformat()}|{row.pk}"
    return base64.urlsafe_b64encode(place.encode()).decode()


def _read(cursor: str) -> tuple[str, datetime, int]:
    try:
        way, at, key = base64.urlsafe_b64decode(cursor.encode("ascii")).decode().split("|")
        moment, number = datetime.fromisoformat(at), int(key)
        if way not in (OLDER, NEWER) or moment.tzinfo is None or not 0 < number < 2**63:
            raise ValueError(cursor)
    except (ValueError, binascii.Error) as reason:
        raise Invalid(
            "The cursor cannot be read.",
            fields={"cursor": "Follow the `next` and `previous` of an answer as they are."},
        ) from reason
    return way, moment, number
