"""REST: deployments, from launch to retirement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypedDict, cast

from django.db.models import Manager
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.queries.spend import spend_of_deployments
from deployments import tasks
from deployments.domain.blueprint.names import LONGEST_SLUG, SLUG
from deployments.domain.lifecycle import Environment, State
from deployments.domain.options import Tier
from deployments.domain.ranking import SOFT
from deployments.domain.sizing import WORDS
from deployments.models import Deployment as DeploymentRow
from deployments.queries import operations as queries
from deployments.usecases import launch, operate
from portal.errors import Invalid
from portal.queries import feature_for
from portal.rest import actor_of, pagination, read


class Digits(TypedDict):
    """How many digits an amount has, in all and behind the point."""

    max_digits: int
    decimal_places: int


MONEY: Digits = {"max_digits": 24, "decimal_places": 12}
LARGEST_ID = 2**63 - 1
FILTERS = ("state", "tier", "environment", "team", "feature")
ENVIRONMENTS = [each.value for each in Environment]
CHOICES = {
    "state": [each.value for each in State],
    "tier": [each.value for each in Tier],
    "environment": ENVIRONMENTS,
}


class _Page(serializers.ListSerializer):
    """Reads what all deployments of a page have cost in one query."""

    def to_representation(self, data: Manager[Any] | Iterable[Any]) -> list[Any]:
        """Return the rows with their month to date."""
        rows = list(data.all() if isinstance(data, Manager) else data)
        cast(Output, self.child).spent = spend_of_deployments(
            slugs=[row.slug for row in rows], now=timezone.now()
        )
        return super().to_representation(rows)


class Output(serializers.Serializer):
    """A deployment: one option of a feature in one environment. Money in USD."""

    slug = serializers.CharField()
    feature = serializers.CharField(source="feature.slug")
    team = serializers.CharField(source="feature.team.slug")
    environment = serializers.ChoiceField(choices=ENVIRONMENTS)
    state = serializers.ChoiceField(choices=[each.value for each in State])
    is_wanted = serializers.BooleanField(help_text="False once somebody has retired it.")
    generation = serializers.IntegerField(source="current.number", default=None, allow_null=True)
    tier = serializers.CharField(source="current.tier", default="")
    model = serializers.CharField(source="current.model", default="")
    estimate_usd = serializers.DecimalField(
        source="current.monthly_usd", default=None, allow_null=True, help_text="A month.", **MONEY
    )
    spent_usd = serializers.SerializerMethodField(help_text="Booked this month so far.")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        list_serializer_class = _Page

    spent: dict[str, Decimal] = {}

    def get_spent_usd(self, row: DeploymentRow) -> str:
        """Return the USD of this month, in digits."""
        return format(self.spent.get(row.slug, Decimal(0)), "f")


def shown(row: DeploymentRow) -> dict[str, Any]:
    """Return one deployment as it stands now."""
    fresh = DeploymentRow.objects.select_related("feature__team", "current").get(pk=row.pk)
    return Output([fresh], many=True).data[0]


class Asked(serializers.Serializer):
    """Which option of which recommendation, where, and under which name."""

    feature = serializers.SlugField(max_length=40)
    recommendation = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    option = serializers.CharField(max_length=200)
    environment = serializers.ChoiceField(choices=ENVIRONMENTS)
    slug = serializers.RegexField(
        rf"^{SLUG.pattern}$",
        max_length=LONGEST_SLUG,
        required=False,
        help_text="Made from feature and environment when left out.",
    )


class Deployments(APIView):
    """Deployments: list them, launch one."""

    class Input(Asked):
        """A launch; `accept` names the soft checks that are broken and accepted."""

        accept = serializers.ListField(
            child=serializers.ChoiceField(choices=sorted(SOFT)),
            required=False,
            max_length=len(SOFT),
        )

    @extend_schema(
        operation_id="deployments_list",
        parameters=[
            *(OpenApiParameter(name, str, enum=words) for name, words in CHOICES.items()),
            OpenApiParameter("team", str, description="Slug of one team."),
            OpenApiParameter("feature", str, description="Short name of one feature."),
            OpenApiParameter("q", str, description="Words in deployment, feature or model."),
        ],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List the deployments you may see, newest first."""
        asked = {name: _word(request, name) for name in FILTERS}
        _check_choices(request.query_params)
        found = queries.deployments(actor=actor_of(request), search=_word(request, "q"), **asked)
        return pagination.page(request, found, Output)

    @extend_schema(operation_id="deployments_create", request=Input, responses={202: Output})
    def post(self, request: Request) -> Response:
        """Launch an option: its money is held now, a worker builds it."""
        asked = read(self.Input, request)
        actor = actor_of(request)
        deployment = launch.launch(
            actor=actor,
            feature=feature_for(actor=actor, slug=asked["feature"]),
            recommendation_id=asked["recommendation"],
            option_id=asked["option"],
            environment=asked["environment"],
            slug=asked.get("slug", ""),
            accept=asked.get("accept", ()),
            now=timezone.now(),
        )
        tasks.nudge(deployment)
        return Response(shown(deployment), status=202)


def _word(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:200].replace("\x00", "")


def _check_choices(asked: Mapping[str, Any]) -> None:
    fields = {
        name: f"The {name} is one of {', '.join(words)}."
        for name, words in CHOICES.items()
        if name in asked and asked[name] not in words
    }
    if fields:
        raise Invalid("There are no such deployments.", fields=fields)


class Deployment(APIView):
    """One deployment."""

    @extend_schema(operation_id="deployments_retrieve", responses=Output)
    def get(self, request: Request, slug: str) -> Response:
        """Show a deployment as it stands."""
        return Response(shown(queries.deployment_for(actor=actor_of(request), slug=slug)))


SizeInput = type(
    "DeploymentSize",
    (serializers.Serializer,),
    {
        "__doc__": "The parts of the size to change; which ones there are depends on the tier.",
        **{
            name: serializers.IntegerField(
                required=False, min_value=1, max_value=1_000_000, help_text=f"{words}."
            )
            for name, words in WORDS.items()
        },
    },
)


class Resize(APIView):
    """Another size of a deployment."""

    Input = SizeInput

    @extend_schema(operation_id="deployments_resize", request=SizeInput, responses={202: Output})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for another size: in place where AWS can, else by a new generation beside it."""
        asked = read(self.Input, request)
        actor = actor_of(request)
        deployment = queries.deployment_for(actor=actor, slug=slug)
        operate.resize(actor=actor, deployment=deployment, size=asked, now=timezone.now())
        tasks.nudge(deployment)
        return Response(shown(deployment), status=202)


class Retire(APIView):
    """The end of a deployment."""

    @extend_schema(operation_id="deployments_retire", request=None, responses={202: Output})
    def post(self, request: Request, slug: str) -> Response:
        """Take everything of it down; retiring twice is no error."""
        actor = actor_of(request)
        deployment = queries.deployment_for(actor=actor, slug=slug)
        operate.retire(actor=actor, deployment=deployment, now=timezone.now())
        tasks.nudge(deployment)
        return Response(shown(deployment), status=202)


class Retry(APIView):
    """Another attempt at what failed."""

    @extend_schema(operation_id="deployments_retry", request=None, responses={202: Output})
    def post(self, request: Request, slug: str) -> Response:
        """Try again what AWS refused."""
        actor = actor_of(request)
        deployment = queries.deployment_for(actor=actor, slug=slug)
        operate.retry(actor=actor, deployment=deployment, now=timezone.now())
        tasks.nudge(deployment)
        return Response(shown(deployment), status=202)
