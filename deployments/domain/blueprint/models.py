"""What the Bedrock tiers are made of: a profile or model units. Pure."""

from __future__ import annotations

from billing.domain import skus
from deployments.domain.blueprint.names import Names
from deployments.domain.blueprint.spec import Kind, ResourceSpec
from deployments.domain.options import Option

TERMS = {"none": "", "one-month": "OneMonth", "six-months": "SixMonths"}


def profile(*, option: Option, names: Names) -> ResourceSpec:
    """Return the application inference profile: usage and cost are told apart by it."""
    return ResourceSpec(
        key="profile",
        kind=Kind.PROFILE,
        name=names.of("profile"),
        spec={
            "copy_from": option.extra.get("source_model") or option.invoke_id,
            "tags": dict(names.tags),
        },
    )


def on_demand(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return what on-demand needs: only a name to be metered under."""
    return (profile(option=option, names=names),)


def provisioned(*, option: Option, names: Names) -> tuple[ResourceSpec, ...]:
    """Return the model units, bought by the hour until they are deleted."""
    return (
        ResourceSpec(
            key="throughput",
            kind=Kind.THROUGHPUT,
            name=names.of("throughput"),
            spec={
                "model": option.extra.get("source_model") or option.invoke_id,
                "model_units": option.size.model_units,
                "term": TERMS[option.size.term],
                "paid_sku": skus.provisioned_unit(model=option.model, term=option.size.term),
                "tags": dict(names.tags),
            },
        ),
    )
