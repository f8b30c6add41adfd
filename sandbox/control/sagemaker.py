"""SageMaker hosting: what its control plane answers, and what an endpoint's name stands for."""

from typing import Any

from sandbox import state
from sandbox.control import endpoints, hosting, listing, naming
from sandbox.wire import Handler

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
    found = [
        listing.item_of(row, "sagemaker", "endpoint", status=row["status"])
        for row in endpoints.settled(now)
    ]
    for kind in ("endpoint-config", "model"):
        rows = state.table(naming.TABLES[kind]).values()
        found += [listing.item_of(row, "sagemaker", kind) for row in rows]
    return found
