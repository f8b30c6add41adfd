"""What may be asked of the books in a query string, and answers as CSV."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from billing.domain.money import month_named, month_of
from billing.queries.filters import Filters
from billing.queries.keyset import stretch
from portal.errors import Invalid
from portal.rest.pagination import DEFAULT, MOST
from portal.rest.rendering import JSON

PAGING = {"cursor", "limit", "format"}


class Csv(BaseRenderer):
    """Chosen by `?format=csv` or `Accept: text/csv`; the view streams the file itself."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Return a problem, the only thing that is not streamed, as JSON."""
        return json.dumps(data).encode()


RENDERERS = [JSON, Csv]


def wants_csv(request: Request) -> bool:
    """Say whether the answer should be a CSV file."""
    return bool(request.accepted_renderer.format == Csv.format)


class Filtered(serializers.Serializer):
    """The filters all lists of the books share."""

    month = serializers.RegexField(
        r"^2\d{3}-(0[1-9]|1[0-2])$",
        required=False,
        help_text="A month in UTC, as in 2026-11; this month when left out.",
    )
    day = serializers.DateField(required=False, help_text="One day of it, as in 2026-11-20.")
    team = serializers.CharField(required=False, max_length=40, help_text="A team's slug.")
    feature = serializers.CharField(required=False, max_length=40, help_text="A feature's slug.")
    deployment = serializers.CharField(required=False, max_length=63)
    environment = serializers.CharField(required=False, max_length=20)
    tier = serializers.CharField(required=False, max_length=40)
    model = serializers.CharField(required=False, max_length=120)

    def validate_day(self, day: date) -> date:
        """Refuse a day outside the centuries of the books."""
        if not 2000 <= day.year <= 2999:
            raise serializers.ValidationError("A day of the books is from 2000 to 2999.")
        return day


def asked(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return the query string as the shape says.

    Raises Invalid with a sentence for each filter that is unknown, repeated or unreadable.
    """
    query = {name: values for name, values in request.query_params.lists() if name not in PAGING}
    shaped = shape(data={name: values[-1] for name, values in query.items()})
    fields = {
        name: f"There is no filter {name[:60]!r}; there are {', '.join(sorted(shaped.fields))}."
        for name in query
        if name not in shaped.fields
    }
    fields |= {
        name: f"{name} stands {len(values)} times; say it once."
        for name, values in query.items()
        if len(values) > 1 and name in shaped.fields
    }
    if not shaped.is_valid():
        fields |= {
            name: " ".join(str(word) for word in words) for name, words in shaped.errors.items()
        }
    if fields:
        raise Invalid("The question cannot be read.", fields=fields)
    return dict(shaped.validated_data)


def page_by_time(
    request: Request,
    rows: QuerySet[Any],
    output: type[serializers.BaseSerializer],
    *,
    moment: str,
) -> Response:
    """Return the page that ?cursor= and ?limit= name, the newest first.

    Raises Invalid for a limit that is no whole number from 1 to 200, or a broken cursor.
    """
    limit = request.query_params.get("limit", str(DEFAULT))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST:
        sentence = f"The limit is a whole number from 1 to {MOST}."
        raise Invalid("The limit cannot be read.", fields={"limit": sentence})
    cursor = request.query_params.get("cursor", "")
    found = stretch(rows, moment=moment, cursor=cursor, limit=int(limit))
    here = request.build_absolute_uri()
    return Response(
        {
            "results": output(found.rows, many=True).data,
            "next": replace_query_param(here, "cursor", found.older) if found.older else None,
            "previous": replace_query_param(here, "cursor", found.newer) if found.newer else None,
        }
    )


def filters_of(query: dict[str, Any], *, now: datetime) -> Filters:
    """Return the filters of a query as `asked` gave it, other keys left out."""
    day: date | None = query.get("day")
    this = str(day)[:7] if day else str(month_of(now))
    month = month_named(query.get("month", this))
    if day is not None and str(month) != this:
        sentence = f"{day} is not a day of {month}."
        raise Invalid(sentence, fields={"day": sentence})
    names = Filters.__slots__
    rest = {name: query[name] for name in names if name in query and name not in ("month", "day")}
    return Filters(month=month, day=day, **rest)
