"""Bedrock: what its control plane answers, and what a modelId of its runtime stands for."""

from dataclasses import dataclass
from typing import Any

from sandbox import state
from sandbox.control import listing, models, profiles, provisioned, tags
from sandbox.wire import Handler

OPERATIONS: dict[str, Handler] = {
    "GetFoundationModel": models.get_foundation_model,
    "ListFoundationModels": models.list_foundation_models,
    "CreateProvisionedModelThroughput": provisioned.create_provisioned,
    "GetProvisionedModelThroughput": provisioned.get_provisioned,
    "ListProvisionedModelThroughputs": provisioned.list_provisioned,
    "UpdateProvisionedModelThroughput": provisioned.update_provisioned,
    "DeleteProvisionedModelThroughput": provisioned.delete_provisioned,
    "CreateInferenceProfile": profiles.create,
    "GetInferenceProfile": profiles.get,
    "ListInferenceProfiles": profiles.list_all,
    "DeleteInferenceProfile": profiles.delete,
    "ListTagsForResource": tags.list_tags,
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a modelId of the runtime stands for."""

    kind: str
    foundation_model_id: str
    metric_model_id: str
    status: str
    model_units: int | None
    on_demand_ok: bool


def resolve(model_id: str) -> Target | None:
    """Say what a caller's modelId means; None when nothing of that name exists.

    Kinds: provisioned, application_profile, system_profile, foundation. The status is that of the
    model's lifecycle (ACTIVE, LEGACY, EOL), or of the Provisioned Throughput.
    """
    now = state.now()
    if row := _own(model_id, "bedrock_provisioned"):
        status = provisioned.status(row, now)
        return Target("provisioned", row["foundation"], row["id"], status, row["units"], True)
    if row := _own(model_id, "bedrock_profiles"):
        lifecycle = models.catalog()[row["foundation"]].lifecycle(now)
        return Target("application_profile", row["foundation"], row["id"], lifecycle, None, True)
    short = model_id.rpartition("inference-profile/")[2]
    if model := models.system_profiles().get(short):
        return Target("system_profile", model.model_id, short, model.lifecycle(now), None, True)
    if model := models.find(model_id):
        lifecycle, allowed = model.lifecycle(now), model.on_demand_in_region
        return Target("foundation", model.model_id, model.model_id, lifecycle, None, allowed)
    return None


def _own(model_id: str, table: str) -> state.Row | None:
    row = state.table(table).get(model_id.rpartition("/")[2])
    return row if row and model_id in (row["id"], row["arn"]) else None


def inventory(now: float) -> list[dict[str, Any]]:
    """Return everything of Bedrock that exists."""
    bought = [
        listing.item_of(
            row, "bedrock", "provisioned-throughput", status=provisioned.status(row, now)
        )
        for row in state.table("bedrock_provisioned").values()
    ]
    made = [
        listing.item_of(row, "bedrock", "inference-profile", status="ACTIVE")
        for row in state.table("bedrock_profiles").values()
    ]
    return bought + made
