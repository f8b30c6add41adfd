"""Bedrock Marketplace endpoints: an open model on SageMaker instances that Bedrock runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.domain import bedrock_skus, skus
from deployments.domain import cost
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.options import Option, Tier

WORDS = (
    "The instances cost what a SageMaker endpoint's do; the seller's price of the software by the "
    "instance-hour is shown on the model's page when one subscribes, and is in no public list."
)


def options(question: Question, endpoints: Sequence[Option]) -> list[Option]:
    """Return each open model's cheapest endpoint, with the software's price still to be asked."""
    best: dict[str, Option] = {}
    for option in endpoints:
        if option.model in question.catalog.by_id and option.size.instances and _is_fit(option):
            held = best.get(option.model)
            if held is None or _rank(option) < _rank(held):
                best[option.model] = option
    return [_option(option, question) for option in best.values()]


def _is_fit(option: Option) -> bool:
    """Say whether it is a plain endpoint that holds its model."""
    return option.tier is Tier.SAGEMAKER_REAL_TIME and not (
        option.commitment_months or option.latency.p50_ms == 0
    )


def _rank(option: Option) -> tuple[int, bool, Decimal, str]:
    usd = option.cost.expected_usd
    broken = sum(not check.holds for check in option.checks)
    return broken, usd is None, usd or Decimal(0), option.option_id


def _option(endpoint: Option, question: Question) -> Option:
    size = endpoint.size
    most = max(size.max_instances, size.instances)
    machines = cost.by_the_hour(
        label=size.instance_type,
        sku=skus.instance(instance_type=size.instance_type),
        count=size.instances,
        most=most,
    )
    software = cost.by_the_hour(
        label="Marketplace software",
        sku=bedrock_skus.marketplace_software(model=endpoint.model),
        count=size.instances,
        most=most,
    )
    name = question.catalog.by_id[endpoint.model].name
    return priced(
        Offer(
            tier=Tier.BEDROCK_MARKETPLACE,
            model=endpoint.model,
            name=endpoint.option_id.split("/", 2)[2],
            size=size,
            drafts=[machines, software],
            assumptions=(cost.FIXED_ASSUMPTION, WORDS),
            latency=endpoint.latency,
            capacity=endpoint.capacity,
            checks=endpoint.checks,
            summary=f"{name} from the Marketplace on {size.instances} x {size.instance_type}",
            burden=3,
            notes=("Called through Bedrock's runtime; the instances are SageMaker's.",),
            extra={"instance_type": size.instance_type},
        ),
        question,
    )
