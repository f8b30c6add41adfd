"""REST: workloads, recommendations, and the models of the catalog."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.domain import picture
from deployments.domain.workload_input import COMMITMENTS, PERCENTILES, PRECISIONS, SECONDS_PER
from deployments.forms.advice import LATENCY_OF, NEEDS, PATTERNS, RESIDENCIES
from deployments.models import Recommendation as RecommendationRow
from deployments.models import WorkloadRow
from deployments.queries import advice as queries
from deployments.usecases import advice as advice_usecases
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


class RecommendationSummary(serializers.Serializer):
    """A recommendation without its options."""

    id = serializers.IntegerField()
    feature = serializers.CharField(source="feature.slug")
    workload_version = serializers.IntegerField(source="workload.version")
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    prices_as_of = serializers.DateField()
    pick = serializers.CharField(help_text="Id of the picked option; empty: none is feasible.")
    tree_pick = serializers.CharField(help_text="Id of the decision tree's pick.")
    launch_pick = serializers.CharField(help_text="Id of the best option that a launch can build.")
    explanation = serializers.ListField(child=serializers.CharField())


class RecommendationOutput(RecommendationSummary):
    """A recommendation with every option in ranked order, as they were that day."""

    outdated = serializers.SerializerMethodField(
        help_text="Why it no longer says what today's would; empty while it does."
    )
    options = serializers.ListField(child=serializers.DictField())

    def get_outdated(self, row: RecommendationRow) -> list[str]:
        """Return what has changed since."""
        return list(queries.outdated(row, now=timezone.now()))


class ModelOutput(serializers.Serializer):
    """A model of the catalog; `kind` is managed (Bedrock) or weights (self-hosted)."""

    model_id = serializers.CharField()
    name = serializers.CharField()
    provider = serializers.CharField()
    kind = serializers.CharField()
    vision = serializers.BooleanField()
    context_tokens = serializers.IntegerField()
    max_output_tokens = serializers.IntegerField()
    status = serializers.CharField()
    eol_on = serializers.DateField(allow_null=True)
    regions = serializers.ListField(child=serializers.CharField())
    routes = serializers.SerializerMethodField()
    sells_provisioned = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField()
    as_of = serializers.DateField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add `source`, a name that a field itself uses."""
        return {**super().get_fields(), "source": serializers.CharField()}

    def get_routes(self, model: Any) -> dict[str, str]:
        """Return invoke ids by route."""
        return {route.route: route.invoke_id for route in model.routes}

    def get_sells_provisioned(self, model: Any) -> bool:
        """Say whether model units can be bought."""
        return bool(model.provisioned)

    def get_quality(self, model: Any) -> str | None:
        """Return the public score with its index; null when none was found."""
        score = model.quality
        return f"{score.score} ({score.index} {score.version})" if score else None


class Models(serializers.Serializer):
    """All models of the catalog."""

    results = ModelOutput(many=True)


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
        if slug := _word(request, "feature"):
            found = found.filter(feature__slug=slug)
        return pagination.page(request, found, WorkloadOutput)


class FeatureRecommendations(APIView):
    """A feature's recommendations."""

    @extend_schema(
        operation_id="feature_recommendations_list",
        responses=pagination.schema_of(RecommendationSummary),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List a feature's recommendations, newest first."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        found = queries.recommendations(actor=actor, feature=feature).defer("options")
        return pagination.page(request, found, RecommendationSummary)

    @extend_schema(
        operation_id="feature_recommendations_create",
        request=None,
        responses={201: RecommendationOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Compare every option for the newest workload at today's prices, and keep the answer."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        made = advice_usecases.recommend(actor=actor, feature=feature, now=timezone.now())
        return Response(RecommendationOutput(made).data, status=201)


class Recommendations(APIView):
    """Recommendations of all features you may see."""

    @extend_schema(
        operation_id="recommendations_list",
        parameters=[_FEATURE],
        responses=pagination.schema_of(RecommendationSummary),
    )
    def get(self, request: Request) -> Response:
        """List recommendations, newest first."""
        found = queries.recommendations(actor=actor_of(request)).defer("options")
        if slug := _word(request, "feature"):
            found = found.filter(feature__slug=slug)
        return pagination.page(request, found, RecommendationSummary)


class Recommendation(APIView):
    """One recommendation."""

    @extend_schema(operation_id="recommendations_retrieve", responses=RecommendationOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show a recommendation with all its options."""
        found = queries.recommendation_for(actor=actor_of(request), pk=pk)
        return Response(RecommendationOutput(found).data)


class CatalogModels(APIView):
    """The models that can be chosen."""

    @extend_schema(operation_id="catalog_models", responses=Models)
    def get(self, request: Request) -> Response:
        """Show every model of the catalog with its source and day."""
        actor_of(request)
        return Response(Models({"results": queries.catalog().models}).data)


def _word(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:100].replace("\x00", "")
