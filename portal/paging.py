"""Cursor pages for tables in the browser: the same cursors as REST, kept in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

ROWS = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; the links are query strings of this same page, or empty."""

    rows: Sequence[Any]
    next_url: str
    previous_url: str


class _Cursor(CursorPagination):
    page_size = ROWS


def cursor_page(
    request: HttpRequest, queryset: QuerySet[Any], *, order: Sequence[str], rows: int = ROWS
) -> Page:
    """Return the page that ?cursor= names; a broken cursor is the first page."""
    cursor = _Cursor()
    cursor.ordering = tuple(order)
    cursor.page_size = rows
    asked = Request(request)
    try:
        found = cursor.paginate_queryset(queryset, asked)
    except NotFound:
        first = request.GET.copy()
        first.pop("cursor", None)
        request.GET = first
        asked = Request(request)
        found = cursor.paginate_queryset(queryset, asked)
    return Page(found, cursor.get_next_link() or "", cursor.get_previous_link() or "")
