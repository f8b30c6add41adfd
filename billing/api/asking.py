"""What may be asked of the books in a query string, and answers as CSV."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from billing.domain.money import month_named, month_of
from billing.queries.filters import Filters
from portal.errors import Invalid
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
