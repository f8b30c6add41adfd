"""REST: the workloads of features."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.domain import picture
from deployments.domain.load_input import SECONDS_PER
from deployments.domain.workload_input import COMMITMENTS, PERCENTILES, PRECISIONS
from deployments.forms.workload import LATENCY_OF, NEEDS, PATTERNS, RESIDENCIES
from deployments.models import WorkloadRow
from deployments.queries import advice as queries
from deployments.usecases import workloads as workload_usecases
from portal.queries import feature_for
from portal.rest import actor_of, pagination, read


@extend_schema_field({"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 40}]})
class Number(serializers.Field):
    """A number, or a number in digits as text; which ones are possible the domain says."""

    def to_internal_value(self, data: Any) -> Any:
        """Return it as it came."""
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            raise serializers.ValidationError("This is a number, such as 500.")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class WorkloadInput(serializers.Serializer):
    """What a feature asks of its deployment; units are in the names or beside them."""

    pattern = serializers.ChoiceField(choices=PATTERNS)
    load = Number(help_text="Requests on average, counted in `load_unit`.")
    load_unit = serializers.ChoiceField(choices=list(SECONDS_PER), required=False)
    window_hours = Number(required=False, help_text="Hours a day in which they come (24).")
    peak_rps = Number(required=False, help_text="Requests/s in the highest sustained minute.")
    burst_rps = Number(required=False, help_text="Requests/s in the highest seconds, if known.")
    burst_seconds = Number(required=False, help_text="How long that burst is: 1 to 60 (10).")
    weekly_profile = serializers.ListField(
        child=Number(),
        max_length=168,
        required=False,
        help_text="168 hourly weights from Monday 00:00 UTC, or the 24 of a day that repeats; only "
        "what they are to each other counts, empty is a flat week.",
    )
    input_tokens_mean = Number()
    input_tokens_p95 = Number(required=False)
    output_tokens_mean = Number()
    output_tokens_p95 = Number(required=False)
    latency_ms = Number(help_text="Milliseconds within which answers are to come.")
    latency_percentile = serializers.ChoiceField(choices=PERCENTILES, required=False)
    latency_of = serializers.ChoiceField(choices=LATENCY_OF, required=False)
    need = serializers.ChoiceField(choices=NEEDS, required=False)
    models = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=60, required=False
    )
    forbidden_models = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=60, required=False
    )
    weights_s3_uri = serializers.CharField(max_length=1024, required=False, allow_blank=True)
    parameters_billion = Number(required=False)
    precision = serializers.ChoiceField(choices=PRECISIONS, required=False)
    base_model = serializers.CharField(max_length=200, required=False, allow_blank=True)
    cached_input_share = Number(
        required=False, help_text="Share of the input that repeats as a prefix, 0 to 1 (0)."
    )
    images_per_request = Number(required=False)
    payload_bytes = Number(required=False)
    needs_streaming = serializers.BooleanField(required=False)
    vpc_only = serializers.BooleanField(required=False)
    residency = serializers.ChoiceField(choices=RESIDENCIES, required=False)
    longest_commitment_months = serializers.ChoiceField(choices=COMMITMENTS, required=False)
    region = serializers.CharField(max_length=40, required=False)
    quality_floor = Number(required=False)
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    assumptions = serializers.ListField(
        child=serializers.CharField(max_length=500), max_length=20, required=False
    )


class WorkloadOutput(serializers.Serializer):
    """A workload as it was described; `body` has decimals as text."""

    id = serializers.IntegerField()
    feature = serializers.CharField(source="feature.slug")
    version = serializers.IntegerField()
    body = serializers.DictField()
    sentences = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()

    def get_sentences(self, row: WorkloadRow) -> list[str]:
        """Return the workload in words."""
        return list(picture.sentences(queries.workload_of(row)))


_FEATURE = OpenApiParameter("feature", str, description="Short name of one feature.")


class FeatureWorkloads(APIView):
    """A feature's workloads: every version, and a new one."""

    Input = WorkloadInput

    @extend_schema(
        operation_id="feature_workloads_list", responses=pagination.schema_of(WorkloadOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the versions of a feature's workload, newest first."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        found = queries.workloads(actor=actor, feature=feature)
        return pagination.page(request, found, WorkloadOutput)

    @extend_schema(
        operation_id="feature_workloads_create",
        request=WorkloadInput,
        responses={201: WorkloadOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Describe what a feature asks of its deployment; the same again is not a new version."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        asked = workload_usecases.read(given=read(self.Input, request))
        row = workload_usecases.describe(
            actor=actor, feature=feature, workload=asked, now=timezone.now()
        )
        return Response(WorkloadOutput(row).data, status=201)


class Workloads(APIView):
    """Workloads of all features you may see."""

    @extend_schema(
        operation_id="workloads_list",
        parameters=[_FEATURE],
        responses=pagination.schema_of(WorkloadOutput),
    )
    def get(self, request: Request) -> Response:
        """List workloads, newest first."""
        found = queries.workloads(actor=actor_of(request))
        if slug := request.query_params.get("feature", "")[:100].replace("\x00", ""):
            found = found.filter(feature__slug=slug)
        return pagination.page(request, found, WorkloadOutput)
