"""Register a feature, change what is said about it, archive it."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.models import Feature, Team
from portal.usecases import audit, naming

DATA_CLASSES = ("public", "internal", "confidential", "restricted")


class NameTaken(Conflict):
    """Another feature has this short name."""

    code = "name-taken"


@transaction.atomic(durable=True)
def register(
    *,
    actor: Actor,
    team: Team,
    slug: str,
    name: str,
    description: str = "",
    cost_centre: str = "",
    data_class: str = "internal",
    now: datetime,
) -> Feature:
    """Register a feature of a team.

    Raises NotAllowed, NotFound for another team's member, Invalid for a name or data class that
    cannot be, NameTaken when the short name is in use.
    """
    require(actor, Permission.REGISTER, team_id=team.pk)
    _check(
        slug=slug,
        name=name,
        description=description,
        cost_centre=cost_centre,
        data_class=data_class,
    )
    try:
        with transaction.atomic():
            feature = Feature.objects.create(
                team=team,
                slug=slug,
                name=name.strip(),
                description=description.strip(),
                cost_centre=cost_centre.strip() or team.cost_centre,
                data_class=data_class,
                created_at=now,
                created_by_id=actor.user_id,
            )
    except IntegrityError as reason:
        sentence = f"The short name {slug!r} is taken; choose another, such as {slug}-2."
        raise NameTaken(sentence, fields={"slug": sentence}) from reason
    audit.record(
        actor=actor,
        verb="register",
        subject=f"feature:{slug}",
        sentence=f"{actor.name} registered the feature {feature.name}.",
        team=team,
        now=now,
    )
    return feature


@transaction.atomic(durable=True)
def change(
    *,
    actor: Actor,
    feature: Feature,
    name: str | None = None,
    description: str | None = None,
    cost_centre: str | None = None,
    data_class: str | None = None,
    now: datetime,
) -> Feature:
    """Change what is said about a feature; None leaves a field. Raises NotAllowed, Invalid."""
    require(actor, Permission.REGISTER, team_id=feature.team_id)
    wanted = {
        "name": name,
        "description": description,
        "cost_centre": cost_centre,
        "data_class": data_class,
    }
    changes = {
        field: value.strip()
        for field, value in wanted.items()
        if value is not None and value.strip() != getattr(feature, field)
    }
    if not changes:
        return feature
    for field, value in changes.items():
        setattr(feature, field, value)
    _check(
        slug=feature.slug,
        name=feature.name,
        description=feature.description,
        cost_centre=feature.cost_centre,
        data_class=feature.data_class,
    )
    feature.save(update_fields=list(changes))
    audit.record(
        actor=actor,
        verb="change",
        subject=f"feature:{feature.slug}",
        sentence=f"{actor.name} changed {', '.join(changes)} of {feature.name}.",
        team=feature.team,
        detail=changes,
        now=now,
    )
    return feature


def _check(*, slug: str, name: str, description: str, cost_centre: str, data_class: str) -> None:
    fields = naming.complaints(slug=slug, name=name)
    fields |= naming.text_complaints("description", description, longest=naming.LONGEST_DESCRIPTION)
    fields |= naming.text_complaints("cost_centre", cost_centre, longest=naming.LONGEST_COST_CENTRE)
    if data_class not in DATA_CLASSES:
        fields["data_class"] = f"The data class is one of {', '.join(DATA_CLASSES)}."
    if fields:
        raise Invalid("The feature cannot be kept like this.", fields=fields)
