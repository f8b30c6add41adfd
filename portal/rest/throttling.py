"""Rate limits: by key, or by person in the browser."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class PerKey(SimpleRateThrottle):
    """So many requests a minute for each API key, person, or (nobody) address."""

    scope = "key"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the name under which this asker's requests are counted."""
        if request.auth is not None:
            owner = f"key-{request.auth.pk}"
        elif request.user is not None and request.user.is_authenticated:
            owner = f"user-{request.user.pk}"
        else:
            owner = f"address-{self.get_ident(request)}"
        return f"rate:{owner}"
