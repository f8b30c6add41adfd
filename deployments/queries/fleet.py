"""Deployments in tables and on cards: the fleet, a feature's, and what needs me."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import DecimalField, F, QuerySet, Value
from django.db.models.functions import Coalesce

from billing.queries.spend import spend_of_deployments
from deployments.domain.lifecycle import State
from deployments.models import Deployment
from deployments.queries.operations import deployments, tier_name
from portal.access import Actor, Permission
from portal.models import Feature

ZERO = Decimal(0)
IN_MOTION = (State.PENDING, State.CREATING, State.UPDATING, State.RETIRING)


def fleet(*, actor: Actor, **filters: str) -> QuerySet[Deployment]:
    """Return the deployments asked for that the actor may see, each with `estimate_usd`.

    The filters are those of `deployments`; an empty text asks for all.
    """
    return deployments(actor=actor, **filters).annotate(
        estimate_usd=Coalesce(
            F("current__monthly_usd"),
            Value(ZERO),
            output_field=DecimalField(max_digits=24, decimal_places=12),
        )
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment in a table, with its month to date and its estimate in USD."""

    deployment: Deployment
    tier: str
    spent_usd: Decimal
    estimate_usd: Decimal


def rows(found: Sequence[Deployment], *, now: datetime) -> list[Row]:
    """Return deployments with what each has cost this month; one query for all of them."""
    spent = spend_of_deployments(slugs=[each.slug for each in found], now=now)
    return [
        Row(
            deployment=each,
            tier=tier_name(each.current.tier) if each.current else "",
            spent_usd=spent[each.slug],
            estimate_usd=each.current.monthly_usd if each.current else ZERO,
        )
        for each in found
    ]


@dataclass(frozen=True, slots=True)
class NeedsMe:
    """What somebody should look at: what failed, what is moving, what could be launched."""

    failed: Sequence[Deployment]
    moving: Sequence[Deployment]
    waiting: Sequence[Feature]
    serving: int


def needs_me(*, actor: Actor, limit: int) -> NeedsMe:
    """Return the deployments that failed or move, and compared features that run nowhere."""
    mine = Deployment.objects.visible_to(actor).select_related("feature__team", "current")
    compared = (
        Feature.objects.visible_to(actor)
        .filter(archived_at=None, recommendations__isnull=False)
        .exclude(deployments__is_wanted=True)
        .select_related("team")
        .order_by("name", "pk")
        .distinct()
    )
    return NeedsMe(
        failed=list(mine.filter(state=State.FAILED)[:limit]),
        moving=list(mine.filter(state__in=IN_MOTION)[:limit]),
        waiting=[
            each for each in compared[:limit] if actor.may(Permission.LAUNCH, team_id=each.team_id)
        ],
        serving=mine.filter(state=State.READY).count(),
    )
