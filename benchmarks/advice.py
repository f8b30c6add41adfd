"""How long a recommendation takes: the five features of scenario A, alone and with its rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.figures import Figure, timed
from billing.queries.prices import price_book
from billing.usecases import prices
from deployments.adapters import catalog
from deployments.domain import curves, ranking, workload_input
from deployments.domain.workload import Workload
from deployments.queries import advice as queries
from deployments.usecases import advice, workloads
from portal.access import SYSTEM
from portal.models import Feature, Team

LIMIT_MS = 300
RUNS = 15


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Measure one recommendation of each feature, the worst against its limit."""
    now = datetime.now(UTC)
    prices.load_list(now=now - timedelta(days=1))
    shipped = json.loads((catalog.DATA / "scenarios.json").read_text("utf-8"))
    features = shipped["scenarios"][0]["features"]
    found = [_pure(each["slug"], workloads.read(given=each["workload"]), now) for each in features]
    return (*found, _drawing(features[0]["workload"], now), *_kept(features, now))


def _pure(slug: str, workload: Workload, now: datetime) -> Figure:
    book = price_book(region=workload.region, now=now)
    facts = catalog.load()
    ask = partial(
        ranking.recommend,
        workload=workload,
        catalog=facts,
        prices=book,
        quotas=facts.default_quotas,
        today=now.date(),
    )
    options = ask().options
    taken = timed(ask, runs=RUNS)
    return Figure(
        f"ranking {slug}", taken.percentile_ms(95), "ms", None, f"{len(options)} options, p95"
    )


def _drawing(given: dict[str, object], now: datetime) -> Figure:
    facts = catalog.load()
    workload = workload_input.read(given, known_models=facts.by_id)
    book = price_book(region=workload.region, now=now)
    ranked = ranking.recommend(
        workload=workload, catalog=facts, prices=book, quotas={}, today=now.date()
    )
    taken = timed(partial(curves.curves, ranked.options, workload), runs=RUNS)
    return Figure("break-even curves", taken.percentile_ms(95), "ms", None, "p95")


def _kept(features: Sequence[dict[str, object]], now: datetime) -> list[Figure]:
    """Measure the use case with its rows; the database is thrown away afterwards."""
    found: list[Figure] = []
    team = Team.objects.create(slug="bench-advice", name="Bench", created_at=now)
    feature = Feature.objects.create(team=team, slug="bench-advice", name="Bench", created_at=now)
    for each in features:
        asked = workloads.read(given=each["workload"])
        workloads.describe(actor=SYSTEM, feature=feature, workload=asked, now=now)
        ask = partial(advice.recommend, actor=SYSTEM, feature=feature, now=now)
        taken = timed(ask, runs=RUNS)
        made = queries.newest_recommendation(feature=feature)
        size = len(json.dumps(made.options)) / 1000 if made else 0
        found.append(
            Figure(
                f"recommendation for {each['slug']}",
                taken.percentile_ms(95),
                "ms",
                LIMIT_MS,
                f"p95, with its rows; keeps {size:,.0f} kB",
            )
        )
    return found
