"""REST: a workload out of a trace of requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, BinaryIO

from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.workloads import WorkloadOutput
from deployments.domain import picture
from deployments.domain.workload_input import written
from deployments.models import WorkloadRow
from deployments.queries import advice as queries
from deployments.usecases import workloads as usecases
from portal.errors import Invalid
from portal.models import Feature
from portal.queries import feature_for
from portal.rest import actor_of

_BINARY = {"type": "string", "format": "binary"}
_MULTIPART = {
    "type": "object",
    "properties": {
        "trace": _BINARY,
        "latency_ms": {"type": "string", "description": "Any input of a workload may be here."},
    },
    "required": ["trace"],
    "additionalProperties": {"type": "string"},
}


class Lines(BaseParser):
    """A trace as the whole body: CSV text."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body, not read yet."""
        return {"trace": stream}


class PackedLines(Lines):
    """A trace as the whole body: CSV text packed with gzip."""

    media_type = "application/gzip"


class Query(serializers.Serializer):
    """What is said beside the file."""

    one_in = serializers.DecimalField(
        max_digits=12,
        decimal_places=3,
        min_value=Decimal("0.001"),
        max_value=Decimal(1_000_000),
        default=Decimal(1),
    )
    preview = serializers.BooleanField(default=False)


class BurstOutput(serializers.Serializer):
    """The highest load of some seconds."""

    rps = serializers.DecimalField(max_digits=20, decimal_places=6)
    seconds = serializers.IntegerField()


class Measured(serializers.Serializer):
    """What a trace shows: rates in requests/s, lengths in tokens a request."""

    requests = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    mean_rps = serializers.DecimalField(max_digits=20, decimal_places=6)
    peak_rps = serializers.DecimalField(max_digits=20, decimal_places=6)
    burst = BurstOutput()
    input_tokens_mean = serializers.IntegerField()
    input_tokens_p95 = serializers.IntegerField()
    output_tokens_mean = serializers.IntegerField()
    output_tokens_p95 = serializers.IntegerField()
    cached_input_share = serializers.DecimalField(max_digits=4, decimal_places=3)
    weekly_profile = serializers.ListField(
        child=serializers.DecimalField(max_digits=20, decimal_places=4)
    )
    hours_seen = serializers.IntegerField(help_text="Of the 168 hours of a week.")
    pattern = serializers.CharField(source="pattern.value")
    pattern_reason = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())


class Output(serializers.Serializer):
    """What the trace shows, the inputs it proposes, and the workload when it was kept."""

    measured = Measured()
    proposed = serializers.DictField(help_text="Inputs of a workload, as they can be posted.")
    sentences = serializers.ListField(child=serializers.CharField())
    workload = WorkloadOutput(allow_null=True)


class FeatureWorkloadTrace(APIView):
    """A trace file becomes a feature's workload."""

    parser_classes = [MultiPartParser, Lines, PackedLines]

    @extend_schema(
        operation_id="feature_workloads_from_trace",
        request={
            "multipart/form-data": _MULTIPART,
            "text/csv": {"type": "string"},
            "application/gzip": _BINARY,
        },
        parameters=[
            OpenApiParameter(
                "one_in",
                {"type": "number", "minimum": 0.001, "maximum": 1_000_000, "multipleOf": 0.001},
                description="Requests that each line stands for (1).",
            ),
            OpenApiParameter("preview", bool, description="Only say what it shows; keep nothing."),
        ],
        responses={201: Output, 200: Output},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take a feature's load from a trace of timestamps, input and output tokens.

        What the trace does not show is taken from the other inputs of the form, or from the
        feature's newest workload.
        """
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        beside = _beside(request.query_params)
        stream, given = _parts(request)
        found = usecases.measure(stream=stream, multiplier=beside["one_in"])
        proposed = usecases.proposed(found=found, given=_base(feature) | given)
        asked = usecases.read(given=proposed)
        row: WorkloadRow | None = None
        if not beside["preview"]:
            row = usecases.describe(
                actor=actor, feature=feature, workload=asked, now=timezone.now()
            )
        body = {
            "measured": found,
            "proposed": proposed,
            "sentences": picture.sentences(asked),
            "workload": row,
        }
        return Response(Output(body).data, status=201 if row else 200)


def _beside(query: QueryDict) -> dict[str, Any]:
    known = {name: value for name, value in query.items() if name in Query().fields}
    asked = Query(data=known)
    if not asked.is_valid():
        sentences = {name: " ".join(map(str, words)) for name, words in asked.errors.items()}
        raise Invalid("The query cannot be taken as it is.", fields=sentences)
    return dict(asked.validated_data)


def _parts(request: Request) -> tuple[BinaryIO, dict[str, Any]]:
    """Return the file and the inputs beside it. Raises Invalid when there is no file."""
    body: Any = request.data
    file = body.get("trace")
    if file is None or not hasattr(file, "read"):
        said = "Send a CSV or CSV.gz file as the body, or as the part `trace` of a form."
        raise Invalid("There is no trace.", fields={"trace": said})
    given = {name: body[name] for name in body if name != "trace"}
    if isinstance(given.get("assumptions"), str):
        given["assumptions"] = given["assumptions"].splitlines()
    for name, value in given.items():
        if hasattr(value, "read"):
            said = "Only the trace is a file; this is text."
            raise Invalid("The input cannot be taken as it is.", fields={name: said})
    return file, given


def _base(feature: Feature) -> dict[str, Any]:
    newest = queries.newest_workload(feature=feature)
    return written(queries.workload_of(newest)) if newest else {}
