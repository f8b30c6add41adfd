"""Tags of Bedrock's resources, and how one of these resources is named."""

from typing import Any

from sandbox import state
from sandbox.state import Row
from sandbox.wire import AwsError, Call

_MAX_TAGS = 200
_TABLES = ("bedrock_provisioned", "bedrock_profiles")


def find(rows: dict[str, Row], identifier: str) -> Row | None:
    """Return the row with this id, ARN or name."""
    row = rows.get(identifier.rpartition("/")[2])
    if row is not None and identifier in (row["id"], row["arn"]):
        return row
    return next((row for row in rows.values() if row["name"] == identifier), None)


def from_wire(wire_tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags by key; refuses more than 200."""
    tags = {t["key"]: t["value"] for t in wire_tags or []}
    if len(tags) > _MAX_TAGS:
        raise AwsError("TooManyTagsException", f"A resource can have at most {_MAX_TAGS} tags.")
    return tags


def _tagged(call: Call) -> Row:
    arn = call.parameters["resourceARN"]
    for table in _TABLES:
        for row in state.table(table).values():
            if row["arn"] == arn:
                return row
    raise AwsError("ResourceNotFoundException", f"Could not find the resource {arn}.", status=404)


def list_tags(call: Call) -> dict[str, Any]:
    """Return the tags of one resource."""
    return {"tags": [{"key": k, "value": v} for k, v in _tagged(call)["tags"].items()]}


def tag(call: Call) -> dict[str, Any]:
    """Add or replace tags."""
    row = _tagged(call)
    wire_tags = [{"key": k, "value": v} for k, v in row["tags"].items()]
    row["tags"] = from_wire([*wire_tags, *call.parameters["tags"]])
    return {}


def untag(call: Call) -> dict[str, Any]:
    """Remove tags; an absent key is no error."""
    row = _tagged(call)
    row["tags"] = {k: v for k, v in row["tags"].items() if k not in call.parameters["tagKeys"]}
    return {}
