"""From an option to rows: generations, their resources, and the names both carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from deployments.domain.blueprint import Names, ResourceSpec, blueprint
from deployments.domain.blueprint.spec import Kind
from deployments.domain.options import Option
from deployments.domain.records import option_from_json, option_to_json
from deployments.models import Deployment, Event, Generation, Recommendation, Resource
from portal.access import Actor
from portal.models import Feature

ZERO = Decimal(0)


def names_of(*, feature: Feature, slug: str, environment: str, generation: int) -> Names:
    """Return the names and tags of a generation's resources."""
    return Names(
        slug=slug,
        generation=generation,
        team=feature.team.slug,
        feature=feature.slug,
        environment=environment,
        cost_centre=feature.cost_centre or feature.team.cost_centre,
        region=settings.AWS_REGION,
    )


def monthly_usd(option: Option) -> Decimal:
    """Return the expected cost of a month in USD; 0 when it has no price."""
    return option.cost.expected_usd or ZERO


def option_of(generation: Generation) -> Option:
    """Return the option a generation was made of."""
    return option_from_json(generation.option)


def add_generation(
    *,
    deployment: Deployment,
    option: Option,
    recommendation: Recommendation | None,
    actor: Actor,
    now: datetime,
) -> Generation:
    """Write the next generation of a deployment, without resources yet."""
    newest = deployment.generations.order_by("-number").first()
    return Generation.objects.create(
        deployment=deployment,
        number=newest.number + 1 if newest else 1,
        option=option_to_json(option),
        recommendation=recommendation,
        tier=option.tier.value,
        model=option.model,
        monthly_usd=monthly_usd(option),
        created_at=now,
        created_by=actor.name[:200],
    )


def add_resources(*, generation: Generation, option: Option, now: datetime) -> None:
    """Write the resources; those that need nothing are due at once, the others are woken."""
    deployment = generation.deployment
    names = names_of(
        feature=deployment.feature,
        slug=deployment.slug,
        environment=deployment.environment,
        generation=generation.number,
    )
    later = now + timedelta(seconds=settings.RESYNC_SECONDS)
    Resource.objects.bulk_create(
        Resource(
            generation=generation,
            key=each.key,
            kind=each.kind.value,
            name=each.name,
            spec=dict(each.spec),
            needs=list(each.needs),
            position=position,
            wake_at=later if each.needs else now,
            created_at=now,
        )
        for position, each in enumerate(blueprint(option=option, names=names))
    )


def as_specs(resources: Sequence[Resource]) -> tuple[ResourceSpec, ...]:
    """Return rows as the blueprint they were made of."""
    return tuple(
        ResourceSpec(each.key, Kind(each.kind), each.name, each.spec, tuple(each.needs))
        for each in resources
    )


def names_in_use(*, deployment: Deployment, resources: Sequence[Resource]) -> Names:
    """Return the names that existing resources carry: their first generation's."""
    number = next(
        int(each.spec["tags"]["slipway:generation"]) for each in resources if "tags" in each.spec
    )
    names = names_of(
        feature=deployment.feature,
        slug=deployment.slug,
        environment=deployment.environment,
        generation=number,
    )
    return names


def with_tags_of(
    resources: Sequence[ResourceSpec], old: Sequence[Resource]
) -> tuple[ResourceSpec, ...]:
    """Return specifications under the tags that exist: a cost centre may have changed since."""
    tags = {each.key: each.spec.get("tags") for each in old}
    return tuple(
        replace(each, spec={**each.spec, "tags": tags[each.key]}) if tags.get(each.key) else each
        for each in resources
    )


def tell(
    *,
    deployment: Deployment,
    generation: Generation | None,
    kind: str,
    meaning: str,
    now: datetime,
    words: str = "",
) -> None:
    """Append what a person did to the deployment's events."""
    Event.objects.create(
        deployment=deployment,
        generation=generation,
        at=now,
        kind=kind,
        words=words,
        meaning=meaning,
    )


def audited(option: Option) -> Mapping[str, Any]:
    """Return what the audit keeps of an option."""
    return {
        "option": option.option_id,
        "tier": option.tier.value,
        "model": option.model,
        "monthly_usd": str(monthly_usd(option)),
    }
