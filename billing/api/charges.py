"""The ledger over REST."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.api.asking import RENDERERS, Filtered, asked, filters_of, page_by_time, wants_csv
from billing.queries import ledger
from portal.rest import actor_of, csv_reply
from portal.rest.pagination import schema_of


class Charges(APIView):
    """Usage times a dated price, line by line."""

    renderer_classes = RENDERERS

    class Query(Filtered):
        sku = serializers.CharField(required=False, max_length=160)
        kind = serializers.ChoiceField(["usage", "correction"], required=False)

    class Output(serializers.Serializer):
        id = serializers.IntegerField()
        hour = serializers.DateTimeField()
        team = serializers.CharField(source="team.slug")
        feature = serializers.CharField(source="feature.slug")
        deployment = serializers.CharField()
        environment = serializers.CharField()
        tier = serializers.CharField()
        model = serializers.CharField()
        sku = serializers.CharField()
        quantity = serializers.DecimalField(28, 9)
        unit = serializers.CharField()
        price = serializers.IntegerField(
            source="price_id", allow_null=True, help_text="null while there is no price."
        )
        usd = serializers.DecimalField(24, 12)
        kind = serializers.CharField(help_text="usage, or correction: the money of a late price.")
        corrects = serializers.IntegerField(source="corrects_id", allow_null=True)
        booked_at = serializers.DateTimeField()

    @extend_schema(
        operation_id="charges_list",
        parameters=[Query],
        responses={(200, "application/json"): schema_of(Output), (200, "text/csv"): str},
        tags=["books"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the charges of a month, the newest hour first; or all of them as CSV."""
        filters = filters_of(asked(self.Query, request), now=timezone.now())
        rows = ledger.charges(actor=actor_of(request), filters=filters)
        if wants_csv(request):
            return csv_reply(f"charges-{filters.month}.csv", ledger.HEADER, ledger.lines(rows))
        return page_by_time(request, rows, self.Output, moment="hour")
