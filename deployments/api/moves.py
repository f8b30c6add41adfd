"""REST: the moves that the nightly look proposes."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.queries import moves as queries
from deployments.usecases import moves as usecases
from portal.rest import actor_of, pagination


class MoveSide(serializers.Serializer):
    """What runs, or what should: an option at the prices and the load of the night."""

    option = serializers.CharField()
    tier = serializers.CharField()
    model = serializers.CharField()
    summary = serializers.CharField()
    monthly_usd = serializers.DecimalField(max_digits=None, decimal_places=12)


class MoveLoad(serializers.Serializer):
    """The load it stands on: metered, or as stated."""

    is_metered = serializers.BooleanField()
    sentences = serializers.ListField(child=serializers.CharField())


class Output(serializers.Serializer):
    """A proposed change of option; `answer` is empty while it waits."""

    id = serializers.IntegerField()
    feature = serializers.CharField(source="feature.slug")
    deployment = serializers.CharField(help_text="Its short name; empty when none runs.")
    made_at = serializers.DateTimeField()
    saving_usd = serializers.DecimalField(
        max_digits=24, decimal_places=12, help_text="USD a month; negative when it costs more."
    )
    risk = serializers.IntegerField(help_text="1, nothing to speak of, to 5, think twice.")
    must = serializers.CharField(
        source="body.must", help_text="What forces it whatever it costs; else empty."
    )
    running = MoveSide(source="body.from")
    to = MoveSide(source="body.to")
    reasons = serializers.ListField(source="body.reasons", child=serializers.CharField())
    risks = serializers.ListField(source="body.risks", child=serializers.CharField())
    load = MoveLoad(source="body.load")
    recommendation = serializers.IntegerField(
        source="recommendation_id", help_text="Launch its option with this recommendation."
    )
    answer = serializers.CharField(help_text="taken, dismissed or overtaken; empty while it waits.")
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField()


class Moves(APIView):
    """Moves that wait for an answer."""

    @extend_schema(
        operation_id="moves_list",
        parameters=[OpenApiParameter("feature", str, description="Slug of one feature.")],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List the moves that wait, those that save most first."""
        found = queries.open_moves(
            actor=actor_of(request), feature=request.query_params.get("feature", "")
        )
        return pagination.page(request, found, Output, order=("-saving_usd", "-pk"))


class Move(APIView):
    """One move."""

    @extend_schema(operation_id="moves_retrieve", responses=Output)
    def get(self, request: Request, move_id: int) -> Response:
        """Show a move, answered or not."""
        return Response(Output(queries.move_for(actor=actor_of(request), pk=move_id)).data)


class Dismiss(APIView):
    """Dismiss a move."""

    @extend_schema(operation_id="moves_dismiss", request=None, responses=Output)
    def post(self, request: Request, move_id: int) -> Response:
        """Put it aside; the same is not proposed for a month unless it saves a lot more."""
        actor = actor_of(request)
        move = queries.move_for(actor=actor, pk=move_id)
        usecases.dismiss(actor=actor, move=move, now=timezone.now())
        move.refresh_from_db()
        return Response(Output(move).data)
