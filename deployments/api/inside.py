"""REST: what a deployment is made of, what happened to it, and how it is called."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.domain.lifecycle import Phase
from deployments.queries import operations as queries
from deployments.queries.facing import snippets_of
from portal.errors import Conflict
from portal.rest import actor_of, pagination


class ResourceOutput(serializers.Serializer):
    """One AWS object: what was wished, and what was last seen of it."""

    generation = serializers.IntegerField(source="generation.number")
    key = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField(help_text="Its name in AWS.")
    needs = serializers.ListField(child=serializers.CharField())
    is_wanted = serializers.BooleanField()
    phase = serializers.ChoiceField(choices=[each.value for each in Phase])
    outputs = serializers.DictField(help_text="As AWS told: arn, url, version ...")
    code = serializers.CharField(help_text="AWS's error code, when it refused.")
    detail = serializers.CharField(help_text="The last word of AWS.")
    attempts = serializers.IntegerField(help_text="In a row, refused for now.")
    next_look_at = serializers.DateTimeField(source="wake_at", allow_null=True)
    began_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    gone_at = serializers.DateTimeField(allow_null=True)


class EventOutput(serializers.Serializer):
    """One thing that happened: what was said, what it means, what to do."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    generation = serializers.IntegerField(source="generation.number", default=None, allow_null=True)
    resource = serializers.CharField(source="resource.key", default="")
    words = serializers.CharField()
    meaning = serializers.CharField()
    advice = serializers.CharField()


class SnippetOutput(serializers.Serializer):
    """Text to paste."""

    # DRF's metaclass takes declared fields off the class; the stubs see two things of one name.
    label = serializers.CharField()  # type: ignore[assignment]
    code = serializers.CharField()


class Snippets(serializers.Serializer):
    """How to call a deployment; signed with one's own AWS credentials."""

    results = SnippetOutput(many=True)


class Resources(APIView):
    """What a deployment is made of."""

    @extend_schema(
        operation_id="deployment_resources_list", responses=pagination.schema_of(ResourceOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List everything it is or was made of, in the order of its making."""
        deployment = queries.deployment_for(actor=actor_of(request), slug=slug)
        found = queries.resources_of(deployment=deployment)
        order = ("generation__number", "position", "pk")
        return pagination.page(request, found, ResourceOutput, order=order)


class Events(APIView):
    """What happened to a deployment."""

    @extend_schema(
        operation_id="deployment_events_list", responses=pagination.schema_of(EventOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List what happened, newest first."""
        deployment = queries.deployment_for(actor=actor_of(request), slug=slug)
        found = queries.events_of(deployment=deployment)
        return pagination.page(request, found, EventOutput, order=("-at", "-pk"))


class Snippet(APIView):
    """How a deployment is called."""

    @extend_schema(operation_id="deployments_snippet", responses=Snippets)
    def get(self, request: Request, slug: str) -> Response:
        """Show how to call it, with curl and with Python."""
        deployment = queries.deployment_for(actor=actor_of(request), slug=slug)
        found = [{"label": label, "code": code} for label, code in snippets_of(deployment)]
        if not found:
            raise Conflict(f"{slug} is {deployment.state}; it can be called once it is ready.")
        return Response({"results": SnippetOutput(found, many=True).data})
