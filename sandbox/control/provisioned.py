"""Bedrock's Provisioned Throughput: model units by the hour, some of them for a term."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox import state
from sandbox.control import models, tags, tokens
from sandbox.state import ACCOUNT_ID, REGION, Row
from sandbox.wire import AwsError, Call, iso, page

_TERM_DAYS = {"OneMonth": 30, "SixMonths": 180}


def status(row: Row, now: float) -> str:
    """Return Creating, Updating or InService."""
    return "InService" if now >= row["ready_at"] else str(row["busy"])


def create_provisioned(call: Call) -> dict[str, Any]:
    """Buy model units; refuses unknown and Legacy models, taken names and too many units."""
    if arn := tokens.remembered(call, "provisioned"):
        return {"provisionedModelArn": arn}
    wish, rows = call.parameters, state.table("bedrock_provisioned")
    model = _provisionable(wish["modelId"], call.now)
    name = wish["provisionedModelName"]
    if any(row["name"] == name for row in rows.values()):
        raise AwsError("ValidationException", f"The provisioned model name {name} already exists.")
    _check_units(wish["modelUnits"], rows)
    ident = uuid.uuid4().hex[:12]
    term = wish.get("commitmentDuration")
    row = {
        "id": ident,
        "arn": f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}:provisioned-model/{ident}",
        "name": name,
        "units": wish["modelUnits"],
        "foundation": model.model_id,
        "model_arn": f"arn:aws:bedrock:{REGION}::foundation-model/"
        + wish["modelId"].rpartition("foundation-model/")[2],
        "term": term,
        "expires_at": _expiry(call.now, term),
        "created_at": call.now,
        "modified_at": call.now,
        "ready_at": call.now + state.delays()["provisioned_throughput_s"],
        "busy": "Creating",
        "tags": tags.from_wire(wish.get("tags")),
    }
    rows[ident] = row
    tokens.remember(call, "provisioned", row["arn"])
    return {"provisionedModelArn": row["arn"]}


def _provisionable(identifier: str, now: float) -> models.FoundationModel:
    found = models.find_provisionable(identifier)
    if found is None:
        raise AwsError(
            "ValidationException",
            "The provided model identifier is invalid or does not support Provisioned Throughput: "
            f"{identifier}",
        )
    if found[0].lifecycle(now) != "ACTIVE":
        raise AwsError(
            "ValidationException",
            f"Provisioned Throughput cannot be created for the Legacy model {identifier}.",
        )
    return found[0]


def _check_units(wished: int, rows: dict[str, Row]) -> None:
    quota, used = state.quotas()["bedrock_model_units"], sum(r["units"] for r in rows.values())
    if used + wished > quota:
        raise AwsError(
            "ServiceQuotaExceededException",
            f"The account-level quota of {quota} model units is exceeded: {used} are in use and "
            f"{wished} were requested. Request an increase through AWS Support.",
        )


def _expiry(now: float, term: str | None) -> float | None:
    if term is None:
        return None
    return (datetime.fromtimestamp(now, UTC) + timedelta(days=_TERM_DAYS[term])).timestamp()


def _provisioned(identifier: str) -> Row:
    row = tags.find(state.table("bedrock_provisioned"), identifier)
    if row is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"Could not find the provisioned model {identifier}.",
            status=404,
        )
    return row


def _show_provisioned(row: Row, now: float) -> dict[str, Any]:
    shown = {
        "provisionedModelName": row["name"],
        "provisionedModelArn": row["arn"],
        "modelArn": row["model_arn"],
        "desiredModelArn": row["model_arn"],
        "foundationModelArn": models.catalog()[row["foundation"]].arn,
        "modelUnits": row["units"],
        "desiredModelUnits": row["units"],
        "status": status(row, now),
        "creationTime": iso(row["created_at"]),
        "lastModifiedTime": iso(row["modified_at"]),
    }
    if row["term"]:
        shown["commitmentDuration"] = row["term"]
        shown["commitmentExpirationTime"] = iso(row["expires_at"])
    return shown


def get_provisioned(call: Call) -> dict[str, Any]:
    """Return one Provisioned Throughput by name, id or ARN."""
    return _show_provisioned(_provisioned(call.parameters["provisionedModelId"]), call.now)


def list_provisioned(call: Call) -> dict[str, Any]:
    """Return the Provisioned Throughputs that fit the filters, newest first unless asked."""
    wish = call.parameters
    shown = [_show_provisioned(r, call.now) for r in state.table("bedrock_provisioned").values()]
    if status := wish.get("statusEquals"):
        shown = [s for s in shown if s["status"] == status]
    if text := wish.get("nameContains"):
        shown = [s for s in shown if text in s["provisionedModelName"]]
    if arn := wish.get("modelArnEquals"):
        shown = [s for s in shown if s["modelArn"] == arn]
    if after := wish.get("creationTimeAfter"):
        shown = [s for s in shown if _moment(s["creationTime"]) > _moment(after)]
    if before := wish.get("creationTimeBefore"):
        shown = [s for s in shown if _moment(s["creationTime"]) < _moment(before)]
    shown.sort(key=lambda s: s["creationTime"], reverse=wish.get("sortOrder") != "Ascending")
    rows, more = page(shown, call, size="maxResults", cursor="nextToken")
    return {"provisionedModelSummaries": rows, **more}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def update_provisioned(call: Call) -> dict[str, Any]:
    """Rename; the units never change, and the model only for custom models (none here)."""
    row = _provisioned(call.parameters["provisionedModelId"])
    if status(row, call.now) != "InService":
        raise AwsError(
            "ValidationException",
            f"The provisioned model cannot be updated in status {status(row, call.now)}.",
        )
    if call.parameters.get("desiredModelId"):
        raise AwsError(
            "ValidationException",
            "The model can be changed only for a Provisioned Throughput of a custom model.",
        )
    name = call.parameters.get("desiredProvisionedModelName", row["name"])
    rows = state.table("bedrock_provisioned").values()
    if any(other["name"] == name and other is not row for other in rows):
        raise AwsError("ValidationException", f"The provisioned model name {name} already exists.")
    row["name"], row["modified_at"], row["busy"] = name, call.now, "Updating"
    row["ready_at"] = call.now + state.delays()["provisioned_throughput_update_s"]
    return {}


def delete_provisioned(call: Call) -> dict[str, Any]:
    """End a Provisioned Throughput; refuses within its term and while it is created."""
    row = _provisioned(call.parameters["provisionedModelId"])
    if status(row, call.now) == "Creating":
        raise AwsError("ConflictException", "The provisioned model is still being created.")
    if row["expires_at"] and row["expires_at"] > call.now:
        raise AwsError(
            "ValidationException",
            "A Provisioned Throughput with a commitment cannot be deleted before its term ends at "
            f"{iso(row['expires_at'])}.",
        )
    del state.table("bedrock_provisioned")[row["id"]]
    tokens.forget(row["arn"])
    return {}
