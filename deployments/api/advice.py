"""REST: recommendations, and the models of the catalog."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.models import Recommendation as RecommendationRow
from deployments.queries import advice as queries
from deployments.usecases import advice as advice_usecases
from portal.queries import feature_for
from portal.rest import actor_of, pagination


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
