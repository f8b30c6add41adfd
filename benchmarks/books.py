"""The books under load: how fast usage comes in, money is held, and a long ledger is read."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from benchmarks.figures import Figure, timed
from billing import queries
from billing.domain.money import month_of
from billing.domain.usage import Usage, hour_of
from billing.models import UsageEvent
from billing.queries import ledger, spend
from billing.queries.budgets import standing, standings
from billing.queries.filters import Filters
from billing.queries.keyset import stretch
from billing.usecases import budgets, prices
from billing.usecases.metering import record_usage
from billing.usecases.reservations import reserve
from portal.access import SYSTEM
from portal.models import Feature, Team

BATCH = 1000
BATCH_MS = 500
QUERY_MS = 100
BATCHES = 20
DEPLOYMENTS = 100
SKUS = ("bedrock:amazon.nova-lite-v1:0:us:input", "bedrock:amazon.nova-lite-v1:0:us:output")
ENOUGH_USD = Decimal(10) ** 11


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Book batches, hold money and ask for sums, on whatever the database already holds."""
    now = timezone.now()
    feature = _feature(now)
    held = UsageEvent.objects.count()
    return (
        *_booking(feature, now=now, held=held),
        *_holding(feature, now=now, runs=options.runs),
        *_asking(feature, now=now, runs=options.runs),
    )


def _feature(now: datetime) -> Feature:
    """Return the feature that is booked on, with prices and a budget to hold from."""
    prices.load_list(now=now)
    team, _ = Team.objects.get_or_create(
        slug="bench-books", defaults={"name": "Bench", "created_at": now}
    )
    feature, _ = Feature.objects.get_or_create(
        slug="bench-books", defaults={"team": team, "name": "Bench", "created_at": now}
    )
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=ENOUGH_USD, now=now)
    return feature


def _batch(feature: Feature, name: str, *, now: datetime) -> list[Usage]:
    """Return a batch of minutes of the two hours before, over many deployments."""
    start = hour_of(now) - timedelta(hours=2)
    return [
        Usage(
            uid=f"{name}:{number}",
            feature_id=feature.pk,
            deployment=f"bench-{number % DEPLOYMENTS}",
            environment="production",
            tier="bedrock-on-demand",
            model="amazon.nova-lite-v1:0",
            resource="profile",
            sku=SKUS[number % 2],
            quantity=Decimal(number * 1000 + 1),
            unit="token",
            started_at=start + timedelta(minutes=number % 120),
            ended_at=start + timedelta(minutes=number % 120 + 1),
        )
        for number in range(BATCH)
    ]


def _booking(feature: Feature, *, now: datetime, held: int) -> Iterator[Figure]:
    batches = [_batch(feature, f"bench-{now:%s}-{one}", now=now) for one in range(BATCHES)]
    places = iter(range(BATCHES))

    def book() -> None:
        place = next(places)
        recorded = record_usage(usage=batches[place], read_to={"bench": now}, now=now)
        assert recorded.new == BATCH, recorded

    began = time.perf_counter()
    new = timed(book, runs=BATCHES, warm_ups=0)
    rate = BATCH * BATCHES / (time.perf_counter() - began)
    again = timed(
        lambda: record_usage(usage=batches[0], read_to={"bench": now}, now=now), runs=BATCHES
    )
    remark = f"p50 {new.percentile_ms(50):.0f} ms, beside {held:,} events"
    yield Figure("1,000 new events", new.percentile_ms(95), "ms", BATCH_MS, remark)
    yield Figure("1,000 known events", again.percentile_ms(95), "ms", BATCH_MS)
    yield Figure("events a second, one process", rate, "/s")


def _holding(feature: Feature, *, now: datetime, runs: int) -> Iterator[Figure]:
    def hold() -> None:
        with transaction.atomic():
            reserve(feature=feature, deployment="bench-held", monthly_usd=Decimal(1), now=now)

    timing = timed(hold, runs=runs)
    yield Figure("hold money for a deployment", timing.percentile_ms(95), "ms", QUERY_MS)


def _asking(feature: Feature, *, now: datetime, runs: int) -> Iterator[Figure]:
    this, before = Filters(month=month_of(now)), Filters(month=month_of(now).before)
    slugs = list(Feature.objects.values_list("slug", flat=True)[:1000])
    asked = {
        "month to date by team, feature, tier, day": lambda: spend.breakdown(
            actor=SYSTEM, filters=this
        ),
        "the organisation's budget, with forecast": lambda: standing(team=None, now=now),
        "every team's budget, with forecast": lambda: standings(actor=SYSTEM, now=now),
        "consent to a launch": lambda: queries.consent(
            feature=feature, deployment="bench-new", monthly_usd=Decimal(1), now=now
        ),
        "spend of 1,000 features": lambda: queries.spend_of_features(slugs=slugs, now=now),
        "newest 50 charges": lambda: stretch(
            ledger.charges(actor=SYSTEM, filters=this), moment="hour", cursor="", limit=50
        ),
        "last 50 charges of the month before": lambda: stretch(
            ledger.charges(actor=SYSTEM, filters=before), moment="hour", cursor="", limit=50
        ),
        "last 50 events of the month before": lambda: stretch(
            ledger.usage(actor=SYSTEM, filters=before), moment="started_at", cursor="", limit=50
        ),
        "usage without a price": lambda: ledger.unpriced(actor=SYSTEM),
        "how far the meter has read": lambda: spend.metered(now=now),
    }
    for name, question in asked.items():
        yield Figure(name, timed(question, runs=runs).percentile_ms(95), "ms", QUERY_MS)
