"""Play a whole scenario unattended: recommend, launch, wait, play traffic, meter, add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from billing.models import Charge
from billing.queries.spend import spend_of_features
from deployments.domain.lifecycle import Environment, State
from deployments.models import Deployment, Recommendation, Span, TrafficRun
from deployments.usecases import advice, launch
from portal.access import Actor
from portal.errors import Conflict
from portal.models import Feature

Say = Callable[[str], None]
WAITING = (State.PENDING, State.CREATING, State.UPDATING)


@dataclass(frozen=True, slots=True)
class Row:
    """One feature of the summary: `spend_usd` as pages show it, `ledger_usd` as charges add up."""

    feature: str
    deployment: str
    state: str
    run: TrafficRun | None
    monthly_usd: Decimal
    spend_usd: Decimal
    ledger_usd: Decimal


def launch_all(
    *, actor: Actor, slugs: Iterable[str], clock: Callable[[], datetime], say: Say
) -> list[Deployment]:
    """Launch our pick of each feature in production, unless it runs already.

    Raises whatever the launch refuses, and Conflict when nothing can be recommended.
    """
    return [_launch(actor=actor, slug=slug, now=clock(), say=say) for slug in slugs]


def _launch(*, actor: Actor, slug: str, now: datetime, say: Say) -> Deployment:
    feature = Feature.objects.select_related("team").get(slug=slug)
    running = Deployment.objects.filter(
        feature=feature, environment=Environment.PRODUCTION, is_wanted=True
    ).first()
    if running is not None:
        say(f"{feature.name}: {running.slug} runs already ({running.state})")
        return running
    found = advice.recommend(actor=actor, feature=feature, now=now)
    option = _pick(found)
    say(f"{feature.name}: {option['summary']}")
    return launch.launch(
        actor=actor,
        feature=feature,
        recommendation_id=found.pk,
        option_id=found.launch_pick,
        environment=Environment.PRODUCTION,
        now=now,
    )


def _pick(found: Recommendation) -> dict[str, str]:
    for option in found.options:
        if found.launch_pick and option["option_id"] == found.launch_pick:
            return option
    raise Conflict(f"No option of {found.feature.name} that we build meets every constraint.")


def unfinished(deployments: Iterable[Deployment]) -> list[Deployment]:
    """Return those that are neither ready nor failed yet, as they stand now."""
    keys = [deployment.pk for deployment in deployments]
    return list(Deployment.objects.filter(pk__in=keys, state__in=WAITING))


def unseen(deployments: Iterable[Deployment], *, until: datetime) -> bool:
    """Say whether something paid by time was not looked at since; its meter waits for the look."""
    keys = [deployment.pk for deployment in deployments]
    open_spans = Span.objects.filter(resource__generation__deployment__in=keys, ended_at=None)
    return open_spans.filter(seen_until__lt=until).exists()


def summary(*, deployments: Iterable[Deployment], now: datetime) -> list[Row]:
    """Return each feature's month so far, from the roll-up and from the ledger."""
    keys = [deployment.pk for deployment in deployments]
    found = list(
        Deployment.objects.filter(pk__in=keys).select_related("feature", "current").order_by("pk")
    )
    spend = spend_of_features(slugs=[each.feature.slug for each in found], now=now)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [
        Row(
            feature=each.feature.name,
            deployment=each.slug,
            state=each.state,
            run=each.traffic_runs.first(),
            monthly_usd=each.current.monthly_usd if each.current else Decimal(0),
            spend_usd=spend.get(each.feature.slug, Decimal(0)),
            ledger_usd=Charge.objects.filter(feature=each.feature, hour__gte=start).aggregate(
                total=Sum("usd", default=Decimal(0))
            )["total"],
        )
        for each in found
    ]
