"""REST: what about cascades drifted, or is not as it must be."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.queries import runs as queries
from cascade.usecases import alerts as usecases
from portal.errors import Invalid
from portal.rest import actor_of, pagination


class AlertOutput(serializers.Serializer):
    """What was seen, and what was done about it."""

    id = serializers.IntegerField()
    cascade = serializers.CharField(source="cascade.slug")
    kind = serializers.CharField()
    sentence = serializers.CharField()
    figures = serializers.DictField()
    action = serializers.CharField()
    at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField()


class Alerts(APIView):
    """Alerts."""

    @extend_schema(
        operation_id="alerts_list",
        parameters=[
            OpenApiParameter("cascade", str, description="Slug of one cascade."),
            OpenApiParameter("open", bool, description="Only those that wait, or only others."),
        ],
        responses=pagination.schema_of(AlertOutput),
    )
    def get(self, request: Request) -> Response:
        """List alerts, newest first."""
        asked = request.query_params.get("open")
        if asked not in (None, "true", "false"):
            words = "This is true or false."
            raise Invalid("The query cannot be taken as it is.", fields={"open": words})
        found = queries.alerts(
            actor=actor_of(request),
            cascade=request.query_params.get("cascade", "")[:200].replace("\x00", ""),
            is_open=None if asked is None else asked == "true",
        )
        return pagination.page(request, found, AlertOutput, order=("-at", "-pk"))


class CloseAlert(APIView):
    """The end of an alert."""

    @extend_schema(operation_id="alerts_close", request=None, responses=AlertOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Say that it was looked at; closing it twice is no error."""
        actor = actor_of(request)
        row = queries.alert_for(actor=actor, pk=pk)
        return Response(
            AlertOutput(usecases.close_alert(actor=actor, alert=row, now=timezone.now())).data
        )
