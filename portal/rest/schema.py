"""What every operation has in common, said once in the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter

from portal.rest.pagination import name_of
from portal.rest.problems import MEDIA_TYPE, TITLES, Problem

ALWAYS = (400, 401, 403, 404, 406, 409, 429)
WITH_QUERY = (422,)
WITH_BODY = (413, 415, 422)


class Schema(AutoSchema):
    """Adds the problems every operation may answer with, and the headers every POST takes."""

    def get_override_parameters(self) -> list[Any]:
        """Document Idempotency-Key, and the cursor and limit of list operations."""
        found = list(super().get_override_parameters())
        if self.method == "POST":
            found.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                    OpenApiParameter.HEADER,
                    description="Ask twice with one key, and it is done once.",
                )
            )
        if self.method == "GET" and getattr(self.get_response_serializers(), "is_page", False):
            found += [
                OpenApiParameter("cursor", str, description="From `next` or `previous`."),
                OpenApiParameter(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
                    description="Rows on a page.",
                ),
            ]
        return found

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        """Return `NounOutput` for the Output of a noun: names are unique in one document."""
        return name_of(type(serializer))

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        found = super()._get_response_bodies(direction)
        for status in sorted({*ALWAYS, *(WITH_BODY if self.method != "GET" else WITH_QUERY)}):
            found.setdefault(str(status), self._problem(status, direction))
        return found

    def _problem(self, status: int, direction: Direction) -> dict[str, Any]:
        component = self.resolve_serializer(Problem, direction)
        return {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": component.ref}},
        }
