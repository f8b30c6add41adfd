"""Who asks over REST: an API key, or a person's browser session (with CSRF protection)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.models import ApiKey, User
from portal.queries.people import actor_of_user, key_for_secret

SCHEME = "bearer"
# `last_used_at` is for people; a write for every request would cost more than it tells.
USE_NOTED_EVERY = timedelta(minutes=1)


def key_of_header(header: str, *, now: datetime) -> ApiKey | None:
    """Return the live key that an Authorization header carries; None when it carries none.

    Raises AuthenticationFailed for another scheme.
    """
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != SCHEME or not secret.strip():
        raise AuthenticationFailed("Send the key as `Authorization: Bearer slw_...`.")
    return key_for_secret(secret=secret.strip(), now=now)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer slw_...`"""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the key's owner and the key; None when no key is given."""
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        now = timezone.now()
        key = key_of_header(header, now=now)
        if key is None:
            raise AuthenticationFailed(
                "This key is unknown, expired or revoked; make a new one under Settings, API keys."
            )
        ApiKey.objects.filter(pk=key.pk).filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        ).update(last_used_at=now)
        request._request.actor = actor_of_user(key.user, key=key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that a missing key is 401 and not 403."""
        return 'Bearer realm="slipway"'


class BrowserAuthentication(SessionAuthentication):
    """The session of the browser; `request.actor` is set by the middleware already."""


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Say in the schema how a key is sent."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "http",
            "scheme": SCHEME,
            "description": "An API key (slw_...), made under Settings, API keys.",
        }


class BrowserScheme(OpenApiAuthenticationExtension):
    """Say in the schema that a signed-in browser may ask too."""

    target_class = BrowserAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "slipway_session"}
