"""How the inventory shows one thing that exists."""

from collections.abc import Mapping
from typing import Any

from sandbox.state import Row
from sandbox.wire import iso


def item(
    service: str,
    kind: str,
    name: str,
    arn: str,
    created_at: float,
    *,
    status: str = "exists",
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a thing as /sandbox/inventory has it; `created_at` in epoch seconds."""
    return {
        "service": service,
        "kind": kind,
        "name": name,
        "arn": arn,
        "status": status,
        "created_at": iso(created_at),
        "tags": dict(tags or {}),
    }


def item_of(row: Row, service: str, kind: str, *, status: str = "exists") -> dict[str, Any]:
    """Return a row with a name, an ARN, a moment and tags of its own likewise."""
    return item(
        service, kind, row["name"], row["arn"], row["created_at"], status=status, tags=row["tags"]
    )
