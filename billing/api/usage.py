"""Metered usage over REST, what was refused of it, and how far the meter has read."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.asking import RENDERERS, Filtered, asked, filters_of, page_by_time, wants_csv
from billing.models import Watermark
from billing.queries import ledger
from portal.rest import actor_of, csv_reply
from portal.rest.pagination import page, schema_of


class UsageEvents(APIView):
    """Metered quantities, each with an id of its own."""

    renderer_classes = RENDERERS

    class Query(Filtered):
        sku = serializers.CharField(required=False, max_length=160)

    class Output(serializers.Serializer):
        uid = serializers.CharField()
        feature = serializers.CharField(source="feature.slug")
        deployment = serializers.CharField()
        environment = serializers.CharField()
        tier = serializers.CharField()
        model = serializers.CharField()
        resource = serializers.CharField()
        sku = serializers.CharField()
        quantity = serializers.DecimalField(28, 9)
        unit = serializers.CharField()
        started_at = serializers.DateTimeField()
        ended_at = serializers.DateTimeField()
        recorded_at = serializers.DateTimeField()

    @extend_schema(
        operation_id="usage_list",
        parameters=[Query],
        responses={(200, "application/json"): schema_of(Output), (200, "text/csv"): str},
        tags=["books"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the metered events of a month, the newest first; or all of them as CSV."""
        filters = filters_of(asked(self.Query, request), now=timezone.now())
        rows = ledger.usage(actor=actor_of(request), filters=filters)
        if wants_csv(request):
            name = f"usage-{filters.month}.csv"
            return csv_reply(name, ledger.USAGE_HEADER, ledger.usage_lines(rows))
        return page_by_time(request, rows, self.Output, moment="started_at")


class RefusedUsage(APIView):
    """Usage that was not booked, and why."""

    class Query(serializers.Serializer):
        pass

    class Output(serializers.Serializer):
        uid = serializers.CharField()
        code = serializers.CharField(help_text="clash: known with another payload; or unbookable.")
        sentence = serializers.CharField()
        body = serializers.JSONField()
        feature = serializers.CharField(source="feature.slug", allow_null=True, default=None)
        times = serializers.IntegerField()
        first_seen_at = serializers.DateTimeField()
        last_seen_at = serializers.DateTimeField()

    @extend_schema(operation_id="usage_refused_list", responses=schema_of(Output), tags=["books"])
    def get(self, request: Request) -> Response:
        """List what was refused, the last first."""
        asked(self.Query, request)
        return page(request, ledger.refused(actor=actor_of(request)), self.Output, order=("-id",))


class Watermarks(APIView):
    """How far each source has been read."""

    class Query(serializers.Serializer):
        source = serializers.CharField(  # type: ignore[assignment]
            required=False, max_length=250
        )

    class Output(serializers.Serializer):
        source = serializers.CharField()  # type: ignore[assignment]
        read_to = serializers.DateTimeField()
        read_at = serializers.DateTimeField()

    @extend_schema(
        operation_id="watermarks_list",
        parameters=[Query],
        responses=schema_of(Output),
        tags=["books"],
    )
    def get(self, request: Request) -> Response:
        """List the sources for those who see everything; nothing for anybody else."""
        query = asked(self.Query, request)
        rows = Watermark.objects.filter(**query)
        if not actor_of(request).sees_everything:
            rows = rows.none()
        return page(request, rows, self.Output, order=("source",))
