"""Another size: what may change, and what it then costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from deployments.domain.options import Option, Tier
from deployments.domain.sizing import BadSize, resized
from tests.fixtures.options import option


def held(tier: Tier) -> Option:
    """Return an option whose cost is all held by the hour."""
    made = option(tier)
    lines = tuple(replace(line, is_fixed=True) for line in made.cost.lines)
    return replace(made, cost=replace(made.cost, lines=lines))


def test_the_held_cost_follows_the_size() -> None:
    two_units = held(Tier.BEDROCK_PROVISIONED)
    assert two_units.cost.expected_usd == Decimal(100)
    assert resized(option=two_units, size={"model_units": 3}).cost.expected_usd == Decimal(150)
    assert resized(option=two_units, size={"model_units": 1}).cost.expected_usd == Decimal(50)


def test_what_follows_the_load_costs_the_same_at_any_bound() -> None:
    made = option(Tier.LAMBDA_BEDROCK)
    after = resized(option=made, size={"max_concurrency": 80})
    assert after.cost.expected_usd == made.cost.expected_usd
    assert after.size.max_concurrency == 80


@pytest.mark.parametrize(
    "tier, size, field",
    [
        (Tier.BEDROCK_ON_DEMAND, {"model_units": 1}, "model_units"),
        (Tier.BEDROCK_PROVISIONED, {"instances": 1}, "instances"),
        (Tier.BEDROCK_PROVISIONED, {"model_units": 0}, "model_units"),
        (Tier.BEDROCK_PROVISIONED, {"model_units": 10**9}, "model_units"),
        (Tier.SAGEMAKER_SERVERLESS, {"memory_mb": 1500}, "memory_mb"),
        (Tier.SAGEMAKER_SERVERLESS, {"max_concurrency": 201}, "max_concurrency"),
        (Tier.SAGEMAKER_REAL_TIME, {"instances": 4, "max_instances": 2}, "max_instances"),
        (Tier.SAGEMAKER_REAL_TIME, {}, "size"),
    ],
)
def test_a_size_that_cannot_be_is_refused_beside_its_field(
    tier: Tier, size: dict[str, int], field: str
) -> None:
    with pytest.raises(BadSize) as refused:
        resized(option=option(tier), size=size)
    assert field in refused.value.fields


def test_more_instances_than_the_most_raise_the_most() -> None:
    after = resized(option=option(Tier.SAGEMAKER_REAL_TIME), size={"instances": 6})
    assert (after.size.instances, after.size.max_instances) == (6, 6)
