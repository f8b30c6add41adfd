"""The API's reference, made from its schema, and the answer to paths it does not have."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiYamlRenderer

from portal.rest import reference
from portal.rest.problems import json_reply


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI 3.1 document as YAML, or as JSON when asked for."""
    found = reference.document()
    if "json" in request.headers.get("Accept", "") or request.GET.get("format") == "json":
        return HttpResponse(
            json.dumps(found, default=str), content_type="application/vnd.oai.openapi+json"
        )
    return HttpResponse(
        OpenApiYamlRenderer().render(found), content_type="application/vnd.oai.openapi"
    )


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show every operation with its parameters, body, answers and an example."""
    return render(request, "portal/api_docs.html", {"groups": reference.groups()})


@csrf_exempt
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer 404 in the API's own words."""
    return json_reply(
        status=404,
        code="not-found",
        detail=f"/api/v1/{rest[:200]} is no resource; see /api/docs/.",
        path=request.path,
    )
