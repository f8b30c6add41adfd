"""REST: capacity plans of language models, and the load tests that make them better."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.workloads import Number
from deployments.domain import plan_input, point_input
from deployments.domain.architecture_input import EXPERTS, NUMBERS
from deployments.domain.workload_input import PERCENTILES
from deployments.forms.workload import LATENCY_OF
from deployments.models import CapacityPlan as PlanRow
from deployments.queries import capacity as queries
from deployments.queries.capacity_page import outdated
from deployments.usecases import capacity as usecases
from portal.queries import feature_for, team_for
from portal.rest import actor_of, pagination, read


class CapacityPlanInput(serializers.Serializer):
    """A model, its load, its objectives and what may be used; units are in the names.

    Name a `model`, or give the numbers of its configuration file (`layers` to `vocabulary`).
    """

    team = serializers.SlugField(max_length=40)
    feature = serializers.SlugField(max_length=40, required=False)
    model = serializers.CharField(max_length=200, required=False)
    name = serializers.CharField(max_length=80, required=False, help_text="Of an own model.")
    max_context = Number(required=False)
    is_tied = serializers.BooleanField(required=False)
    mean_rps = Number()
    peak_rps = Number(required=False, help_text="The highest minute; the mean when left out.")
    input_tokens_mean = Number()
    input_tokens_p95 = Number(required=False, help_text="The mean when left out.")
    output_tokens_mean = Number()
    output_tokens_p95 = Number(required=False, help_text="The mean when left out.")
    max_output_tokens = Number(required=False, help_text="Cuts every answer.")
    prefix_cached_share = Number(required=False, help_text="Of input tokens, 0 to 1 (0).")
    latency_ms = Number()
    latency_percentile = serializers.ChoiceField(choices=PERCENTILES, required=False)
    latency_of = serializers.ChoiceField(choices=LATENCY_OF, required=False)
    ttft_ms = Number(required=False, help_text="First token within, at the same percentile.")
    tpot_ms = Number(required=False, help_text="Each further token within, on average.")
    usd_per_request = Number(required=False, help_text="A request costs at most.")
    region = serializers.CharField(max_length=40, required=False)
    precisions = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=20, required=False
    )
    instance_types = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=100, required=False
    )
    gpu_quota = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=plan_input.MOST_INSTANCES),
        required=False,
        help_text="Most endpoint instances by instance type; others are not limited.",
    )
    engine = serializers.CharField(max_length=40, required=False)
    min_replicas = Number(required=False, help_text="Instances at least (2).")
    weights_s3_uri = serializers.CharField(max_length=1024, required=False, allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the numbers of an own model's configuration file."""
        return super().get_fields() | {
            name: Number(required=False) for name in (*NUMBERS, *EXPERTS)
        }


class CapacityPlanSummary(serializers.Serializer):
    """A capacity plan without its configurations."""

    id = serializers.IntegerField()
    team = serializers.CharField(source="team.slug")
    feature = serializers.SerializerMethodField()
    model = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    prices_as_of = serializers.DateField()
    request = serializers.DictField(help_text="What was asked for, as it was understood.")

    def get_feature(self, row: PlanRow) -> str | None:
        """Return the short name of the feature it is for."""
        return row.feature.slug if row.feature else None

    def get_model(self, row: PlanRow) -> str:
        """Return the name of the model."""
        return str(row.request["architecture"]["name"])


class CapacityPlanOutput(CapacityPlanSummary):
    """A capacity plan: finalists best first, the pick, what was refused, and the nearest."""

    outdated = serializers.SerializerMethodField(
        help_text="Why it no longer says what today's would; empty while it does."
    )
    plan = serializers.DictField(
        source="body",
        help_text="Times in milliseconds, memory in GiB, money in USD as text. Empty while a plan "
        "that was asked for on a page is being worked out.",
    )

    def get_outdated(self, row: PlanRow) -> list[str]:
        """Return what has changed since."""
        return list(outdated(row, now=timezone.now()))


class LoadPointInput(serializers.Serializer):
    """One measured load test of one copy of a model: its configuration, load and figures.

    Give `concurrency` or `request_rate`, and at least one measured figure.
    """

    team = serializers.SlugField(max_length=40)
    architecture = serializers.CharField(max_length=80, help_text="The model, as plans name it.")
    accelerator = serializers.CharField(max_length=60)
    tensor_parallel = serializers.IntegerField(min_value=1, max_value=16, required=False)
    pipeline_parallel = serializers.IntegerField(min_value=1, max_value=16, required=False)
    precision = serializers.CharField(max_length=40)
    engine = serializers.CharField(max_length=40)
    input_tokens = Number()
    output_tokens = Number()

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add loads, measured figures (some must be there), and `source`, which a field uses."""
        named = (*point_input.LOADS, *point_input.MEASURED)
        source = serializers.CharField(max_length=200, required=False, help_text="Who measured it.")
        return {
            **super().get_fields(),
            **{name: Number(required=False) for name in named},
            "source": source,
        }


class LoadPointOutput(serializers.Serializer):
    """A load test as it was entered, and the plans that were made anew with it."""

    id = serializers.IntegerField()
    team = serializers.CharField(source="team.slug")
    configuration = serializers.CharField()
    origin = serializers.CharField()
    measured_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    point = serializers.DictField(source="body")
    plans = serializers.SerializerMethodField(help_text="Ids of plans made anew by entering it.")

    def get_plans(self, row: Any) -> list[int]:
        """Return the plans that entering the point has made; none when it is only listed."""
        return [plan.pk for plan in self.context.get("plans", ())]


_FEATURE = OpenApiParameter("feature", str, description="Short name of one feature.")


class CapacityPlans(APIView):
    """Capacity plans: list them, make one."""

    @extend_schema(
        operation_id="capacity_plans_list",
        parameters=[_FEATURE],
        responses=pagination.schema_of(CapacityPlanSummary),
    )
    def get(self, request: Request) -> Response:
        """List capacity plans, newest first."""
        found = queries.plans(actor=actor_of(request)).defer("body")
        if slug := request.query_params.get("feature", "")[:100].replace("\x00", ""):
            found = found.filter(feature__slug=slug)
        return pagination.page(request, found, CapacityPlanSummary)

    @extend_schema(
        operation_id="capacity_plans_create",
        request=CapacityPlanInput,
        responses={201: CapacityPlanOutput},
    )
    def post(self, request: Request) -> Response:
        """Plan how to host a language model at today's prices, and keep the plan."""
        asked, actor, now = read(CapacityPlanInput, request), actor_of(request), timezone.now()
        slug = asked.pop("feature", None)
        row = usecases.plan_capacity(
            actor=actor,
            team=team_for(actor=actor, slug=asked.pop("team")),
            feature=feature_for(actor=actor, slug=slug) if slug else None,
            request=usecases.read_request(given=asked, now=now),
            now=now,
        )
        return Response(CapacityPlanOutput(row).data, status=201)


class CapacityPlan(APIView):
    """One capacity plan."""

    @extend_schema(operation_id="capacity_plans_retrieve", responses=CapacityPlanOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show a capacity plan with all its finalists."""
        return Response(CapacityPlanOutput(queries.plan_for(actor=actor_of(request), pk=pk)).data)


class CapacityPlanAgain(APIView):
    """The same plan once more."""

    @extend_schema(
        operation_id="capacity_plans_again", request=None, responses={201: CapacityPlanOutput}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask for the same at today's prices and with every load test known by now."""
        actor = actor_of(request)
        row = queries.plan_for(actor=actor, pk=pk)
        made = usecases.plan_again(actor=actor, row=row, now=timezone.now())
        return Response(CapacityPlanOutput(made).data, status=201)


class CapacityPlanEndpoint(APIView):
    """A running endpoint as a load test of a plan's configuration."""

    class Input(serializers.Serializer):
        """Which finalist of the plan the endpoint runs."""

        configuration = serializers.CharField(max_length=200, help_text="`key` of a finalist.")
        deployment = serializers.SlugField(max_length=40)

    @extend_schema(
        operation_id="capacity_plans_measure_endpoint",
        request=Input,
        responses={201: LoadPointOutput},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take the newest traffic through an endpoint as a load test, and plan anew with it."""
        actor = actor_of(request)
        row = queries.plan_for(actor=actor, pk=pk)
        asked = read(self.Input, request)
        point, plans = usecases.measure_endpoint(
            actor=actor,
            row=row,
            configuration=asked["configuration"],
            deployment=asked["deployment"],
            now=timezone.now(),
        )
        return Response(LoadPointOutput(point, context={"plans": plans}).data, status=201)


class LoadPoints(APIView):
    """Load tests: list them, enter one."""

    @extend_schema(operation_id="load_points_list", responses=pagination.schema_of(LoadPointOutput))
    def get(self, request: Request) -> Response:
        """List load tests, newest first."""
        return pagination.page(request, queries.points(actor=actor_of(request)), LoadPointOutput)

    @extend_schema(
        operation_id="load_points_create", request=LoadPointInput, responses={201: LoadPointOutput}
    )
    def post(self, request: Request) -> Response:
        """Enter a measured load test; the plans of its configuration are made anew with it."""
        asked, actor, now = read(LoadPointInput, request), actor_of(request), timezone.now()
        team = team_for(actor=actor, slug=asked.pop("team"))
        point, plans = usecases.enter_load_point(
            actor=actor, team=team, point=usecases.read_point(given=asked, now=now), now=now
        )
        return Response(LoadPointOutput(point, context={"plans": plans}).data, status=201)
