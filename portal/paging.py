"""Cursor pages for tables in the browser: the same cursors as REST, kept in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from portal.rest.cursors import BrokenCursor, cut

ROWS = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; the links are query strings of this same page, or empty."""

    rows: Sequence[Any]
    next_url: str
    previous_url: str


def cursor_page(
    request: HttpRequest, queryset: QuerySet[Any], *, order: Sequence[str], rows: int = ROWS
) -> Page:
    """Return the page that ?cursor= names; a broken cursor is the first page."""
    asked = request.GET.get("cursor", "")
    try:
        found = cut(queryset, order=order, cursor=asked, limit=rows)
    except BrokenCursor:
        found = cut(queryset, order=order, cursor="", limit=rows)
    return Page(found.rows, _link(request, found.next), _link(request, found.previous))


def _link(request: HttpRequest, cursor: str) -> str:
    if not cursor:
        return ""
    asked = request.GET.copy()
    asked["cursor"] = cursor
    return f"?{asked.urlencode()}"


def csv_url(request: HttpRequest) -> str:
    """Return the query string of the same rows, all of them, as CSV."""
    asked = request.GET.copy()
    asked.pop("cursor", None)
    asked["format"] = "csv"
    return f"?{asked.urlencode()}"
