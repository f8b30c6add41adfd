"""REST: recommendations, and the models of the catalog."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import tasks
from deployments.models import Recommendation as RecommendationRow
from deployments.queries import advice as queries
from deployments.queries.options_page import curves_of, front_ids, picks_of
from deployments.queries.study import study_of
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


class LineOutput(serializers.Serializer):
    """One option's cost over the load."""

    option_id = serializers.CharField()
    name = serializers.CharField()
    meets_all = serializers.BooleanField()
    usd = serializers.ListField(
        child=serializers.CharField(), help_text="USD a month at each of `loads_rps`."
    )


class SegmentOutput(serializers.Serializer):
    """From this load on an option is the cheapest of those compared; exact."""

    start_rps = serializers.CharField(source="start")
    option_id = serializers.CharField(source="key")
    usd = serializers.CharField(help_text="USD a month just above that load.")


class BreakEven(serializers.Serializer):
    """The best option of each tier over the mean load, and where the cheapest changes."""

    loads_rps = serializers.ListField(child=serializers.CharField())
    lines = LineOutput(many=True)
    segments = SegmentOutput(many=True)
    sentences = serializers.ListField(child=serializers.CharField())


class RecommendationOutput(RecommendationSummary):
    """A recommendation with every option in ranked order, as they were that day."""

    outdated = serializers.SerializerMethodField(
        help_text="Why it no longer says what today's would; empty while it does."
    )
    launch_sentence = serializers.SerializerMethodField(
        help_text="What a launch builds instead of the pick, with the difference; empty when that "
        "is the pick."
    )
    break_even = serializers.SerializerMethodField()
    options = serializers.SerializerMethodField(
        help_text="Each with `on_front`: none of those that break nothing but perhaps the time is "
        "both cheaper and faster."
    )

    def get_outdated(self, row: RecommendationRow) -> list[str]:
        """Return what has changed since."""
        return list(queries.outdated(row, now=timezone.now()))

    def get_launch_sentence(self, row: RecommendationRow) -> str:
        """Return what a launch builds where that is not the pick."""
        return picks_of(row).launch_sentence

    @extend_schema_field(BreakEven)
    def get_break_even(self, row: RecommendationRow) -> dict[str, Any]:
        """Return the curves."""
        return dict(BreakEven(curves_of(row)).data)

    def get_options(self, row: RecommendationRow) -> list[dict[str, Any]]:
        """Return the options as kept, each with its place on the front or off it."""
        front = front_ids(row)
        return [{**body, "on_front": body["option_id"] in front} for body in row.options]


class TurnOutput(serializers.Serializer):
    """How far one assumption can go, all others as they are, before the choice is another.

    `after` is empty when nothing changed as far as `before`; `option_id` is empty then too, and
    where nothing meets every constraint.
    """

    lever = serializers.CharField()
    direction = serializers.ChoiceField(choices=["up", "down"])
    now = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    option_id = serializers.CharField()
    summary = serializers.CharField()
    usd = serializers.CharField(allow_null=True, help_text="USD a month of that option there.")
    sentence = serializers.CharField()


class SensitivityOutput(serializers.Serializer):
    """Which assumption changes the choice, and at what value; the nearest turns first."""

    turns = TurnOutput(many=True)
    price_rise = serializers.CharField(
        allow_null=True,
        help_text="Share by which what the pick pays may rise until another option is as cheap.",
    )
    price_sentence = serializers.CharField()
    note = serializers.CharField(help_text="Empty when it stands on the recommendation's pick.")


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
        tasks.nudge_study(made.pk)
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


class Sensitivity(APIView):
    """What would change a recommendation's choice."""

    @extend_schema(operation_id="recommendations_sensitivity", responses=SensitivityOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show at what load, tokens, objective, floor and price the choice becomes another.

        The first time it takes some seconds; then it is remembered.
        """
        found = queries.recommendation_for(actor=actor_of(request), pk=pk)
        return Response(SensitivityOutput(study_of(found)).data)


class CatalogModels(APIView):
    """The models that can be chosen."""

    @extend_schema(operation_id="catalog_models", responses=Models)
    def get(self, request: Request) -> Response:
        """Show every model of the catalog with its source and day."""
        actor_of(request)
        return Response(Models({"results": queries.catalog().models}).data)


def _word(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:100].replace("\x00", "")
