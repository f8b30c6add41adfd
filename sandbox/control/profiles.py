"""Inference profiles: the system's own, and those that an application makes to be billed apart."""

import uuid
from typing import Any

from sandbox import state
from sandbox.control import models, tags, tokens
from sandbox.state import ACCOUNT_ID, REGION, Row
from sandbox.wire import AwsError, Call, iso, page


def create(call: Call) -> dict[str, Any]:
    """Make an application profile of a model or a system profile; refuses a taken name."""
    if arn := tokens.remembered(call, "profile"):
        return {"inferenceProfileArn": arn, "status": "ACTIVE"}
    wish, rows = call.parameters, state.table("bedrock_profiles")
    name = wish["inferenceProfileName"]
    model, model_arns = _source(wish["modelSource"].get("copyFrom", ""), call.now)
    if any(row["name"] == name for row in rows.values()):
        raise AwsError("ConflictException", f"An inference profile named {name} already exists.")
    ident = uuid.uuid4().hex[:12]
    row = {
        "id": ident,
        "arn": f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}:application-inference-profile/{ident}",
        "name": name,
        "description": wish.get("description"),
        "foundation": model.model_id,
        "copied_from": wish["modelSource"]["copyFrom"],
        "model_arns": model_arns,
        "created_at": call.now,
        "tags": tags.from_wire(wish.get("tags")),
    }
    rows[ident] = row
    tokens.remember(call, "profile", row["arn"])
    return {"inferenceProfileArn": row["arn"], "status": "ACTIVE"}


def _source(copy_from: str, now: float) -> tuple[models.FoundationModel, list[str]]:
    profile_id = copy_from.rpartition("inference-profile/")[2]
    if shown := models.system_profile(profile_id):
        model = models.system_profiles()[profile_id]
        arns = [m["modelArn"] for m in shown["models"]]
    elif (found := models.find(copy_from)) and found.on_demand_in_region:
        model, arns = found, [found.arn]
    else:
        raise AwsError(
            "ValidationException",
            f"The provided model source is invalid: {copy_from}. Give the ARN of a foundation "
            "model with on-demand throughput in this Region or of a system inference profile.",
        )
    if not copy_from.startswith("arn:"):
        raise AwsError("ValidationException", f"The model source must be an ARN: {copy_from}")
    if model.lifecycle(now) == "EOL":
        raise AwsError(
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            status=404,
        )
    return model, arns


def _show(row: Row) -> dict[str, Any]:
    shown = {
        "inferenceProfileName": row["name"],
        "inferenceProfileArn": row["arn"],
        "inferenceProfileId": row["id"],
        "models": [{"modelArn": arn} for arn in row["model_arns"]],
        "status": "ACTIVE",
        "type": "APPLICATION",
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["created_at"]),
    }
    return shown | ({"description": row["description"]} if row["description"] else {})


def get(call: Call) -> dict[str, Any]:
    """Return one profile by id or ARN."""
    identifier = call.parameters["inferenceProfileIdentifier"]
    system = models.system_profile(identifier.rpartition("inference-profile/")[2])
    return system or _show(_application(identifier))


def _application(identifier: str) -> Row:
    row = state.table("bedrock_profiles").get(identifier.rpartition("/")[2])
    if row is None or identifier not in (row["id"], row["arn"]):
        raise AwsError(
            "ResourceNotFoundException",
            f"Could not find the inference profile {identifier}.",
            status=404,
        )
    return row


def list_all(call: Call) -> dict[str, Any]:
    """Return profiles; AWS lists the system's own unless APPLICATION is asked for."""
    if call.parameters.get("typeEquals") == "APPLICATION":
        shown = [_show(row) for row in state.table("bedrock_profiles").values()]
    else:
        shown = [p for i in models.system_profiles() if (p := models.system_profile(i))]
    rows, more = page(shown, call, size="maxResults", cursor="nextToken")
    return {"inferenceProfileSummaries": rows, **more}


def delete(call: Call) -> dict[str, Any]:
    """Delete an application profile."""
    row = _application(call.parameters["inferenceProfileIdentifier"])
    del state.table("bedrock_profiles")[row["id"]]
    tokens.forget(row["arn"])
    return {}
