"""Dated prices over REST."""

from __future__ import annotations

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.asking import RENDERERS, asked, wants_csv
from billing.queries import prices as queries
from billing.usecases import prices
from portal.rest import actor_of, csv_reply, read
from portal.rest.pagination import page, schema_of


class Prices(APIView):
    """Prices with their source: published, estimated, or a quote somebody was given."""

    renderer_classes = RENDERERS

    class Query(serializers.Serializer):
        region = serializers.CharField(required=False, max_length=30)
        sku = serializers.CharField(required=False, max_length=160)
        kind = serializers.ChoiceField(["list", "estimate", "quote"], required=False)
        search = serializers.CharField(
            required=False, max_length=160, help_text="A part of the SKU's name."
        )
        in_force = serializers.BooleanField(
            default=True, help_text="false: every price there has been."
        )

    class Input(serializers.Serializer):
        sku = serializers.CharField(max_length=160)
        usd = serializers.DecimalField(24, 12, help_text="For the SKU's `per` units.")
        source = serializers.CharField(max_length=500)  # type: ignore[assignment]
        as_of = serializers.DateField()
        region = serializers.CharField(required=False, max_length=30)
        is_example = serializers.BooleanField(default=False)

    class Output(serializers.Serializer):
        id = serializers.IntegerField()
        region = serializers.CharField()
        sku = serializers.CharField()
        usd = serializers.DecimalField(24, 12)
        per = serializers.DecimalField(20, 0)
        unit = serializers.CharField()
        kind = serializers.CharField()
        source = serializers.CharField()  # type: ignore[assignment]
        as_of = serializers.DateField()
        is_example = serializers.BooleanField()
        effective_from = serializers.DateTimeField()
        entered_at = serializers.DateTimeField()

    @extend_schema(
        operation_id="prices_list",
        parameters=[Query],
        responses={(200, "application/json"): schema_of(Output), (200, "text/csv"): str},
        tags=["books"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the prices in force, by SKU; or all of them as CSV."""
        rows = queries.listed(**asked(self.Query, request), now=timezone.now())
        if wants_csv(request):
            return csv_reply("prices.csv", queries.HEADER, queries.lines(rows))
        return page(request, rows, self.Output, order=("sku", "-effective_from", "id"))

    @extend_schema(
        operation_id="prices_create", request=Input, responses={201: Output}, tags=["books"]
    )
    def post(self, request: Request) -> Response:
        """Enter a quote; usage that waited for this price is priced at once."""
        given = {"region": settings.AWS_REGION, **read(self.Input, request)}
        row = prices.enter_quote(actor=actor_of(request), **given, now=timezone.now())
        return Response(self.Output(row).data, status=status.HTTP_201_CREATED)
