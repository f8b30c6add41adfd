"""The OpenAPI document made readable: operations by resource, with fields and examples."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
# A stand-in for each type and format, where a field has no example and no default of its own.
STAND_INS: dict[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "date-time": "2026-12-31T00:00:00Z",
    "date": "2026-12-31",
    "email": "ada@example.com",
    "decimal": "1.50",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
DEEPEST = 6


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document; it cannot change while the process lives."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def groups() -> list[dict[str, Any]]:
    """Return the operations by resource, ready to be shown."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in document()["paths"].items():
        resource = path.removeprefix("/api/v1/").split("/")[0]
        for method in METHODS:
            if operation := item.get(method):
                found.setdefault(resource, []).append(_operation(path, method, operation))
    return [{"name": name, "operations": found[name]} for name in sorted(found)]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = sorted(operation["responses"].items())
    problems = [(status, answer["description"]) for status, answer in answers if status >= "4"]
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation.get("description", "").strip(),
        "parameters": [
            {**parameter, "type": _type(parameter.get("schema", {}))}
            for parameter in operation.get("parameters", [])
        ],
        "body": _fields(body.get("schema")),
        "example": _curl(path, method, body.get("schema")),
        "answers": [_answer(status, answer) for status, answer in answers if status < "4"],
        "problems": problems,
    }


def _answer(status: str, answer: dict[str, Any]) -> dict[str, Any]:
    schema = _schema_of(answer)
    return {
        "status": status,
        "description": answer.get("description", ""),
        "fields": _fields(schema),
        "example": json.dumps(_example(schema), indent=2) if schema else "",
    }


def _schema_of(answer: dict[str, Any]) -> dict[str, Any] | None:
    return next((content.get("schema") for content in answer.get("content", {}).values()), None)


def _curl(path: str, method: str, schema: dict[str, Any] | None) -> str:
    lines = [f"curl -X {method.upper()} {settings.PUBLIC_URL.rstrip('/')}{path}"]
    lines.append('  -H "Authorization: Bearer $SLIPWAY_KEY"')
    if method == "post":
        lines.append('  -H "Idempotency-Key: $(uuidgen)"')
    if schema:
        body = json.dumps(_example(schema), indent=2).replace("'", "'\\''")
        lines += ['  -H "Content-Type: application/json"', f"  -d '{body}'"]
    return " \\\n".join(lines)


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
    return document()["components"]["schemas"][ref.rsplit("/", 1)[-1]]


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf") or []


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _type(_resolve(schema)) if "enum" in _resolve(schema) else _name(schema)
    if inner := _alternatives(schema):
        return " or ".join(_type(each) for each in inner)
    kind = schema.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = [kind, schema.get("format", "")]
    if "enum" in schema:
        words.append("(" + ", ".join(str(value) for value in schema["enum"]) + ")")
    return " ".join(word for word in words if word)


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _example(schema: dict[str, Any] | None, depth: int = DEEPEST) -> Any:
    schema = _resolve(schema or {})
    for known in ("example", "default", "const"):
        if known in schema:
            return schema[known]
    if schema.get("enum"):
        return schema["enum"][0]
    if inner := _alternatives(schema):
        return _example(inner[0], depth)
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "array":
            return [_example(schema.get("items"), depth - 1)] if depth else []
        case "object":
            return _example_object(schema, depth)
    return STAND_INS.get(schema.get("format", ""), STAND_INS.get(kind, "text"))


def _example_object(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth == 0:
        return {}
    properties = schema.get("properties", {})
    return {name: _example(inner, depth - 1) for name, inner in properties.items()}
