"""REST: cascades, what they may spend, and what they do now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.models import Cascade as Row
from cascade.queries import cascades as queries
from cascade.queries import live
from cascade.usecases import cascades as usecases
from deployments.domain.lifecycle import Environment
from portal.errors import Invalid
from portal.queries import feature_for
from portal.rest import actor_of, pagination, read

ENVIRONMENTS = [each.value for each in Environment]
USD: dict[str, Any] = {"max_digits": 24, "decimal_places": 12}
LONGEST_LOOK_BACK_HOURS = 24 * 31


class CascadeOutput(serializers.Serializer):
    """A feature's stages of models behind one URL, in one environment."""

    slug = serializers.CharField()
    feature = serializers.CharField(source="feature.slug")
    team = serializers.CharField(source="feature.team.slug")
    environment = serializers.ChoiceField(choices=ENVIRONMENTS)
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)


class CascadeDetail(CascadeOutput):
    """A cascade with what answers now."""

    live = serializers.IntegerField(allow_null=True, help_text="Number of the live policy.")
    canary = serializers.IntegerField(allow_null=True, help_text="Number of the canary.")
    canary_share = serializers.FloatField(help_text="Of requests, 0 to 1.")
    has_draft = serializers.BooleanField()
    monthly_usd = serializers.DecimalField(
        max_digits=16,
        decimal_places=6,
        allow_null=True,
        help_text="What the feature's cascades may spend in a month; null: no limit of their own.",
    )


def detail(row: Row) -> dict[str, Any]:
    """Return a cascade as it stands now."""
    standing = queries.standing_of(cascade=row)
    canary = standing.canary if standing else None
    return CascadeDetail(
        {
            "slug": row.slug,
            "feature": row.feature,
            "environment": row.environment,
            "created_at": row.created_at,
            "retired_at": row.retired_at,
            "live": standing.live.number if standing else None,
            "canary": canary.number if canary else None,
            "canary_share": standing.canary_share if standing else 0.0,
            "has_draft": queries.draft_of(cascade=row) is not None,
            "monthly_usd": queries.limit_of(feature=row.feature),
        }
    ).data


class Cascades(APIView):
    """Cascades: list them, make one."""

    class Input(serializers.Serializer):
        """Whose cascade, and where it serves."""

        feature = serializers.SlugField(max_length=40)
        environment = serializers.ChoiceField(choices=ENVIRONMENTS)

    @extend_schema(
        operation_id="cascades_list",
        parameters=[
            OpenApiParameter("team", str, description="Slug of one team."),
            OpenApiParameter("feature", str, description="Short name of one feature."),
            OpenApiParameter("environment", str, enum=ENVIRONMENTS),
        ],
        responses=pagination.schema_of(CascadeOutput),
    )
    def get(self, request: Request) -> Response:
        """List the cascades you may see, newest first."""
        asked = {
            name: request.query_params.get(name, "")[:200].replace("\x00", "")
            for name in ("team", "feature", "environment")
        }
        if "environment" in request.query_params and asked["environment"] not in ENVIRONMENTS:
            words = f"The environment is one of {', '.join(ENVIRONMENTS)}."
            raise Invalid("There are no such cascades.", fields={"environment": words})
        found = queries.cascades(actor=actor_of(request), **asked)
        return pagination.page(request, found, CascadeOutput)

    @extend_schema(operation_id="cascades_create", request=Input, responses={201: CascadeDetail})
    def post(self, request: Request) -> Response:
        """Make a feature's cascade with a suggested draft; nothing answers yet."""
        asked, actor = read(self.Input, request), actor_of(request)
        made = usecases.create_cascade(
            actor=actor,
            feature=feature_for(actor=actor, slug=asked["feature"]),
            environment=asked["environment"],
            now=timezone.now(),
        )
        return Response(detail(made), status=201)


class Cascade(APIView):
    """One cascade."""

    @extend_schema(operation_id="cascades_retrieve", responses=CascadeDetail)
    def get(self, request: Request, slug: str) -> Response:
        """Show a cascade and what answers now."""
        return Response(detail(queries.cascade_for(actor=actor_of(request), slug=slug)))


class Retire(APIView):
    """The end of a cascade."""

    @extend_schema(operation_id="cascades_retire", request=None, responses=CascadeDetail)
    def post(self, request: Request, slug: str) -> Response:
        """Let it answer no more; its history stays. Retiring twice is no error."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        usecases.retire(actor=actor, cascade=row, now=timezone.now())
        return Response(detail(row))


class Limit(APIView):
    """What a feature's cascades may spend."""

    class Input(serializers.Serializer):
        """USD a calendar month (UTC); null lifts the limit."""

        monthly_usd = serializers.DecimalField(
            max_digits=16,
            decimal_places=6,
            min_value=Decimal(0),
            max_value=usecases.MOST_USD,
            allow_null=True,
        )

    class Output(serializers.Serializer):
        """USD a calendar month (UTC); null: no limit of its own."""

        monthly_usd = serializers.DecimalField(max_digits=16, decimal_places=6, allow_null=True)

    @extend_schema(operation_id="cascades_limit_retrieve", responses=Output)
    def get(self, request: Request, slug: str) -> Response:
        """Show the feature's monthly limit."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        return Response(self.Output({"monthly_usd": queries.limit_of(feature=row.feature)}).data)

    @extend_schema(operation_id="cascades_limit", request=Input, responses=CascadeDetail)
    def put(self, request: Request, slug: str) -> Response:
        """Set the feature's monthly limit; gateways keep it within seconds."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        asked = read(self.Input, request)
        usecases.set_limits(actor=actor, feature=row.feature, **asked, now=timezone.now())
        return Response(detail(row))


class FiguresOutput(serializers.Serializer):
    """A stretch of time added up, in USD and ms; `usd` has no shadow calls in it."""

    requests = serializers.IntegerField()
    answered = serializers.IntegerField()
    short = serializers.IntegerField(help_text="Answered below the threshold.")
    failed = serializers.IntegerField()
    refused = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    escalated = serializers.IntegerField()
    usd = serializers.DecimalField(**USD)
    shadow_usd = serializers.DecimalField(**USD)
    baseline_usd = serializers.DecimalField(
        **USD, help_text="What the strongest stage's model alone would have cost."
    )
    saved_usd = serializers.DecimalField(**USD)
    saved_share = serializers.FloatField(allow_null=True)
    escalated_share = serializers.FloatField(allow_null=True)
    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
    first_token_p50_ms = serializers.IntegerField(allow_null=True)


class StageOutput(serializers.Serializer):
    """A stage added up, with its partner's and judge's calls."""

    stage = serializers.CharField()
    model = serializers.CharField()
    answered = serializers.IntegerField()
    rejected = serializers.IntegerField()
    attempts = serializers.IntegerField()
    failed = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    usd = serializers.DecimalField(**USD)
    share = serializers.FloatField(help_text="Of the requests that were answered.")


class HourOutput(serializers.Serializer):
    """One hour."""

    hour = serializers.DateTimeField()
    figures = FiguresOutput()
    answered = serializers.DictField(child=serializers.IntegerField(), help_text="By stage.")


class LiveOutput(serializers.Serializer):
    """What a cascade did lately."""

    whole = FiguresOutput()
    month = FiguresOutput()
    limit_usd = serializers.DecimalField(max_digits=16, decimal_places=6, allow_null=True)
    limit_share = serializers.FloatField(allow_null=True)
    stages = StageOutput(many=True)
    by_role = serializers.DictField(child=serializers.DecimalField(**USD))
    by_policy = serializers.DictField(child=FiguresOutput())
    hours = HourOutput(many=True)
    open_alerts = serializers.IntegerField()


class Live(APIView):
    """What a cascade does now."""

    @extend_schema(
        operation_id="cascades_live",
        parameters=[
            OpenApiParameter(
                "hours",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LONGEST_LOOK_BACK_HOURS,
                    "default": 24,
                },
                description="How far back.",
            )
        ],
        responses=LiveOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Show requests, escalations, cost and savings of the last hours."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        hours = whole(request, "hours", usual=24, most=LONGEST_LOOK_BACK_HOURS)
        return Response(LiveOutput(live.live(cascade=row, now=timezone.now(), hours=hours)).data)


def whole(request: Request, name: str, *, usual: int, most: int) -> int:
    """Return a whole number of the query, 1 to `most`. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= most:
        words = f"This is a whole number from 1 to {most:,}."
        raise Invalid("The query cannot be taken as it is.", fields={name: words})
    return int(text)
