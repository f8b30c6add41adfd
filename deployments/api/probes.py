"""REST: probes, what they would cost, and a team's probes by schedule."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import tasks
from deployments.domain.probing import FEWEST_INPUT_TOKENS
from deployments.queries import probes as queries
from deployments.usecases import probes as usecases
from portal.queries import feature_for
from portal.rest import actor_of, pagination, read


class ProbeBounded(serializers.Serializer):
    """A percentile and its 90 % interval; null where the sample is too small to bound it."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ProbePercentiles(serializers.Serializer):
    """Three percentiles."""

    p50 = ProbeBounded(required=False)
    p95 = ProbeBounded(required=False)
    p99 = ProbeBounded(required=False)


class ProbeMeasured(serializers.Serializer):
    """What the answered requests say; empty when none was answered.

    Of the tokens/s p95 is the speed that 95 % of the answers reach.
    """

    answers = serializers.IntegerField(required=False)
    confidence = serializers.CharField(required=False)
    first_token_ms = ProbePercentiles(required=False)
    answer_ms = ProbePercentiles(required=False)
    tokens_per_s = ProbePercentiles(required=False)


class Output(serializers.Serializer):
    """A probe: what it sends and may cost, how it went, and what it measured."""

    id = serializers.IntegerField()
    feature = serializers.CharField(source="feature.slug", help_text="Which pays for it.")
    model = serializers.CharField()
    route = serializers.CharField()
    region = serializers.CharField()
    is_sandbox = serializers.BooleanField(help_text="ProbeMeasured in the sandbox, not on AWS.")
    requests = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    most_usd = serializers.DecimalField(max_digits=24, decimal_places=12)
    spent_usd = serializers.DecimalField(max_digits=24, decimal_places=12)
    sent = serializers.IntegerField()
    answered = serializers.IntegerField()
    throttled = serializers.IntegerField()
    failed = serializers.IntegerField()
    lost = serializers.IntegerField(help_text="Sent, perhaps paid, never heard.")
    measured = ProbeMeasured()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class Input(serializers.Serializer):
    """What to measure, how, and which feature pays."""

    feature = serializers.SlugField(max_length=100)
    model = serializers.CharField(max_length=120)
    route = serializers.ChoiceField(choices=["us", "global", "in-region"])
    requests = serializers.IntegerField(min_value=1, max_value=usecases.MOST_REQUESTS, default=40)
    input_tokens = serializers.IntegerField(
        min_value=FEWEST_INPUT_TOKENS, max_value=usecases.MOST_INPUT_TOKENS, default=300
    )
    output_tokens = serializers.IntegerField(
        min_value=2, max_value=usecases.MOST_OUTPUT_TOKENS, default=100
    )
    most_usd = serializers.DecimalField(
        max_digits=14,
        decimal_places=12,
        min_value=0,
        max_value=usecases.MOST_USD,
        allow_null=True,
        default=None,
        help_text="No request is sent that could pass it; null takes what all can cost at most.",
    )


class PlanOutput(serializers.Serializer):
    """The most a probe can cost, and whether the budgets carry it."""

    model = serializers.CharField(source="wish.model")
    route = serializers.CharField(source="wish.route")
    requests = serializers.IntegerField(source="wish.requests")
    each_usd = serializers.DecimalField(
        max_digits=24, decimal_places=12, help_text="The most one request can cost."
    )
    needed_usd = serializers.DecimalField(
        max_digits=24, decimal_places=12, help_text="The most all of them can cost."
    )
    most_usd = serializers.DecimalField(
        max_digits=24, decimal_places=12, help_text="The cap: what is held, and never passed."
    )
    requests_sure = serializers.IntegerField(
        source="fits", help_text="How many requests the cap is sure to carry."
    )
    fits_budget = serializers.BooleanField(source="consent.fits")
    budget = serializers.CharField(source="consent.sentence")


def _wish(asked: dict[str, Any]) -> usecases.Wish:
    return usecases.Wish(**{name: asked[name] for name in asked if name != "feature"})


class Plans(APIView):
    """What a probe would cost."""

    @extend_schema(operation_id="probe_plans_create", request=Input, responses=PlanOutput)
    def post(self, request: Request) -> Response:
        """Say the most it can cost, and touch nothing."""
        asked, actor = read(Input, request), actor_of(request)
        plan = usecases.plan(
            actor=actor,
            feature=feature_for(actor=actor, slug=asked["feature"]),
            wish=_wish(asked),
            now=timezone.now(),
        )
        return Response(PlanOutput(plan).data)


class Probes(APIView):
    """Probes: list them, start one."""

    @extend_schema(
        operation_id="probes_list",
        parameters=[OpenApiParameter("model", str, description="Catalog id of one model.")],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List probes, newest first."""
        found = queries.visible(actor=actor_of(request))
        if model := request.query_params.get("model"):
            found = found.filter(model=model)
        return pagination.page(request, found, Output)

    @extend_schema(operation_id="probes_create", request=Input, responses={202: Output})
    def post(self, request: Request) -> Response:
        """Start a probe; a worker sends its requests, and never more than its cap carries."""
        asked, actor = read(Input, request), actor_of(request)
        probe = usecases.start(
            actor=actor,
            feature=feature_for(actor=actor, slug=asked["feature"]),
            wish=_wish(asked),
            now=timezone.now(),
        )
        tasks.nudge_probe(probe.pk)
        return Response(Output(probe).data, status=202)


class Probe(APIView):
    """One probe."""

    @extend_schema(operation_id="probes_retrieve", responses=Output)
    def get(self, request: Request, probe_id: int) -> Response:
        """Show a probe as it stands."""
        return Response(Output(queries.probe_for(actor=actor_of(request), pk=probe_id)).data)


class Stop(APIView):
    """Stop a probe."""

    @extend_schema(operation_id="probes_stop", request=None, responses={202: Output})
    def post(self, request: Request, probe_id: int) -> Response:
        """Ask it to stop; what was sent stays sent and paid."""
        actor = actor_of(request)
        probe = queries.probe_for(actor=actor, pk=probe_id)
        usecases.stop(actor=actor, probe=probe, now=timezone.now())
        probe.refresh_from_db()
        return Response(Output(probe).data, status=202)
