"""REST: files of trials to replay over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.api.cascades import whole
from cascade.queries import cascades, evidence
from cascade.queries import runs as queries
from cascade.usecases import uploads as usecases
from cascade.usecases.asking import MOST_DAYS
from portal.errors import Invalid
from portal.rest import actor_of, pagination
from portal.rest.rendering import JSON

_MULTIPART = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "JSON lines or CSV, or .gz."},
        "name": {"type": "string", "maxLength": usecases.LONGEST_NAME},
        "source": {"type": "string", "maxLength": 2000, "description": "Where it came from."},
        "names": {
            "type": "string",
            "description": "A JSON object: models of the file to names of stages' models.",
        },
    },
    "required": ["file"],
    "additionalProperties": False,
}
PARTS = ("file", "name", "source", "names")


class TrialFileOutput(serializers.Serializer):
    """A file of trials as it was understood."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    origin = serializers.CharField(source="source", help_text="Where it came from.")
    trials = serializers.IntegerField()
    models = serializers.ListField(source="model_keys", child=serializers.CharField())
    kept_at = serializers.DateTimeField()
    kept_by = serializers.CharField()


class TrialFiles(APIView):
    """A cascade's files of trials: list them, keep one."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="cascade_uploads_list", responses=pagination.schema_of(TrialFileOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List a cascade's files of trials, newest first."""
        row = cascades.cascade_for(actor=actor_of(request), slug=slug)
        return pagination.page(
            request, queries.uploads(cascade=row), TrialFileOutput, order=("-kept_at", "-pk")
        )

    @extend_schema(
        operation_id="cascade_uploads_create",
        request={"multipart/form-data": _MULTIPART},
        responses={201: TrialFileOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Keep a file of trials: our own export, or a published evaluation as it is."""
        actor = actor_of(request)
        row = cascades.cascade_for(actor=actor, slug=slug)
        file, given = _parts(request)
        made = usecases.upload_trials(
            actor=actor,
            cascade=row,
            name=given.get("name", "") or str(getattr(file, "name", "")),
            source=given.get("source", ""),
            names=names_of(given.get("names", "")),
            file=file,
            now=timezone.now(),
        )
        return Response(TrialFileOutput(made).data, status=201)


class Lines(BaseRenderer):
    """Lines of JSON, streamed by the view itself."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Return a refusal as the one line there is."""
        return JSON().render(data)


class LoggedTrials(APIView):
    """What was logged, as a file of trials."""

    renderer_classes = [JSON, Lines]

    @extend_schema(
        operation_id="cascade_trials_export",
        parameters=[
            OpenApiParameter(
                "days",
                {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 7},
                description="How far back.",
            )
        ],
        responses={(200, "application/x-ndjson"): str},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Export the requests of the last days with tokens, scores and verdicts, one a line."""
        row = cascades.cascade_for(actor=actor_of(request), slug=slug)
        days = whole(request, "days", usual=7, most=MOST_DAYS)
        found = evidence.lines(cascade=row, now=timezone.now(), days=days)
        reply = StreamingHttpResponse(found, content_type=Lines.media_type)
        reply["Content-Disposition"] = f'attachment; filename="{row.slug}.jsonl"'
        return reply


class TrialFile(APIView):
    """One file of trials."""

    @extend_schema(operation_id="cascade_uploads_retrieve", responses=TrialFileOutput)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Show a file of trials, without its content."""
        row = cascades.cascade_for(actor=actor_of(request), slug=slug)
        return Response(TrialFileOutput(queries.upload_for(cascade=row, pk=pk)).data)

    @extend_schema(operation_id="cascade_uploads_destroy", responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Throw it away; what was found with it stays."""
        actor = actor_of(request)
        row = cascades.cascade_for(actor=actor, slug=slug)
        upload = queries.upload_for(cascade=row, pk=pk)
        usecases.drop_upload(actor=actor, upload=upload, now=timezone.now())
        return Response(status=204)


def _parts(request: Request) -> tuple[BinaryIO, dict[str, str]]:
    """Return the file and the words beside it. Raises Invalid."""
    body: Any = request.data
    file = body.get("file")
    fields = {
        name: f"There is no field {name[:60]!r}; the fields are {', '.join(PARTS)}."
        for name in body
        if name not in PARTS
    }
    fields |= {
        name: "Only `file` is a file; this is text."
        for name in PARTS[1:]
        if hasattr(body.get(name, ""), "read")
    }
    if not hasattr(file, "read"):
        fields["file"] = "Send a file of trials as the part `file` of a form."
    if fields:
        raise Invalid("The file cannot be taken like this.", fields=fields)
    return file, {name: str(body[name]) for name in PARTS[1:] if name in body}


def names_of(text: str) -> Mapping[str, str]:
    """Return a JSON object of names; empty text is an empty one. Raises Invalid."""
    found: Any = None
    with suppress(ValueError, RecursionError):
        found = json.loads(text) if text.strip() else {}
    is_right = isinstance(found, dict) and all(isinstance(each, str) for each in found.values())
    if not is_right:
        words = 'This is a JSON object of names, such as {"claude-3-haiku": "small"}.'
        raise Invalid("The file cannot be taken like this.", fields={"names": words})
    return dict(found)
