"""SageMaker's ARNs, tags and list pages."""

from typing import Any

from sandbox import state
from sandbox.state import ACCOUNT_ID, REGION, Row
from sandbox.wire import AwsError, Call, page

TABLES = {
    "model": "sagemaker_models",
    "endpoint-config": "sagemaker_configs",
    "endpoint": "sagemaker_endpoints",
}


def arn(kind: str, name: str) -> str:
    """Return an ARN; SageMaker writes the name in lower case."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:{kind}/{name.lower()}"


def from_wire(wire_tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags by key."""
    return {t["Key"]: t["Value"] for t in wire_tags or []}


def refuse_taken(kind: str, name: str, words: str) -> None:
    """Refuse a name that exists, in AWS's words."""
    if name in state.table(TABLES[kind]):
        raise AwsError(
            "ValidationException", f'Cannot create already existing {words} "{arn(kind, name)}".'
        )


def existing(kind: str, name: str, words: str) -> Row:
    """Return a row; refuses a name that does not exist, in AWS's words."""
    row = state.table(TABLES[kind]).get(name)
    if row is None:
        raise AwsError("ValidationException", f'Could not find {words} "{arn(kind, name)}".')
    return row


def listed(rows: list[dict[str, Any]], call: Call, *, key: str, name: str) -> dict[str, Any]:
    """Return summaries filtered, sorted and cut into pages as SageMaker's lists do."""
    wish = call.parameters
    if text := wish.get("NameContains"):
        rows = [r for r in rows if text.lower() in r[name].lower()]
    if (after := wish.get("CreationTimeAfter")) is not None:
        rows = [r for r in rows if r["CreationTime"] > after]
    if (before := wish.get("CreationTimeBefore")) is not None:
        rows = [r for r in rows if r["CreationTime"] < before]
    by = {"Name": name, "Status": "EndpointStatus"}.get(wish.get("SortBy", ""), "CreationTime")
    rows = sorted(rows, key=lambda r: r[by], reverse=wish.get("SortOrder") != "Ascending")
    shown, more = page(rows, call)
    return {key: shown, **more}


def _tagged(call: Call) -> Row:
    wanted = call.parameters["ResourceArn"].lower()
    for table in TABLES.values():
        for row in state.table(table).values():
            if row["arn"] == wanted:
                return row
    raise AwsError("ValidationException", f'Could not find the resource "{wanted}".')


def add_tags(call: Call) -> dict[str, Any]:
    """Add or replace tags."""
    row = _tagged(call)
    row["tags"] = row["tags"] | from_wire(call.parameters["Tags"])
    return {"Tags": _to_wire(row)}


def list_tags(call: Call) -> dict[str, Any]:
    """Return the tags of one resource."""
    return {"Tags": _to_wire(_tagged(call))}


def delete_tags(call: Call) -> dict[str, Any]:
    """Remove tags; an absent key is no error."""
    row = _tagged(call)
    row["tags"] = {k: v for k, v in row["tags"].items() if k not in call.parameters["TagKeys"]}
    return {}


def _to_wire(row: Row) -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in row["tags"].items()]
