"""What a resource specification is, and which of its values AWS can change in place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REFERENCE = "$ref"


class Kind(StrEnum):
    """The kinds of AWS objects that we make."""

    ROLE = "iam.role"
    LOG_GROUP = "logs.group"
    FUNCTION = "lambda.function"
    VERSION = "lambda.version"
    ALIAS = "lambda.alias"
    URL = "lambda.url"
    PROFILE = "bedrock.inference-profile"
    THROUGHPUT = "bedrock.provisioned-throughput"
    MODEL = "sagemaker.model"
    ENDPOINT_CONFIG = "sagemaker.endpoint-config"
    ENDPOINT = "sagemaker.endpoint"
    SCALING_TARGET = "autoscaling.target"
    SCALING_POLICY = "autoscaling.policy"


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One AWS object: `key` inside the blueprint, `name` in AWS, `needs` the keys it waits for.

    `spec` is plain JSON and may hold references `{"$ref": "key.output"}`.
    """

    key: str
    kind: Kind
    name: str
    spec: Mapping[str, Any]
    needs: tuple[str, ...] = ()


# What AWS changes without a new object. The first instance count of a configuration is only where
# an endpoint begins: later it is the endpoint's own.
CHANGEABLE: Mapping[Kind, frozenset[str]] = {
    Kind.LOG_GROUP: frozenset({"retention_days"}),
    Kind.FUNCTION: frozenset({"reserved_concurrency"}),
    Kind.ENDPOINT_CONFIG: frozenset({"initial_instances", "max_concurrency"}),
    Kind.ENDPOINT: frozenset({"least", "most", "max_concurrency"}),
    Kind.SCALING_TARGET: frozenset({"least", "most"}),
    Kind.SCALING_POLICY: frozenset({"concurrent_requests"}),
}


def reference(key: str, output: str) -> dict[str, str]:
    """Return a placeholder for what another resource will tell once it exists."""
    return {REFERENCE: f"{key}.{output}"}


def references(spec: object) -> Iterator[str]:
    """Yield every `key.output` that a specification points to."""
    if isinstance(spec, Mapping):
        if REFERENCE in spec:
            yield str(spec[REFERENCE])
        else:
            for value in spec.values():
                yield from references(value)
    elif isinstance(spec, list | tuple):
        for value in spec:
            yield from references(value)


def resolve(spec: Any, outputs: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the specification with each reference replaced by the output; unknown ones by ""."""
    if isinstance(spec, Mapping):
        if REFERENCE in spec:
            key, _, output = str(spec[REFERENCE]).partition(".")
            return outputs.get(key, {}).get(output, "")
        return {name: resolve(value, outputs) for name, value in spec.items()}
    if isinstance(spec, list | tuple):
        return [resolve(value, outputs) for value in spec]
    return spec


def in_place(old: Sequence[ResourceSpec], new: Sequence[ResourceSpec]) -> bool:
    """Say whether AWS can turn the old blueprint into the new one without a new object.

    `new` is the blueprint under the old one's names and tags.
    """
    if [(each.key, each.kind, each.name) for each in old] != [
        (each.key, each.kind, each.name) for each in new
    ]:
        return False
    return all(_fixed(before) == _fixed(after) for before, after in zip(old, new, strict=True))


def _fixed(resource: ResourceSpec) -> Mapping[str, Any]:
    changeable = CHANGEABLE.get(resource.kind, frozenset())
    return {name: value for name, value in resource.spec.items() if name not in changeable}
