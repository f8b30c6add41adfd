"""REST: features."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.queries import feature_for, features, team_for
from portal.rest import actor_of, pagination, read
from portal.usecases import features as usecases
from portal.usecases.naming import LONGEST_NAME, LONGEST_SLUG, WHAT_A_SLUG_IS


class Output(serializers.Serializer):
    """A feature: one AI capability of a product."""

    slug = serializers.CharField()
    name = serializers.CharField()
    team = serializers.CharField(source="team.slug")
    description = serializers.CharField()
    cost_centre = serializers.CharField()
    data_class = serializers.CharField()
    created_at = serializers.DateTimeField()


class Words(serializers.Serializer):
    """What may be said about a feature, and changed later."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    cost_centre = serializers.CharField(max_length=40, required=False, allow_blank=True)
    data_class = serializers.ChoiceField(choices=usecases.DATA_CLASSES, required=False)


class Features(APIView):
    """Features: list them, register one."""

    class Input(Words):
        """A new feature."""

        slug = serializers.RegexField(
            r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            max_length=LONGEST_SLUG,
            help_text="Small letters, digits and single hyphens; it stays for ever.",
            error_messages={"invalid": WHAT_A_SLUG_IS},
        )
        team = serializers.SlugField(max_length=40)
        name = serializers.CharField(max_length=LONGEST_NAME)

    @extend_schema(
        operation_id="features_list",
        parameters=[
            OpenApiParameter("team", str, description="Slug of one team."),
            OpenApiParameter("q", str, description="Words in the name."),
        ],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List the features you may see, newest first."""
        asked = request.query_params
        found = features(
            actor=actor_of(request),
            search=asked.get("q", "")[:200].replace("\x00", ""),
            team=asked.get("team", "").replace("\x00", ""),
        )
        return pagination.page(request, found, Output)

    @extend_schema(operation_id="features_create", request=Input, responses={201: Output})
    def post(self, request: Request) -> Response:
        """Register a feature of a team."""
        asked = read(self.Input, request)
        actor = actor_of(request)
        team = team_for(actor=actor, slug=asked.pop("team"))
        feature = usecases.register(actor=actor, team=team, **asked, now=timezone.now())
        return Response(Output(feature).data, status=201)


class Feature(APIView):
    """One feature."""

    Input = Words

    @extend_schema(operation_id="features_retrieve", responses=Output)
    def get(self, request: Request, slug: str) -> Response:
        """Show a feature."""
        return Response(Output(feature_for(actor=actor_of(request), slug=slug)).data)

    @extend_schema(operation_id="features_update", request=Words, responses=Output)
    def patch(self, request: Request, slug: str) -> Response:
        """Change what is said about a feature."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        asked = read(self.Input, request)
        changed = usecases.change(actor=actor, feature=feature, **asked, now=timezone.now())
        return Response(Output(changed).data)
