"""Cursor pages: stable while rows are added, as quick on the last page as on the first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from portal.errors import Invalid

DEFAULT = 50
MOST = 200


class _Cursor(CursorPagination):
    page_size = DEFAULT
    page_size_query_param = "limit"
    max_page_size = MOST


def page(
    request: Request,
    queryset: QuerySet[Any],
    output: type[serializers.BaseSerializer],
    *,
    order: Sequence[str] = ("-created_at", "-pk"),
    context: dict[str, Any] | None = None,
) -> Response:
    """Return {"results", "next", "previous"} of the page that ?cursor= and ?limit= name.

    Raises Invalid for a limit that is no whole number from 1 to 200, or a broken cursor.
    """
    _check_limit(request.query_params.get("limit"))
    cursor = _Cursor()
    cursor.ordering = tuple(order)
    try:
        rows = cursor.paginate_queryset(queryset, request)
    except NotFound as reason:
        raise Invalid(
            "The cursor cannot be read.",
            fields={"cursor": "Follow the `next` and `previous` of an answer as they are."},
        ) from reason
    results = output(rows, many=True, context=context or {}).data
    return Response(
        {
            "results": results,
            "next": cursor.get_next_link(),
            "previous": cursor.get_previous_link(),
        }
    )


def _check_limit(limit: str | None) -> None:
    if limit is None:
        return
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST:
        raise Invalid(
            "The limit cannot be read.",
            fields={"limit": f"The limit is a whole number from 1 to {MOST}."},
        )


@cache
def schema_of(output: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """Return the shape of a page of these, for the schema."""
    where = output.__qualname__.replace(".", "")
    module = output.__module__.replace(".", " ").title().replace(" ", "")
    return type(
        f"{module}{where}Page",
        (serializers.Serializer,),
        {
            "__doc__": "A page of results.",
            "results": output(many=True),
            "next": serializers.CharField(allow_null=True, help_text="URL of the next page."),
            "previous": serializers.CharField(allow_null=True),
        },
    )
