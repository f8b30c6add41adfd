"""Pages for what went wrong; REST gets the same as problem details."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.rest.problems import json_reply

WORDS = {
    400: ("unreadable", "The request cannot be read as it was sent."),
    403: ("not-allowed", "This is not allowed."),
    413: ("too-large", "What was sent is larger than anything Slipway takes; send less at once."),
    404: ("not-found", "There is nothing here with this name that you can see."),
    500: ("failed", "Slipway failed at this. It was written down; nothing you saved is lost."),
}

STALE = "The form was open too long, or cookies are off. Reload its page and send it again."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for fields beyond all limits."""
    return _page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403"""
    return _page(request, 403)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    return _page(request, 403, words=STALE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404"""
    return _page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500"""
    return _page(request, 500)


def _page(request: HttpRequest, status: int, *, words: str = "") -> HttpResponse:
    code, usual = WORDS[status]
    words = words or usual
    if request.path.startswith("/api/"):
        return json_reply(status=status, code=code, detail=words, path=request.path)
    template = "400.html" if status == 413 else f"{status}.html"
    return render(request, template, {"words": words, "status": status}, status=status)
