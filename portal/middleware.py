"""Middleware: who is asking, and refusals turned into something a page can show."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from portal.errors import Refusal
from portal.queries.people import actor_of_user
from portal.rest.problems import json_reply

# Everything else needs a sign-in; REST has its own authentication.
OPEN = re.compile(r"^/(accounts/|api/v1/|api/schema/|health/|static/|favicon\.ico$|robots\.txt$)")

GetResponse = Callable[[HttpRequest], HttpResponse]


class ActorMiddleware:
    """Set `request.actor` of who is signed in with one query; send others to the sign-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.actor = actor_of_user(request.user)
        elif not OPEN.match(request.path):
            return self._to_sign_in(request)
        return self.get_response(request)

    def _to_sign_in(self, request: HttpRequest) -> HttpResponse:
        sign_in = resolve_url(settings.LOGIN_URL)
        if request.htmx:
            return HttpResponseClientRedirect(sign_in)
        if request.method not in ("GET", "HEAD"):
            return redirect(sign_in)
        return redirect(f"{sign_in}?next={quote(request.get_full_path())}")


class InputMiddleware:
    """Refuse what no page and no resource reads: NUL in an address, a body beyond all limits."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path:
            words = "The address holds a NUL character; leave it out."
            return _refuse(request, status=400, code="unreadable", words=words)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # Files have limits of their own; the fields beside them are counted by Django.
        is_upload = request.content_type == "multipart/form-data"
        if not is_upload and _length(request) > limit:
            words = f"What was sent is larger than {limit / 1024**2:.1f} MiB; send less at once."
            return _refuse(request, status=413, code="too-large", words=words)
        return _unkept(request, self.get_response(request))


def _unkept(request: HttpRequest, reply: HttpResponse) -> HttpResponse:
    """Tell caches between a client and REST to keep nothing: answers depend on who asks."""
    if request.path.startswith("/api/v1/"):
        reply.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(reply, ("Authorization",))
    return reply


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0


def _refuse(request: HttpRequest, *, status: int, code: str, words: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return json_reply(status=status, code=code, detail=words, path=request.path)
    return render(request, "400.html", {"words": words, "status": status}, status=status)


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
