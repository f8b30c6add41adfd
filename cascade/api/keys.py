"""REST: virtual keys, with which programs ask the gateway."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.queries import cascades as queries
from cascade.usecases import keys as usecases
from cascade.usecases.cascades import MOST_USD
from portal.rest import actor_of, pagination, read


class VirtualKeyOutput(serializers.Serializer):
    """A key without its secret; limits are null where there is none."""

    prefix = serializers.CharField()
    name = serializers.CharField()
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)
    max_output_tokens = serializers.IntegerField(allow_null=True, help_text="Of one answer.")
    monthly_usd = serializers.DecimalField(max_digits=16, decimal_places=6, allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class VirtualKeyCreated(VirtualKeyOutput):
    """A new key with its secret, shown this once."""

    secret = serializers.CharField(allow_null=True)


class VirtualKeyInput(serializers.Serializer):
    """A new key; limits are left out where there is none."""

    name = serializers.CharField(max_length=100)
    requests_per_minute = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=usecases.MOST_A_MINUTE
    )
    tokens_per_minute = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=usecases.MOST_A_MINUTE
    )
    max_output_tokens = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=usecases.MOST_A_MINUTE
    )
    monthly_usd = serializers.DecimalField(
        max_digits=16,
        decimal_places=6,
        min_value=Decimal(0),
        max_value=MOST_USD,
        required=False,
        allow_null=True,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class VirtualKeys(APIView):
    """A cascade's keys: list them, make one."""

    @extend_schema(
        operation_id="cascade_keys_list", responses=pagination.schema_of(VirtualKeyOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List a cascade's keys, newest first."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        return pagination.page(request, queries.keys(cascade=row), VirtualKeyOutput)

    @extend_schema(
        operation_id="cascade_keys_create",
        request=VirtualKeyInput,
        responses={201: VirtualKeyCreated},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make a key; its secret is in this answer and never again."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        asked = read(VirtualKeyInput, request)
        name, expires_at = asked.pop("name"), asked.pop("expires_at", None)
        key, secret = usecases.create_key(
            actor=actor,
            cascade=row,
            name=name,
            limits=usecases.KeyLimits(**asked),
            expires_at=expires_at,
            now=timezone.now(),
        )
        return Response({**VirtualKeyOutput(key).data, "secret": secret}, status=201)


class RevokeVirtualKey(APIView):
    """The end of a key."""

    @extend_schema(operation_id="cascade_keys_revoke", request=None, responses={204: None})
    def post(self, request: Request, slug: str, prefix: str) -> Response:
        """Revoke a key at once."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        usecases.revoke_key(actor=actor, cascade=row, prefix=prefix, now=timezone.now())
        return Response(status=204)
