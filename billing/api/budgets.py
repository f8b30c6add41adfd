"""Budgets, what is against them, and what is held, over REST."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.asking import asked
from billing.queries import budgets as queries
from billing.usecases import budgets
from portal.queries import team_for
from portal.rest import actor_of, read
from portal.rest.pagination import page, schema_of


class Budgets(APIView):
    """What may be spent in a month; the newest of a team, or of the organisation, holds."""

    class Query(serializers.Serializer):
        team = serializers.CharField(required=False, max_length=40, help_text="A team's slug.")
        in_force = serializers.BooleanField(
            default=True, help_text="false: every budget there has been."
        )

    class Input(serializers.Serializer):
        team = serializers.CharField(
            allow_null=True, max_length=40, help_text="A team's slug; null for the organisation."
        )
        monthly_usd = serializers.DecimalField(16, 2)

    class Output(serializers.Serializer):
        team = serializers.CharField(source="team.slug", allow_null=True, default=None)
        monthly_usd = serializers.DecimalField(16, 2)
        set_at = serializers.DateTimeField()
        set_by = serializers.CharField()

    @extend_schema(
        operation_id="budgets_list",
        parameters=[Query],
        responses=schema_of(Output),
        tags=["books"],
    )
    def get(self, request: Request) -> Response:
        """List the budgets the caller may see: the organisation's and its own teams'."""
        query = asked(self.Query, request)
        rows = queries.budgets_seen(actor=actor_of(request), **query)
        return page(request, rows, self.Output, order=("-id",))

    @extend_schema(
        operation_id="budgets_create", request=Input, responses={201: Output}, tags=["books"]
    )
    def post(self, request: Request) -> Response:
        """Set a budget; the one before stays on record."""
        actor, given = actor_of(request), read(self.Input, request)
        team = None if given["team"] is None else team_for(actor=actor, slug=given["team"])
        row = budgets.set_budget(
            actor=actor, team=team, monthly_usd=given["monthly_usd"], now=timezone.now()
        )
        return Response(self.Output(row).data, status=status.HTTP_201_CREATED)


class BudgetPosition(APIView):
    """This month against a budget."""

    class Query(serializers.Serializer):
        team = serializers.CharField(
            required=False, max_length=40, help_text="A team's slug; the organisation without."
        )

    class Output(serializers.Serializer):
        class Forecast(serializers.Serializer):
            low_usd = serializers.DecimalField(24, 12)
            expected_usd = serializers.DecimalField(24, 12)
            high_usd = serializers.DecimalField(24, 12)
            assumptions = serializers.ListField(child=serializers.CharField())

        team = serializers.CharField(allow_null=True)
        budget_usd = serializers.DecimalField(16, 2, allow_null=True)
        spent_usd = serializers.DecimalField(24, 12)
        held_usd = serializers.DecimalField(24, 12)
        used_usd = serializers.DecimalField(24, 12)
        left_usd = serializers.DecimalField(24, 12, allow_null=True)
        forecast = Forecast()

    @extend_schema(
        operation_id="budgets_position", parameters=[Query], responses=Output, tags=["books"]
    )
    def get(self, request: Request) -> Response:
        """Say what is spent and held this month, what is left, and where the month will end."""
        query, now = asked(self.Query, request), timezone.now()
        slug = query.get("team")
        team = team_for(actor=actor_of(request), slug=slug) if slug else None
        standing = queries.standing(team=team, now=now)
        position = standing.position
        answer = {
            "team": slug,
            "budget_usd": position.budget_usd,
            "spent_usd": position.spent_usd,
            "held_usd": position.held_usd,
            "used_usd": position.used_usd,
            "left_usd": position.left_usd,
            "forecast": standing.forecast,
        }
        return Response(self.Output(answer).data)


class Reservations(APIView):
    """Money held for deployments."""

    class Query(serializers.Serializer):
        team = serializers.CharField(required=False, max_length=40)
        feature = serializers.CharField(required=False, max_length=40)
        deployment = serializers.CharField(required=False, max_length=63)
        held = serializers.BooleanField(
            required=False, help_text="true: held now; false: let go; both when left out."
        )

    class Output(serializers.Serializer):
        id = serializers.IntegerField()
        team = serializers.CharField(source="team.slug")
        feature = serializers.CharField(source="feature.slug")
        deployment = serializers.CharField()
        monthly_usd = serializers.DecimalField(24, 12)
        held_at = serializers.DateTimeField()
        released_at = serializers.DateTimeField(allow_null=True)

    @extend_schema(
        operation_id="reservations_list",
        parameters=[Query],
        responses=schema_of(Output),
        tags=["books"],
    )
    def get(self, request: Request) -> Response:
        """List what is held, or was, for the caller's teams."""
        rows = queries.reservations(actor=actor_of(request), **asked(self.Query, request))
        return page(request, rows, self.Output, order=("-id",))
