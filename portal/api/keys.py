"""REST: the asker's own API keys."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import Scope
from portal.queries import people
from portal.rest import actor_of, pagination, read
from portal.usecases import keys as usecases


class Output(serializers.Serializer):
    """A key without its secret."""

    prefix = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class Created(Output):
    """A new key with its secret, shown this once."""

    secret = serializers.CharField(allow_null=True)


class Keys(APIView):
    """My keys: list them, make one (in a browser session; keys do not make keys)."""

    class Input(serializers.Serializer):
        """A new key."""

        name = serializers.CharField(max_length=100)
        scopes = serializers.ListField(
            child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
            min_length=1,
            max_length=len(Scope),
        )
        expires_at = serializers.DateTimeField()

    @extend_schema(operation_id="api_keys_list", responses=pagination.schema_of(Output))
    def get(self, request: Request) -> Response:
        """List your keys, newest first."""
        return pagination.page(request, people.keys_of(actor=actor_of(request)), Output)

    @extend_schema(operation_id="api_keys_create", request=Input, responses={201: Created})
    def post(self, request: Request) -> Response:
        """Make a key; its secret is in this answer and never again."""
        asked = read(self.Input, request)
        key, secret = usecases.create_key(actor=actor_of(request), **asked, now=timezone.now())
        return Response({**Output(key).data, "secret": secret}, status=201)


class Revoke(APIView):
    """End a key."""

    @extend_schema(operation_id="api_keys_revoke", request=None, responses={204: None})
    def post(self, request: Request, prefix: str) -> Response:
        """Revoke one of your keys at once."""
        usecases.revoke_key(actor=actor_of(request), prefix=prefix, now=timezone.now())
        return Response(status=204)
