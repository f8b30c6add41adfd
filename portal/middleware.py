"""Middleware: who is asking, and refusals turned into something a page can show."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from portal.errors import Refusal
from portal.queries.people import actor_of_user

# Everything else needs a sign-in; REST has its own authentication.
OPEN = re.compile(r"^/(accounts/|api/v1/|api/schema/|health/|static/|favicon\.ico$|robots\.txt$)")

GetResponse = Callable[[HttpRequest], HttpResponse]


class ActorMiddleware:
    """Set `request.actor` with one query, and send strangers to the sign-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = None
        if request.user.is_authenticated:
            request.actor = actor_of_user(request.user)
        elif not OPEN.match(request.path):
            return self._to_sign_in(request)
        return self.get_response(request)

    def _to_sign_in(self, request: HttpRequest) -> HttpResponse:
        url = f"{resolve_url(settings.LOGIN_URL)}?next={quote(request.get_full_path())}"
        if request.htmx:
            return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL))
        return redirect(url)


class RefusalMiddleware:
    """Show a use case's refusal: a fragment for htmx, a page otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Return the refusal's answer; None leaves bugs to Django."""
        if not isinstance(exc, Refusal):
            return None
        context = {"refusal": exc}
        if not request.htmx:
            return render(request, "refusal.html", context, status=exc.status)
        reply = render(request, "components/refusal.html", context, status=exc.status)
        return reswap(retarget(reply, "#refusal"), "innerHTML")
