"""SageMaker hosting: what its control plane answers, and what an endpoint's name stands for."""

from typing import Any

from sandbox import state
from sandbox.control import endpoints, hosting, naming
from sandbox.wire import Handler, iso

OPERATIONS: dict[str, Handler] = {
    "CreateModel": hosting.create_model,
    "DescribeModel": hosting.describe_model,
    "ListModels": hosting.list_models,
    "DeleteModel": hosting.delete_model,
    "CreateEndpointConfig": hosting.create_config,
    "DescribeEndpointConfig": hosting.describe_config,
    "ListEndpointConfigs": hosting.list_configs,
    "DeleteEndpointConfig": hosting.delete_config,
    "CreateEndpoint": endpoints.create,
    "DescribeEndpoint": endpoints.describe,
    "ListEndpoints": endpoints.list_all,
    "UpdateEndpoint": endpoints.update,
    "UpdateEndpointWeightsAndCapacities": endpoints.update_weights_and_capacities,
    "DeleteEndpoint": endpoints.delete,
    "AddTags": naming.add_tags,
    "ListTags": naming.list_tags,
    "DeleteTags": naming.delete_tags,
}


def find_endpoint(name: str) -> dict[str, Any] | None:
    """Return an endpoint like DescribeEndpoint, with ModelName, Image, Environment and
    InstanceType of each variant; None when there is none of that name.
    """
    return endpoints.show_for_runtime(name)


def inventory(now: float) -> list[dict[str, Any]]:
    """Return every model, endpoint configuration and endpoint that exists."""
    found = [_item(row, "endpoint", row["status"]) for row in endpoints.settled(now)]
    for kind in ("endpoint-config", "model"):
        rows = state.table(naming.TABLES[kind]).values()
        found += [_item(row, kind, "exists") for row in rows]
    return found


def _item(row: state.Row, kind: str, status: str) -> dict[str, Any]:
    return {
        "service": "sagemaker",
        "kind": kind,
        "name": row["name"],
        "arn": row["arn"],
        "status": status,
        "created_at": iso(row["created_at"]),
        "tags": row["tags"],
    }
