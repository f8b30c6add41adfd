"""REST: portfolio plans, one option for each feature under one budget."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.workloads import Number
from deployments.domain.portfolio.problem import Objective
from deployments.models import PortfolioPlan as PlanRow
from deployments.queries import portfolio as queries
from deployments.usecases import portfolio as usecases
from portal.queries import team_for
from portal.rest import actor_of, pagination, read


class PortfolioPlanInput(serializers.Serializer):
    """Whose features, the budget, what is sought and what is limited."""

    team = serializers.SlugField(
        max_length=40, required=False, help_text="Short name; everybody's when left out."
    )
    budget_usd = Number(required=False, help_text="A month; the budget in force when left out.")
    objective = serializers.ChoiceField(
        choices=[each.value for each in Objective],
        required=False,
        help_text="cost: the least for all features; value: the most that fits, by priority.",
    )
    limits = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=1_000_000),
        required=False,
        help_text="Most instances by type, and `model-units`.",
    )
    priorities = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=100),
        required=False,
        help_text="By the feature's short name; 10 where nothing is said.",
    )
    longest_commitment_months = Number(required=False)
    launchable_only = serializers.BooleanField(
        required=False, help_text="Take nothing that a launch does not build yet."
    )


class PortfolioPlanSummary(serializers.Serializer):
    """A portfolio plan without its picks."""

    id = serializers.IntegerField()
    team = serializers.SerializerMethodField(help_text="Short name; null: everybody's features.")
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    prices_as_of = serializers.DateField(help_text="Of the oldest recommendation in it.")
    budget_usd = serializers.DecimalField(max_digits=24, decimal_places=12)
    objective = serializers.CharField()
    request = serializers.DictField(help_text="What was asked for, as it was understood.")
    fits = serializers.SerializerMethodField()

    def get_team(self, row: PlanRow) -> str | None:
        """Return the team's short name."""
        return row.team.slug if row.team else None

    def get_fits(self, row: PlanRow) -> bool:
        """Say whether a selection keeps every limit."""
        return bool(row.body["fits"])


class PortfolioPlanOutput(PortfolioPlanSummary):
    """A portfolio plan: picks, the proof, what more would bring, rivals, what must give."""

    plan = serializers.DictField(source="body", help_text="Money in USD as text.")


class PortfolioPlans(APIView):
    """Portfolio plans: list them, make one."""

    @extend_schema(
        operation_id="portfolio_plans_list", responses=pagination.schema_of(PortfolioPlanSummary)
    )
    def get(self, request: Request) -> Response:
        """List portfolio plans, newest first."""
        return pagination.page(
            request, queries.plans(actor=actor_of(request)), PortfolioPlanSummary
        )

    @extend_schema(
        operation_id="portfolio_plans_create",
        request=PortfolioPlanInput,
        responses={201: PortfolioPlanOutput},
    )
    def post(self, request: Request) -> Response:
        """Choose one option for each feature under the budget, and keep the answer."""
        asked, actor = read(PortfolioPlanInput, request), actor_of(request)
        slug = asked.pop("team", "")
        made = usecases.plan_portfolio(
            actor=actor,
            team=team_for(actor=actor, slug=slug) if slug else None,
            given=asked,
            now=timezone.now(),
        )
        return Response(PortfolioPlanOutput(made).data, status=201)


class PortfolioPlan(APIView):
    """One portfolio plan."""

    @extend_schema(operation_id="portfolio_plans_retrieve", responses=PortfolioPlanOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return one portfolio plan."""
        row = queries.plan_for(actor=actor_of(request), pk=pk)
        return Response(PortfolioPlanOutput(row).data)
