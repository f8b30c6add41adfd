"""Spend summed up, over REST: the figures of the spend page."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.asking import RENDERERS, Filtered, asked, filters_of, wants_csv
from billing.domain.money import ZERO
from billing.queries import spend
from portal.rest import actor_of, csv_reply

SUMMARY_HEADER = ("key", "name", "usd")


class Spend(APIView):
    """What was spent in a month, told apart one way."""

    renderer_classes = RENDERERS

    class Query(Filtered):
        by = serializers.ChoiceField(list(spend.DIMENSIONS), default="team")

    class Output(serializers.Serializer):
        class Slice(serializers.Serializer):
            key = serializers.CharField()
            name = serializers.CharField()
            usd = serializers.DecimalField(24, 12)

        month = serializers.CharField()
        by = serializers.CharField()
        total_usd = serializers.DecimalField(24, 12)
        metered_up_to = serializers.DateTimeField(allow_null=True)
        results = Slice(many=True)

    @extend_schema(
        operation_id="spend_summary",
        parameters=[Query],
        responses={(200, "application/json"): Output, (200, "text/csv"): str},
        tags=["books"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Sum up a month by team, feature, tier, model, environment, deployment or day."""
        now = timezone.now()
        query = asked(self.Query, request)
        filters = filters_of(query, now=now)
        slices = spend.summary(actor=actor_of(request), filters=filters, by=query["by"])
        if wants_csv(request):
            lines = ((one.key, one.name, one.usd) for one in slices)
            return csv_reply(f"spend-{filters.month}-{query['by']}.csv", SUMMARY_HEADER, lines)
        answer = {
            "month": str(filters.month),
            "by": query["by"],
            "total_usd": sum((one.usd for one in slices), ZERO),
            "metered_up_to": spend.metered(now=now).up_to,
            "results": slices,
        }
        return Response(self.Output(answer).data)
