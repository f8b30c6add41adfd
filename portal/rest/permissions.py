"""What an API key needs before a view is reached; use cases ask for the rest."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portal.access import Scope
from portal.models import ApiKey


class KeysReadByScope(BasePermission):
    """A key looks at things only with the scope `read`; lists know the owner's roles alone."""

    message = "This API key may not read. Reading needs a key with the scope read."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let people pass, and whoever is about to write."""
        if not isinstance(request.auth, ApiKey) or request.method not in SAFE_METHODS:
            return True
        return Scope.READ in request.auth.scopes
