"""Portfolio plans, and what they are made of: each feature's newest options and what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from deployments.domain.portfolio.asking import Candidates, Portfolio
from deployments.domain.portfolio.candidate import candidate_from_json
from deployments.domain.records import from_json
from deployments.models import Deployment, PortfolioPlan
from portal.access import Actor
from portal.errors import NotFound
from portal.models import Feature, Team

# Of hundreds of options a feature only these few parts of each are read.
_NEWEST = """
    WITH newest AS (
        SELECT DISTINCT ON (feature_id) id, feature_id, prices_as_of, tree_pick
        FROM deployments_recommendation WHERE feature_id = ANY(%s)
        ORDER BY feature_id, created_at DESC, id DESC
    )
    SELECT newest.feature_id, newest.prices_as_of, newest.tree_pick, (
        SELECT jsonb_agg(jsonb_build_object(
            'option_id', o -> 'option_id', 'tier', o -> 'tier', 'summary', o -> 'summary',
            'size', o -> 'size', 'commitment_months', o -> 'commitment_months',
            'checks', jsonb_path_query_array(o, '$.checks[*] ? (@.holds == false)'),
            'cost', jsonb_build_object(
                'expected_usd', o -> 'cost' -> 'expected_usd',
                'lines', jsonb_path_query_array(
                    o, '$.cost.lines[*] ? (@.is_example == true)'
                )
            )
        ) ORDER BY place)
        FROM deployments_recommendation AS kept,
             jsonb_array_elements(kept.options) WITH ORDINALITY AS each(o, place)
        WHERE kept.id = newest.id
    )
    FROM newest
"""


@dataclass(frozen=True, slots=True)
class Material:
    """What a portfolio can be made of; `without_advice` were never compared."""

    features: tuple[Candidates, ...]
    without_advice: tuple[str, ...]
    prices_as_of: tuple[tuple[str, date], ...]  # of each feature's recommendation


def plans(*, actor: Actor) -> QuerySet[PortfolioPlan]:
    """Return the plans the actor may see, newest first; those of everybody only who sees all."""
    found = PortfolioPlan.objects.select_related("team")
    return found if actor.sees_everything else found.filter(team_id__in=list(actor.team_roles))


def plan_for(*, actor: Actor, pk: int) -> PortfolioPlan:
    """Return one plan. Raises NotFound."""
    found = plans(actor=actor).filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise NotFound(f"There is no portfolio plan {pk} that you can see.")
    return found


def portfolio_of(row: PortfolioPlan) -> Portfolio:
    """Return the portfolio a row keeps."""
    return from_json(Portfolio, row.body)


def material(*, team: Team | None) -> Material:
    """Return what the features of a team, or (None) of everybody, may run on."""
    features = Feature.objects.filter(archived_at=None).order_by("name", "pk")
    wanted = list(features.filter(team=team) if team else features)
    advice = _newest([each.pk for each in wanted])
    running = _running([each.pk for each in wanted])
    return Material(
        features=tuple(
            _candidates(each, advice[each.pk], running.get(each.pk, {}))
            for each in wanted
            if each.pk in advice
        ),
        without_advice=tuple(each.name for each in wanted if each.pk not in advice),
        prices_as_of=tuple(
            (each.name, advice[each.pk]["as_of"]) for each in wanted if each.pk in advice
        ),
    )


def _newest(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(ids)])
        rows = cursor.fetchall()
    return {
        feature: {"as_of": as_of, "tree_pick": tree, "options": _loaded(options)}
        for feature, as_of, tree, options in rows
    }


def _loaded(options: Any) -> list[dict[str, Any]]:
    return json.loads(options) if isinstance(options, str) else options or []


def _running(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what serves each feature, production before the others."""
    rows = Deployment.objects.filter(
        feature__in=ids, is_wanted=True, current__isnull=False
    ).order_by("-environment")
    found: dict[int, dict[str, Any]] = {}
    for row in rows.values(
        "feature_id", "environment", "current__monthly_usd", "current__option__summary"
    ):
        if row["feature_id"] not in found or row["environment"] == "production":
            found[row["feature_id"]] = dict(row)
    return found


def _candidates(
    feature: Feature, advice: Mapping[str, Any], running: Mapping[str, Any]
) -> Candidates:
    usd: Decimal | None = running.get("current__monthly_usd")
    return Candidates(
        feature=feature.slug,
        name=feature.name,
        options=tuple(candidate_from_json(body) for body in advice["options"]),
        tree_pick=advice["tree_pick"],
        running=str(running.get("current__option__summary") or ""),
        running_usd=usd,
    )
