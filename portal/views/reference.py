"""The API's reference, made from its schema, and the answer to paths it does not have."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from portal.rest.problems import json_reply

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def _document() -> dict[str, Any]:
    """Return the OpenAPI document; it cannot change while the process lives."""
    return SchemaGenerator().get_schema(request=None, public=True)


@require_GET
def schema(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI 3.1 document as YAML, or as JSON when asked for."""
    if "json" in request.headers.get("Accept", "") or request.GET.get("format") == "json":
        return HttpResponse(
            json.dumps(_document(), default=str), content_type="application/vnd.oai.openapi+json"
        )
    return HttpResponse(
        OpenApiYamlRenderer().render(_document()), content_type="application/vnd.oai.openapi"
    )


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Show every operation with its parameters, body and answers."""
    return render(request, "portal/api_docs.html", {"groups": _groups()})


@cache
def _groups() -> list[dict[str, Any]]:
    """Return the operations by resource, ready to be shown."""
    document = _document()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                resource = path.removeprefix("/api/v1/").split("/")[0]
                groups.setdefault(resource, []).append(_operation(path, method, operation))
    return [{"name": name, "operations": groups[name]} for name in sorted(groups)]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation.get("description", "").strip(),
        "parameters": operation.get("parameters", []),
        "body": _fields(body.get("schema")),
        "answers": [
            {
                "status": status,
                "description": answer.get("description", ""),
                "fields": _fields(_schema_of(answer)) if status.startswith("2") else [],
            }
            for status, answer in sorted(operation["responses"].items())
        ],
    }


def _schema_of(answer: dict[str, Any]) -> dict[str, Any] | None:
    for content in answer.get("content", {}).values():
        return content.get("schema")
    return None


def _fields(schema: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return name, type, whether it must be there, and a word about each field."""
    schema = _resolve(schema or {})
    if schema.get("type") == "array":
        schema = _resolve(schema.get("items", {}))
    required = set(schema.get("required", []))
    return [
        {
            "name": name,
            "type": _type(inner),
            "required": name in required,
            "description": inner.get("description", ""),
        }
        for name, inner in schema.get("properties", {}).items()
    ]


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref")
    if ref is None:
        return schema
    return _document()["components"]["schemas"][ref.rsplit("/", 1)[-1]]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    if "allOf" in schema or "oneOf" in schema or "anyOf" in schema:
        inner = schema.get("allOf") or schema.get("oneOf") or schema["anyOf"]
        return " or ".join(_type(each) for each in inner)
    kind = schema.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = [kind, schema.get("format", "")]
    if "enum" in schema:
        words.append("(" + ", ".join(str(value) for value in schema["enum"]) + ")")
    return " ".join(word for word in words if word)


@csrf_exempt
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer 404 in the API's own words."""
    return json_reply(
        status=404,
        code="not-found",
        detail=f"/api/v1/{rest[:200]} is no resource; see /api/docs/.",
        path=request.path,
    )
