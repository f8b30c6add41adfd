"""What is proposed to be changed, and what the nightly look has to look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Sum
from django.urls import reverse

from billing.models import SpendHour
from deployments.domain.lifecycle import Environment, State
from deployments.domain.options import TIER_NAMES, Tier
from deployments.models import Deployment, Move
from portal.access import Actor
from portal.errors import NotFound
from portal.models import Feature

# Production is what a move is about; where it has none, what is closest to it.
NEAREST_FIRST = (Environment.PRODUCTION, Environment.STAGING, Environment.EXPERIMENT)


def visible(*, actor: Actor) -> QuerySet[Move]:
    """Return all moves of the features the actor sees."""
    found = Move.objects.select_related("feature__team", "recommendation")
    if not actor.sees_everything:
        found = found.filter(feature__team_id__in=list(actor.team_roles))
    return found


def open_moves(*, actor: Actor, feature: str = "", team: str = "") -> QuerySet[Move]:
    """Return the moves that wait for an answer, those that save most first."""
    found = visible(actor=actor).filter(answered_at=None, feature__archived_at=None)
    if feature:
        found = found.filter(feature__slug=feature)
    if team:
        found = found.filter(feature__team__slug=team)
    return found


def move_for(*, actor: Actor, pk: int) -> Move:
    """Return a move the actor may see. Raises NotFound."""
    found = visible(actor=actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no move {pk} that you can see.")
    return found


def open_move_of(*, feature: Feature) -> Move | None:
    """Return what is proposed for a feature; None when nothing is."""
    return Move.objects.filter(feature=feature, answered_at=None).first()


def is_looked_at(*, feature: Feature, day: date) -> bool:
    """Say whether a move of the feature was proposed on this day (UTC) already."""
    return Move.objects.filter(feature=feature, made_at__date=day).exists()


def lately_dismissed(*, feature: Feature, since: datetime) -> Sequence[Move]:
    """Return the moves of a feature that somebody has dismissed since."""
    return list(Move.objects.filter(feature=feature, answer="dismissed", answered_at__gte=since))


def features_to_look_at() -> Sequence[int]:
    """Return the features with a workload that run, or were compared."""
    found = Feature.objects.filter(archived_at=None, workloads__isnull=False).filter(
        Q(deployments__is_wanted=True) | Q(recommendations__isnull=False)
    )
    return list(found.order_by("pk").values_list("pk", flat=True).distinct())


def running_deployment(*, feature: Feature) -> Deployment | None:
    """Return what serves the feature, production first; None when nothing is ready."""
    found = Deployment.objects.filter(
        feature=feature, is_wanted=True, state=State.READY, current__isnull=False
    ).select_related("current__recommendation__workload")
    by_place = {each.environment: each for each in found}
    return next((by_place[place] for place in NEAREST_FIRST if place in by_place), None)


def tokens_of(*, deployment: Deployment, start: datetime, end: datetime) -> Mapping[str, Decimal]:
    """Return the input and output tokens booked for whole hours; empty where none were."""
    rows = (
        SpendHour.objects.filter(
            deployment=deployment.slug,
            hour__gte=start,
            hour__lte=end - timedelta(hours=1),
            sku__startswith="bedrock:",
        )
        .values_list("sku")
        .annotate(total=Sum("quantity"))
    )
    found: dict[str, Decimal] = {}
    for sku, total in rows:
        direction = "output" if "output" in sku.rpartition(":")[2] else "input"
        found[direction] = found.get(direction, Decimal(0)) + total
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """A move and where it could be launched beside what runs; empty: no environment is free."""

    move: Move
    environment: str

    @property
    def from_tier(self) -> str:
        """Return the tier it leaves, in words."""
        return TIER_NAMES[Tier(self.move.body["from"]["tier"])]

    @property
    def to_tier(self) -> str:
        """Return the tier it goes to, in words."""
        return TIER_NAMES[Tier(self.move.body["to"]["tier"])]

    @property
    def launch_url(self) -> str:
        """Return the address of the launch preview; empty where no environment is free."""
        if not self.environment:
            return ""
        asked = {
            "recommendation": self.move.recommendation_id,
            "option": self.move.body["to"]["option"],
            "environment": self.environment,
        }
        return f"{reverse('deployments:launch', args=[self.move.feature.slug])}?{urlencode(asked)}"


def rows(moves: Sequence[Move]) -> list[Row]:
    """Return moves with where each could be launched; one query for all of them."""
    taken: dict[int, set[str]] = {}
    wanted = Deployment.objects.filter(
        feature_id__in={each.feature_id for each in moves}, is_wanted=True
    )
    for feature_id, environment in wanted.values_list("feature_id", "environment"):
        taken.setdefault(feature_id, set()).add(environment)
    return [Row(each, _free(taken.get(each.feature_id, set()))) for each in moves]


def _free(taken: Collection[str]) -> str:
    order = NEAREST_FIRST if not taken else (Environment.STAGING, Environment.EXPERIMENT)
    return next((place.value for place in order if place not in taken), "")
