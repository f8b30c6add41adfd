"""REST plumbing shared by every app: who asks, what they sent, and how answers look."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from portal.access import Actor
from portal.errors import Invalid
from portal.rest.sheets import csv_reply

__all__ = ["actor_of", "csv_reply", "read"]


def actor_of(request: Request) -> Actor:
    """Return who is asking; authentication has set it."""
    return request._request.actor


def read(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return the body as the shape says.

    Raises Invalid with a sentence for each field that is missing, unknown or not what it must be.
    """
    body = request.data
    if not isinstance(body, dict):
        raise Invalid('The body must be a JSON object, such as {"name": "value"}.')
    asked = shape(data=body)
    known = {name for name, field in asked.fields.items() if not field.read_only}
    fields = {
        name: f"There is no field {name[:60]!r}; the fields are {', '.join(sorted(known))}."
        for name in body
        if name not in known
    }
    if not asked.is_valid():
        fields |= _sentences(asked.errors)
    if fields:
        raise Invalid("The input cannot be taken as it is.", fields=fields)
    return dict(asked.validated_data)


def _sentences(errors: Any, path: str = "") -> dict[str, str]:
    """Flatten nested complaints into one sentence a field, `parent.child` for nested ones."""
    if isinstance(errors, dict):
        found: dict[str, str] = {}
        for name, inner in errors.items():
            found |= _sentences(inner, f"{path}.{name}" if path else str(name))
        return found
    if isinstance(errors, list) and any(isinstance(inner, dict) for inner in errors):
        found = {}
        for index, inner in enumerate(errors):
            if inner:
                found |= _sentences(inner, f"{path}[{index}]")
        return found
    words = [str(word) for word in errors] if isinstance(errors, list) else [str(errors)]
    return {path or "body": " ".join(words)}
