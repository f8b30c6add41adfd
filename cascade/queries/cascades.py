"""Cascades, their policies, and which of them answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from cascade.models import Cascade, Draft, FeatureLimit, PolicyVersion, Rollout, VirtualKey
from portal.access import Actor
from portal.errors import NotFound
from portal.models import Feature


@dataclass(frozen=True, slots=True)
class Standing:
    """What answers now: a live policy, and perhaps a canary for a share of the requests."""

    live: PolicyVersion
    canary: PolicyVersion | None
    canary_share: float
    rollout: Rollout


def cascades(
    *, actor: Actor, team: str = "", feature: str = "", environment: str = ""
) -> QuerySet[Cascade]:
    """Return the cascades the actor may see, newest first."""
    found = Cascade.objects.visible_to(actor).select_related("feature__team")
    asked = {"feature__team__slug": team, "feature__slug": feature, "environment": environment}
    return found.filter(**{name: value for name, value in asked.items() if value})


def cascade_for(*, actor: Actor, slug: str) -> Cascade:
    """Return a cascade the actor may see. Raises NotFound."""
    found = cascades(actor=actor).filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no cascade {slug!r} that you can see.")
    return found


def cascade_of(*, feature: Feature, environment: str) -> Cascade | None:
    """Return a feature's cascade in an environment; None when there is none that runs."""
    found = Cascade.objects.filter(feature=feature, environment=environment, retired_at=None)
    return found.select_related("feature__team").first()


def policies(*, cascade: Cascade) -> QuerySet[PolicyVersion]:
    """Return a cascade's published policies, newest first."""
    return PolicyVersion.objects.filter(cascade=cascade).select_related("replay", "cascade")


def policy_for(*, cascade: Cascade, number: int) -> PolicyVersion:
    """Return one published policy. Raises NotFound."""
    found = policies(cascade=cascade).filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFound(f"{cascade.slug} has no policy {number}.")
    return found


def draft_of(*, cascade: Cascade) -> Draft | None:
    """Return a cascade's draft; None when nobody edits one."""
    return Draft.objects.filter(cascade=cascade).first()


def rollouts(*, cascade: Cascade) -> QuerySet[Rollout]:
    """Return what was rolled out, newest first."""
    return Rollout.objects.filter(cascade=cascade).select_related("live", "canary", "cascade")


def standing_of(*, cascade: Cascade) -> Standing | None:
    """Return what answers now; None before anything was rolled out."""
    return standings(ids=[cascade.pk]).get(cascade.pk)


def standings(*, ids: Iterable[int]) -> Mapping[int, Standing]:
    """Return what answers now by cascade, in one query."""
    newest = (
        Rollout.objects.filter(cascade__in=list(ids))
        .order_by("cascade_id", "-at", "-pk")
        .distinct("cascade_id")
        .select_related("live", "canary")
    )
    return {row.cascade_id: Standing(row.live, row.canary, row.canary_share, row) for row in newest}


def limit_of(*, feature: Feature) -> Decimal | None:
    """Return what the feature's cascades may spend in a month, in USD; None: no own limit."""
    return limits_of(ids=[feature.pk]).get(feature.pk)


def limits_of(*, ids: Iterable[int]) -> Mapping[int, Decimal | None]:
    """Return the limits by feature, for the features that ever had one."""
    newest = (
        FeatureLimit.objects.filter(feature__in=list(ids))
        .order_by("feature_id", "-set_at", "-pk")
        .distinct("feature_id")
    )
    return {row.feature_id: row.monthly_usd for row in newest}


def keys(*, cascade: Cascade) -> QuerySet[VirtualKey]:
    """Return a cascade's virtual keys, newest first."""
    return VirtualKey.objects.filter(cascade=cascade).select_related("cascade")


def key_for(*, cascade: Cascade, prefix: str) -> VirtualKey:
    """Return one of a cascade's keys. Raises NotFound."""
    found = keys(cascade=cascade).filter(prefix=prefix).first()
    if found is None:
        raise NotFound(f"{cascade.slug} has no key {prefix!r}.")
    return found
