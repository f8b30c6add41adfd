"""Pages of a list over REST: `?cursor=` and `?limit=` in, `next` and `previous` out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from portal.errors import Invalid
from portal.rest.cursors import BrokenCursor, cut

DEFAULT = 50
MOST = 200
OWNED = ("Input", "Output")


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
    limit = _limit(request.query_params.get("limit"))
    try:
        found = cut(
            queryset, order=order, cursor=request.query_params.get("cursor", ""), limit=limit
        )
    except BrokenCursor as reason:
        raise Invalid(
            "The cursor cannot be read.",
            fields={"cursor": "Follow the `next` and `previous` of an answer as they are."},
        ) from reason
    return Response(
        {
            "results": output(found.rows, many=True, context=context or {}).data,
            "next": _link(request, found.next),
            "previous": _link(request, found.previous),
        }
    )


def _link(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def _limit(limit: str | None) -> int:
    if limit is None:
        return DEFAULT
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST:
        raise Invalid(
            "The limit cannot be read.",
            fields={"limit": f"The limit is a whole number from 1 to {MOST}."},
        )
    return int(limit)


def name_of(shape: type) -> str:
    """Return a shape's name in the schema: that of its view or module, then its own."""
    *views, own = shape.__qualname__.split(".")
    if not views and own in OWNED:
        views = [shape.__module__.rsplit(".", 1)[-1].title()]
    return "".join([*views, own])


@cache
def schema_of(output: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """Return the shape of a page of these, for the schema."""
    return type(
        f"{name_of(output).removesuffix('Output')}Page",
        (serializers.Serializer,),
        {
            "__doc__": "A page of results.",
            "is_page": True,
            "results": output(many=True),
            "next": serializers.CharField(allow_null=True, help_text="URL of the next page."),
            "previous": serializers.CharField(allow_null=True, help_text="URL of the page before."),
        },
    )
