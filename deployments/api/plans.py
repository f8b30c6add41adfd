"""REST: what a launch would do, before it is done."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.deployments import ENVIRONMENTS, MONEY, Asked
from deployments.queries.advice import recommendation_for
from deployments.usecases import launch
from portal.queries import feature_for
from portal.rest import actor_of, read


class Call(serializers.Serializer):
    """One AWS call, in the order of the plan."""

    service = serializers.CharField()
    operation = serializers.CharField()
    name = serializers.CharField()
    why = serializers.CharField()
    costs = serializers.CharField()


class Allowed(serializers.Serializer):
    """What a role will be allowed to do."""

    role = serializers.CharField()
    service = serializers.CharField()
    sid = serializers.CharField()
    actions = serializers.ListField(child=serializers.CharField())
    resources = serializers.ListField(child=serializers.CharField())
    conditions = serializers.CharField()


class Broken(serializers.Serializer):
    """A check that does not hold."""

    name = serializers.CharField()
    sentence = serializers.CharField()


class Money(serializers.Serializer):
    """Whether the budgets carry it, in USD; the figures leave out what this deployment holds."""

    fits = serializers.BooleanField()
    sentence = serializers.CharField()
    budget_usd = serializers.DecimalField(allow_null=True, **MONEY)
    spent_usd = serializers.DecimalField(**MONEY)
    held_usd = serializers.DecimalField(**MONEY)
    left_usd = serializers.DecimalField(allow_null=True, **MONEY)
    team_budget_usd = serializers.DecimalField(allow_null=True, **MONEY)
    team_spent_usd = serializers.DecimalField(**MONEY)
    team_held_usd = serializers.DecimalField(**MONEY)
    team_left_usd = serializers.DecimalField(allow_null=True, **MONEY)


class Plan(serializers.Serializer):
    """What a launch would do: calls, permissions, money, and what forbids it."""

    slug = serializers.CharField()
    environment = serializers.ChoiceField(choices=ENVIRONMENTS)
    option = serializers.CharField(source="option.option_id")
    summary = serializers.CharField(source="option.summary")
    monthly_usd = serializers.DecimalField(**MONEY)
    may_launch = serializers.BooleanField(help_text="Once the acceptable checks are accepted.")
    calls = Call(many=True)
    permissions = Allowed(many=True)
    budget = Money(source="consent")
    forbidden = Broken(many=True, help_text="Can never be accepted.")
    acceptable = Broken(many=True, help_text="To be named in `accept` of a launch.")
    warnings = serializers.ListField(child=serializers.CharField())


class Plans(APIView):
    """Plans of launches."""

    Input = Asked

    @extend_schema(operation_id="plans_create", request=Asked, responses={200: Plan})
    def post(self, request: Request) -> Response:
        """Show what a launch would do; nothing is touched."""
        asked = read(self.Input, request)
        actor = actor_of(request)
        plan = launch.preview(
            actor=actor,
            feature=feature_for(actor=actor, slug=asked["feature"]),
            recommendation=recommendation_for(actor=actor, pk=asked["recommendation"]),
            option_id=asked["option"],
            environment=asked["environment"],
            slug=asked.get("slug", ""),
            now=timezone.now(),
        )
        return Response(Plan(plan).data)
