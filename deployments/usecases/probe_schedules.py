"""Probes by schedule: a team's wish to have what it runs on measured again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.domain.money import in_words
from deployments.domain.probing import FEWEST_INPUT_TOKENS
from deployments.models import Probe, ProbeSchedule
from deployments.queries import probes as queries
from deployments.usecases.probes import (
    MOST_INPUT_TOKENS,
    MOST_OUTPUT_TOKENS,
    MOST_REQUESTS,
    MOST_USD,
    Wish,
    start,
)
from portal.access import SYSTEM, Actor, Permission, require
from portal.errors import Invalid, Refusal
from portal.models import Feature, Team
from portal.usecases import audit

MOST_DAYS = 90


@transaction.atomic(durable=True)
def schedule(
    *, actor: Actor, feature: Feature, every_days: int, wish: Wish, now: datetime
) -> ProbeSchedule:
    """Have every managed model and route the team runs on probed again and again.

    `wish.most_usd` is the cap of one run, charged to `feature`; its model and route are not read.
    Raises NotFound, NotAllowed, Invalid for a figure out of range.
    """
    require(actor, Permission.LAUNCH, team_id=feature.team_id)
    most_usd = _checked_cap(every_days=every_days, wish=wish)
    row, _ = ProbeSchedule.objects.update_or_create(
        team_id=feature.team_id,
        defaults={
            "feature": feature,
            "every_days": every_days,
            "requests": wish.requests,
            "input_tokens": wish.input_tokens,
            "output_tokens": wish.output_tokens,
            "most_usd": most_usd,
            "changed_at": now,
            "changed_by": actor.name[:200],
        },
    )
    _record_schedule(actor, feature.team, f"every {every_days} days", now)
    return row


def _checked_cap(*, every_days: int, wish: Wish) -> Decimal:
    """Return the cap of one run. Raises Invalid for a figure out of range."""
    fields = {}
    if not 1 <= every_days <= MOST_DAYS:
        fields["every_days"] = f"Probe every 1 to {MOST_DAYS} days."
    if not 1 <= wish.requests <= MOST_REQUESTS:
        fields["requests"] = f"A probe sends between 1 and {MOST_REQUESTS} requests."
    if not FEWEST_INPUT_TOKENS <= wish.input_tokens <= MOST_INPUT_TOKENS:
        fields["input_tokens"] = (
            f"A prompt has between {FEWEST_INPUT_TOKENS} and {MOST_INPUT_TOKENS:,} tokens."
        )
    if not 2 <= wish.output_tokens <= MOST_OUTPUT_TOKENS:
        fields["output_tokens"] = f"An answer has between 2 and {MOST_OUTPUT_TOKENS:,} tokens."
    most_usd = wish.most_usd or Decimal(0)
    if not 0 < most_usd <= MOST_USD:
        fields["most_usd"] = f"A run may cost more than nothing and at most {in_words(MOST_USD)}."
    if fields:
        raise Invalid("The schedule cannot be kept like this.", fields=fields)
    return most_usd


@transaction.atomic(durable=True)
def unschedule(*, actor: Actor, team: Team, now: datetime) -> None:
    """Probe nothing of the team by schedule any more. Raises NotFound or NotAllowed."""
    require(actor, Permission.LAUNCH, team_id=team.pk)
    gone, _ = ProbeSchedule.objects.filter(team=team).delete()
    if gone:
        _record_schedule(actor, team, "off", now)


def _record_schedule(actor: Actor, team: Team, how: str, now: datetime) -> None:
    audit.record(
        actor=actor,
        verb="schedule-probes",
        subject=f"team:{team.slug}",
        sentence=f"{actor.name} set the probes of {team.name} by schedule: {how}.",
        team=team,
        now=now,
    )


def start_due(*, now: datetime) -> list[Probe]:
    """Start what the schedules want now; run twice, or at once, it starts nothing twice.

    A run that cannot be started (no budget left, no price) is left for the next time.
    """
    started = []
    for row in ProbeSchedule.objects.select_related("feature__team", "team").order_by("pk"):
        since = now - timedelta(days=row.every_days)
        for way in queries.used_ways(team=row.team):
            wish = _scheduled(row, way)
            newer = Probe.objects.filter(
                team=row.team,
                model=wish.model,
                route=wish.route,
                region=settings.AWS_REGION,
                created_at__gt=since,
            )
            if newer.exists():
                continue
            try:
                started.append(start(actor=SYSTEM, feature=row.feature, wish=wish, now=now))
            except Refusal:
                continue
    return started


def _scheduled(row: ProbeSchedule, way: queries.Way) -> Wish:
    return Wish(
        model=way.model.model_id,
        route=way.route.route,
        requests=row.requests,
        input_tokens=row.input_tokens,
        output_tokens=min(row.output_tokens, way.model.max_output_tokens),
        most_usd=row.most_usd,
    )
