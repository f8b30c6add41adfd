"""Make a cascade, limit what it may spend, and retire it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.domain.money import in_words
from cascade.domain.digests import canonical, digest_of
from cascade.models import Cascade, Draft, FeatureLimit
from cascade.queries.ladders import suggested
from cascade.usecases import snapshots
from deployments.domain.lifecycle import Environment
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.models import Feature
from portal.usecases import audit

MOST_USD = Decimal(10) ** 9
MICRO = Decimal("0.000001")


class AlreadyThere(Conflict):
    """The feature has a cascade in this environment."""

    code = "already-there"


@transaction.atomic(durable=True)
def create_cascade(*, actor: Actor, feature: Feature, environment: str, now: datetime) -> Cascade:
    """Make a feature's cascade with a draft of three suggested stages; nothing answers yet.

    Raises NotFound to strangers, NotAllowed, Invalid, AlreadyThere.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=feature.team_id)
    if environment not in {each.value for each in Environment}:
        known = ", ".join(each.value for each in Environment)
        raise Invalid(
            "There is no such environment.",
            fields={"environment": f"The environment is one of {known}."},
        )
    Feature.objects.select_for_update().get(pk=feature.pk)
    running = Cascade.objects.filter(feature=feature, environment=environment, retired_at=None)
    if running.exists():
        raise AlreadyThere(f"{feature.name} has a cascade in {environment} already.")
    made = Cascade.objects.create(
        feature=feature,
        environment=environment,
        slug=_free_slug(feature, environment),
        created_at=now,
        created_by_id=actor.user_id,
    )
    _suggest(made, actor, now)
    audit.record(
        actor=actor,
        verb="create-cascade",
        subject=f"cascade:{made.slug}",
        sentence=f"{actor.name} made the cascade {made.slug} of {feature.name}.",
        team=feature.team,
        detail={"feature": feature.slug},
        now=now,
    )
    return made


def _free_slug(feature: Feature, environment: str) -> str:
    """Return a name no cascade has had: the books keep the old one's spending under its own."""
    usual = f"{feature.slug}-{environment}-cascade"
    taken = set(Cascade.objects.filter(slug__startswith=usual).values_list("slug", flat=True))
    slug, number = usual, 1
    while slug in taken:
        number += 1
        slug = f"{usual}-{number}"
    return slug


def _suggest(cascade: Cascade, actor: Actor, now: datetime) -> None:
    policy = suggested(feature=cascade.feature, now=now)
    if policy is None:
        return
    Draft.objects.create(
        cascade=cascade,
        body=canonical(policy),
        digest=digest_of(policy),
        note="Suggested: the cheapest, a middle and the strongest model this feature may use.",
        updated_by=actor.name[:200],
        updated_at=now,
    )


@transaction.atomic(durable=True)
def set_limits(
    *, actor: Actor, feature: Feature, monthly_usd: Decimal | None, now: datetime
) -> FeatureLimit:
    """Set what a feature's cascades may spend in a calendar month (UTC); None lifts the limit.

    Raises NotFound to strangers, NotAllowed, Invalid for an amount that cannot be.
    """
    require(actor, Permission.LIMIT_CASCADE, team_id=feature.team_id)
    if monthly_usd is not None and not is_amount(monthly_usd):
        raise Invalid(
            "The limit cannot be set like this.",
            fields={"monthly_usd": "A limit is 0 USD or more, in whole micro-dollars."},
        )
    row = FeatureLimit.objects.create(
        feature=feature, monthly_usd=monthly_usd, set_by=actor.name[:200], set_at=now
    )
    words = "no limit of its own" if monthly_usd is None else f"{in_words(monthly_usd)} a month"
    audit.record(
        actor=actor,
        verb="limit-cascade",
        subject=f"feature:{feature.slug}",
        sentence=f"{actor.name} gave the cascades of {feature.name} {words}.",
        team=feature.team,
        now=now,
    )
    snapshots.publish_after_commit(now=now)
    return row


def is_amount(usd: Decimal) -> bool:
    """Say whether an amount can be a limit: finite, not negative, of whole micro-dollars."""
    return usd.is_finite() and 0 <= usd <= MOST_USD and usd == usd.quantize(MICRO)


@transaction.atomic(durable=True)
def retire(*, actor: Actor, cascade: Cascade, now: datetime) -> None:
    """Let a cascade answer no more; its history stays. Retiring twice is no error.

    Raises NotFound to strangers, NotAllowed.
    """
    require(actor, Permission.PROMOTE_POLICY, team_id=cascade.feature.team_id)
    if not Cascade.objects.filter(pk=cascade.pk, retired_at=None).update(retired_at=now):
        return
    cascade.retired_at = now
    audit.record(
        actor=actor,
        verb="retire-cascade",
        subject=f"cascade:{cascade.slug}",
        sentence=f"{actor.name} retired the cascade {cascade.slug}.",
        team=cascade.feature.team,
        detail={"feature": cascade.feature.slug},
        now=now,
    )
    snapshots.publish_after_commit(now=now)
