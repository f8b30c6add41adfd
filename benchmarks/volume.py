"""A large organisation: 1,000 features in 40 teams, 5,000 resources, 10 million metered events."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks import ledger
from benchmarks.figures import Figure
from billing.models import Reservation
from billing.usecases import budgets
from deployments.domain.blueprint import Names, blueprint
from deployments.domain.records import option_from_json
from deployments.models import Deployment, Generation, Recommendation, Resource
from deployments.usecases import advice, example
from portal.access import SYSTEM, Role
from portal.models import Feature, Membership, Team, User

SCENARIO = "content-ai"
TEAMS = 40
FEATURES = 1000
RESOURCES = 5000
EVENTS_A_RESOURCE = 4
BUDGET_USD = Decimal(2_000_000_000)
TEAM_BUDGET_USD = Decimal(100_000_000)
ENVIRONMENTS = ("production", "staging", "experiment")
# One in so many deployments waits for capacity, as pages show those first.
FAILED_EVERY = 40

COPY_TEAMS = """
    INSERT INTO portal_team (slug, name, cost_centre, created_at)
    SELECT 'team-' || n, 'Team ' || n, 'CC-' || n, %(now)s
    FROM generate_series(1, %(count)s - (SELECT count(*) FROM portal_team)) AS n
"""
COPY_FEATURES = """
    WITH held AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM portal_team),
         model AS (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM portal_feature)
    INSERT INTO portal_feature
        (team_id, slug, name, description, cost_centre, data_class, created_at)
    SELECT held.id, model.slug || '-' || n, model.name || ' ' || n, model.description,
           model.cost_centre, model.data_class, %(now)s::timestamptz + n * interval '1 minute'
    FROM generate_series(1, %(count)s - (SELECT count(*) FROM portal_feature)) AS n
    JOIN held ON held.place = n %% %(teams)s
    JOIN model ON model.place = n %% (SELECT count(*) FROM portal_feature)
"""
# A copied feature is named after the one it was copied from.
MODELS = """
    WITH copies AS (
        SELECT copy.id, model.id AS model_id FROM portal_feature AS copy
        JOIN portal_feature AS model ON copy.slug ~ ('^' || model.slug || '-[0-9]+$'))
"""
COPY_WORKLOADS = f"""
    {MODELS}
    INSERT INTO deployments_workloadrow (feature_id, version, body, created_at, created_by)
    SELECT copies.id, kept.version, kept.body, kept.created_at, kept.created_by
    FROM copies JOIN deployments_workloadrow AS kept ON kept.feature_id = copies.model_id
"""  # noqa: S608 - a constant
COPY_RECOMMENDATIONS = f"""
    {MODELS}
    INSERT INTO deployments_recommendation
        (feature_id, workload_id, created_at, created_by, prices_as_of, pick, tree_pick,
         launch_pick, explanation, options)
    SELECT copies.id, workload.id, kept.created_at, kept.created_by, kept.prices_as_of,
           kept.pick, kept.tree_pick, kept.launch_pick, kept.explanation, kept.options
    FROM copies
    JOIN deployments_recommendation AS kept ON kept.feature_id = copies.model_id
    JOIN deployments_workloadrow AS workload ON workload.feature_id = copies.id
"""  # noqa: S608 - a constant
HAPPEN = """
    INSERT INTO deployments_event
        (deployment_id, generation_id, resource_id, at, kind, words, meaning, advice)
    SELECT generation.deployment_id, generation.id, resource.id,
           resource.created_at + n * interval '7 seconds',
           (ARRAY['create', 'wait', 'ready', 'seen'])[n], 'What AWS said about ' || resource.name,
           'It is being made.', ''
    FROM deployments_resource AS resource
    JOIN deployments_generation AS generation ON generation.id = resource.generation_id,
         generate_series(1, %s) AS n
"""
SPAN = """
    INSERT INTO deployments_span (resource_id, sku, capacity, started_at, seen_until, ended_at)
    SELECT id, spec->>'paid_sku', 1, began, began + interval '1 day',
           CASE WHEN n < 30 THEN began + interval '1 day' END
    FROM deployments_resource,
         generate_series(1, 30) AS n,
         LATERAL (SELECT created_at + n * interval '1 day' AS began) AS moment
    WHERE spec ? 'paid_sku'
"""
AUDIT = """
    INSERT INTO portal_auditevent (at, actor, team_id, verb, subject, sentence, detail)
    SELECT feature.created_at + n * interval '1 hour', 'Lena Okafor', feature.team_id, 'change',
           'feature:' || feature.slug, 'Lena Okafor changed ' || feature.name || '.', '{}'
    FROM portal_feature AS feature, generate_series(1, 20) AS n
"""


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Fill the database; return what is in it now and how long that took."""
    began, now = time.perf_counter(), timezone.now()
    start = now - timedelta(days=90)
    organise(now=start)
    features = list(Feature.objects.select_related("team").order_by("pk"))
    deploy(features=features, now=start)
    _run(HAPPEN, [EVENTS_A_RESOURCE])
    _run(SPAN)
    _run(AUDIT)
    booked = ledger.fill(events=options.events, now=now)
    return (
        Figure("teams", Team.objects.count(), ""),
        Figure("features", len(features), ""),
        Figure("deployments", Deployment.objects.count(), ""),
        Figure("resources", Resource.objects.count(), ""),
        *booked,
        Figure("filling all of it", time.perf_counter() - began, "s"),
    )


def organise(*, now: datetime) -> None:
    """Set up the example, compare its options, and copy it until the organisation is large."""
    example.install(key=SCENARIO, password="", now=now)
    for feature in Feature.objects.order_by("pk"):
        advice.recommend(actor=SYSTEM, feature=feature, now=now)
    _run(COPY_TEAMS, {"now": now, "count": TEAMS})
    _run(COPY_FEATURES, {"now": now, "count": FEATURES, "teams": TEAMS})
    _run(COPY_WORKLOADS)
    _run(COPY_RECOMMENDATIONS)
    lead = User.objects.get(email=f"lead@{SCENARIO}.example")
    Membership.objects.bulk_create(
        (Membership(user=lead, team=t, role=Role.LEAD, created_at=now) for t in Team.objects.all()),
        ignore_conflicts=True,
    )
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=BUDGET_USD, now=now)
    for team in Team.objects.all():
        budgets.set_budget(actor=SYSTEM, team=team, monthly_usd=TEAM_BUDGET_USD, now=now)


def deploy(*, features: Sequence[Feature], now: datetime) -> None:
    """Deploy what was recommended, environment by environment, until there are enough resources."""
    kept = {row.feature_id: row for row in Recommendation.objects.all()}
    count = 0
    for environment in ENVIRONMENTS:
        for feature in features:
            if count >= RESOURCES:
                return
            count += _deploy(feature, kept[feature.pk], environment, now)


def _deploy(feature: Feature, found: Recommendation, environment: str, now: datetime) -> int:
    body = next((each for each in found.options if each["option_id"] == found.launch_pick), None)
    body = body or found.options[0]
    option = option_from_json(body)
    slug = f"{feature.slug}-{environment}"[:40]
    is_failed = feature.pk % FAILED_EVERY == 0
    deployment = Deployment.objects.create(
        feature=feature,
        slug=slug,
        environment=environment,
        state="failed" if is_failed else "ready",
        created_at=now,
    )
    generation = Generation.objects.create(
        deployment=deployment,
        number=1,
        option=body,
        recommendation=found,
        tier=option.tier,
        model=option.model,
        monthly_usd=option.cost.expected_usd or Decimal(0),
        created_at=now,
        created_by="Lena Okafor",
    )
    Deployment.objects.filter(pk=deployment.pk).update(current=generation)
    Reservation.objects.create(
        team_id=feature.team_id,
        feature=feature,
        deployment=slug,
        monthly_usd=generation.monthly_usd,
        held_at=now,
    )
    names = Names(
        slug=slug,
        generation=1,
        team=feature.team.slug,
        feature=feature.slug,
        environment=environment,
        cost_centre=feature.cost_centre,
        region=settings.AWS_REGION,
    )
    rows = list(_resources(generation, blueprint(option=option, names=names), is_failed, now))
    return len(Resource.objects.bulk_create(rows))


def _resources(
    generation: Generation, specs: Sequence[Any], is_failed: bool, now: datetime
) -> Iterator[Resource]:
    for position, spec in enumerate(specs):
        is_stuck = is_failed and position == len(specs) - 1
        yield Resource(
            generation=generation,
            key=spec.key,
            kind=spec.kind,
            name=spec.name,
            spec=dict(spec.spec),
            needs=list(spec.needs),
            position=position,
            phase="failed" if is_stuck else "ready",
            code="ResourceLimitExceeded" if is_stuck else "",
            detail="There is not enough capacity." if is_stuck else "InService",
            outputs={
                "arn": f"arn:aws:example:{spec.name}",
                "url": f"http://127.0.0.1:9/{spec.name}",
            },
            created_at=now,
            began_at=now,
            seen_at=now,
            ready_at=None if is_stuck else now,
        )


def _run(sql: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
