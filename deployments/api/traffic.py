"""REST: play traffic through a deployment."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import tasks
from deployments.queries import traffic as queries
from deployments.usecases import traffic as usecases
from portal.rest import actor_of, pagination, read


class Percentiles(serializers.Serializer):
    """Milliseconds as the caller saw them."""

    p50 = serializers.IntegerField(required=False)
    p95 = serializers.IntegerField(required=False)
    p99 = serializers.IntegerField(required=False)


class Output(serializers.Serializer):
    """A run: what the load would be, what was really sent, and how it was answered."""

    id = serializers.IntegerField()
    deployment = serializers.CharField(source="deployment.slug")
    load_seconds = serializers.IntegerField()
    speed = serializers.DecimalField(max_digits=10, decimal_places=2)
    seed = serializers.IntegerField()
    max_requests = serializers.IntegerField()
    arrivals = serializers.IntegerField()
    planned = serializers.IntegerField()
    sent = serializers.IntegerField()
    answered = serializers.IntegerField()
    throttled = serializers.IntegerField()
    failed = serializers.IntegerField()
    latency_ms = Percentiles()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class TrafficRuns(APIView):
    """Traffic runs: list them, start one."""

    class Input(serializers.Serializer):
        """What to play."""

        deployment = serializers.SlugField(max_length=40)
        load_seconds = serializers.IntegerField(
            min_value=1, max_value=usecases.MOST_LOAD_SECONDS, default=3600
        )
        speed = serializers.DecimalField(
            max_digits=7,
            decimal_places=1,
            min_value=Decimal("0.1"),
            max_value=Decimal(10_000),
            default=Decimal(60),
        )
        max_requests = serializers.IntegerField(
            min_value=1, max_value=usecases.MOST_REQUESTS, default=300
        )
        seed = serializers.IntegerField(min_value=0, max_value=2_147_483_647, default=7)

    @extend_schema(
        operation_id="traffic_runs_list",
        parameters=[OpenApiParameter("deployment", str, description="Slug of one deployment.")],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List traffic runs, newest first."""
        found = queries.visible_runs(actor=actor_of(request))
        if slug := request.query_params.get("deployment"):
            found = found.filter(deployment__slug=slug)
        return pagination.page(request, found, Output)

    @extend_schema(operation_id="traffic_runs_create", request=Input, responses={202: Output})
    def post(self, request: Request) -> Response:
        """Start a run; it is played by a worker."""
        asked = read(self.Input, request)
        actor = actor_of(request)
        slug = asked.pop("deployment")
        run = usecases.start(
            actor=actor,
            deployment=queries.deployment_for(actor=actor, slug=slug),
            **asked,
            now=timezone.now(),
        )
        tasks.nudge_traffic(run.pk)
        return Response(Output(run).data, status=202)


class TrafficRun(APIView):
    """One traffic run."""

    @extend_schema(operation_id="traffic_runs_retrieve", responses=Output)
    def get(self, request: Request, run_id: int) -> Response:
        """Show a run as it stands."""
        return Response(Output(queries.run_for(actor=actor_of(request), run_id=run_id)).data)


class Stop(APIView):
    """Stop a traffic run."""

    @extend_schema(operation_id="traffic_runs_stop", request=None, responses={202: Output})
    def post(self, request: Request, run_id: int) -> Response:
        """Ask a run to stop; what was sent stays sent."""
        actor = actor_of(request)
        run = queries.run_for(actor=actor, run_id=run_id)
        usecases.stop(actor=actor, run=run)
        run.refresh_from_db()
        return Response(Output(run).data, status=202)
