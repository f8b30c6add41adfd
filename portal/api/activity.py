"""REST: the audit."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.queries.features import activity
from portal.rest import actor_of, pagination


class Output(serializers.Serializer):
    """One thing somebody did."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    team = serializers.CharField(source="team.slug", allow_null=True, default=None)
    verb = serializers.CharField()
    subject = serializers.CharField()
    sentence = serializers.CharField()
    detail = serializers.JSONField()


class Activity(APIView):
    """What was done."""

    @extend_schema(
        operation_id="activity_list",
        parameters=[OpenApiParameter("subject", str, description="Such as feature:chatbot.")],
        responses=pagination.schema_of(Output),
    )
    def get(self, request: Request) -> Response:
        """List what was done that you may see, newest first."""
        subject = request.query_params.get("subject", "").replace("\x00", "")
        found = activity(actor=actor_of(request), subject=subject)
        return pagination.page(request, found, Output, order=("-at", "-pk"))
