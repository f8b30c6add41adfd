"""Errors as problem details (RFC 9457), with stable codes."""

from __future__ import annotations

from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portal.errors import Refusal

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be read",
    401: "Nobody is signed in",
    403: "Not allowed",
    404: "Not found",
    405: "This method does nothing here",
    406: "No answer in this format",
    409: "Not in the present state",
    413: "Too large",
    415: "Not a format that is read here",
    422: "The input cannot be taken",
    429: "Too many requests",
}
CODES = {
    400: "unreadable",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many-requests",
}


class Problem(serializers.Serializer):
    """Why a request was refused, and what would be right."""

    type = serializers.CharField(help_text="A name for the kind of problem: slipway:CODE.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="Stable; for programs.")
    # DRF's metaclass takes declared fields off the class; the stubs see two things of one name.
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(), required=False, help_text="A sentence for each input."
    )
    instance = serializers.CharField(required=False)


def body(
    *, status: int, code: str, detail: str, fields: dict[str, str] | None = None, path: str = ""
) -> dict[str, Any]:
    """Return a problem as JSON."""
    found: dict[str, Any] = {
        "type": f"slipway:{code}",
        "title": TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if fields:
        found["fields"] = fields
    if path:
        found["instance"] = path
    return found


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn refusals and DRF's own errors into problems; None leaves bugs to Django."""
    path = context["request"].path
    match exc:
        case Refusal():
            set_rollback()
            return _response(
                body(
                    status=exc.status, code=exc.code, detail=str(exc), fields=exc.fields, path=path
                )
            )
        case Http404():
            return _plain(404, "There is nothing here with this name that you can see.", path)
        case PermissionDenied():
            return _plain(403, "This is not allowed.", path)
        case APIException():
            return _drf(exc, path)
    return None


def _drf(exc: APIException, path: str) -> Response:
    set_rollback()
    reply = _plain(exc.status_code, _words(exc.detail), path)
    if header := getattr(exc, "auth_header", None):
        reply["WWW-Authenticate"] = header
    if isinstance(exc, Throttled):
        seconds = max(1, ceil(getattr(exc, "wait", None) or 1))
        reply["Retry-After"] = str(seconds)
        reply.data["detail"] = f"Too many requests; ask again in {seconds} s."
    return reply


def _words(detail: Any) -> str:
    return str(detail) if isinstance(detail, str) else "The request cannot be taken as it is."


def _plain(status: int, detail: str, path: str) -> Response:
    code = CODES.get(status, "failed")
    return _response(body(status=status, code=code, detail=detail, path=path))


def _response(problem: dict[str, Any]) -> Response:
    return Response(problem, status=problem["status"], content_type=MEDIA_TYPE)


def json_reply(
    *, status: int, code: str, detail: str, path: str, fields: dict[str, str] | None = None
) -> JsonResponse:
    """Return a problem from outside DRF (middleware, unknown paths)."""
    problem = body(status=status, code=code, detail=detail, path=path, fields=fields)
    return JsonResponse(problem, status=status, content_type=MEDIA_TYPE)
