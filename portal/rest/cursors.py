"""Keyset cursors: stable while rows are added, as quick on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model, Q, QuerySet

LONGEST_CURSOR = 2000


class BrokenCursor(Exception):
    """The cursor was not made by this list in this order."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One page of rows, and the cursors of the pages beside it; empty where there is none."""

    rows: Sequence[Any]
    next: str
    previous: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Between which rows a page begins, and in which direction it goes."""

    values: tuple[Any, ...]
    is_backward: bool


def cut(queryset: QuerySet[Any], *, order: Sequence[str], cursor: str, limit: int) -> Cut:
    """Return the page after (or before) the cursor's place; the first one for an empty cursor.

    The fields of `order` are together unique, such as ("-created_at", "-pk").
    Raises BrokenCursor.
    """
    place = _read(cursor, order) if cursor else None
    is_backward = place is not None and place.is_backward
    names = [_reversed(name) for name in order] if is_backward else list(order)
    try:
        found = queryset.order_by(*names)
        if place is not None:
            found = found.filter(_beyond(names, place.values, model=queryset.model))
        rows = list(found[: limit + 1])
    except (TypeError, ValueError, ValidationError, DataError) as reason:
        if place is None:
            raise
        raise BrokenCursor from reason
    return _cut(rows, order=order, limit=limit, place=place)


def _cut(rows: list[Any], *, order: Sequence[str], limit: int, place: _Place | None) -> Cut:
    has_more, rows = len(rows) > limit, rows[:limit]
    is_backward = place is not None and place.is_backward
    if is_backward:
        rows.reverse()
    if not rows:
        return Cut((), "", "")
    has_next = True if is_backward else has_more
    has_previous = has_more if is_backward else place is not None
    return Cut(
        tuple(rows),
        _write(rows[-1], order, is_backward=False) if has_next else "",
        _write(rows[0], order, is_backward=True) if has_previous else "",
    )


def _beyond(names: Sequence[str], values: Sequence[Any], *, model: type[Model]) -> Q:
    """Return the condition of the rows after a place: (a, b) > (x, y), for mixed directions."""
    beyond, same = Q(pk__in=()), Q()
    for name, value in zip(names, values, strict=True):
        field = name.removeprefix("-")
        beyond |= same & _after(name, value, model=model)
        same &= Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})
    first, value = names[0].removeprefix("-"), values[0]
    if value is None or _may_be_null(first, model=model):
        return beyond
    # Implied by the rest, and what an index on the first field can be entered with.
    bound = "lte" if names[0].startswith("-") else "gte"
    return Q(**{f"{first}__{bound}": value}) & beyond


def _after(name: str, value: Any, *, model: type[Model]) -> Q:
    """Return the condition of one field; PostgreSQL sorts nulls as if they were largest."""
    field, is_descending = name.removeprefix("-"), name.startswith("-")
    if value is None:
        return Q(**{f"{field}__isnull": False}) if is_descending else Q(pk__in=())
    if is_descending:
        return Q(**{f"{field}__lt": value})
    after = Q(**{f"{field}__gt": value})
    if _may_be_null(field, model=model):
        after |= Q(**{f"{field}__isnull": True})
    return after


def _may_be_null(path: str, *, model: type[Model]) -> bool:
    """Say whether a field, or one on the way to it, is nullable; annotations may be."""
    if path == "pk":
        return False
    meta: Any = model._meta
    for name in path.split("__"):
        if meta is None or name not in {field.name for field in meta.get_fields()}:
            return True
        field = meta.get_field(name)
        if getattr(field, "null", True):
            return True
        meta = field.related_model._meta if field.is_relation else None
    return False


def _reversed(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _write(row: Any, order: Sequence[str], *, is_backward: bool) -> str:
    values = [_plain(_value(row, name.removeprefix("-"))) for name in order]
    text = json.dumps([",".join(order), int(is_backward), values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value(row: Any, path: str) -> Any:
    if isinstance(row, Mapping):
        return row[path]
    for name in path.split("__"):
        row = None if row is None else getattr(row, name)
    return row


def _plain(value: Any) -> str | int | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _read(cursor: str, order: Sequence[str]) -> _Place:
    if len(cursor) > LONGEST_CURSOR:
        raise BrokenCursor
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, backward, values = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError) as reason:
        raise BrokenCursor from reason
    is_right = made_for == ",".join(order) and backward in (0, 1) and isinstance(values, list)
    if not is_right or len(values) != len(order) or not all(map(_is_plain, values)):
        raise BrokenCursor
    return _Place(tuple(values), bool(backward))


def _is_plain(value: Any) -> bool:
    return (
        value is None or isinstance(value, int) or (isinstance(value, str) and "\x00" not in value)
    )
