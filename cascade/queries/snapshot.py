"""What the gateways answer from, built from rows: policies, keys, prices, limits and weights."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.queries.budgets import budgets_seen
from cascade.domain import tariffs
from cascade.domain.prices import MICRO
from cascade.models import Cascade, VirtualKey, Weights
from cascade.queries.cascades import Standing, limits_of, standings
from cascade.queries.tariffs import price_table
from portal.access import SYSTEM

# A key that was revoked this long ago is as good as unknown.
REVOKED_FOR = timedelta(days=30)


def content(*, now: datetime) -> dict[str, Any]:
    """Return the snapshot without its version: as many queries for one cascade as for a hundred."""
    rows = list(Cascade.objects.filter(retired_at=None).select_related("feature__team"))
    answering = standings(ids=[row.pk for row in rows])
    rows = sorted((row for row in rows if row.pk in answering), key=lambda row: row.pk)
    limits = limits_of(ids=[row.feature_id for row in rows])
    budgets = {each.team_id: each.monthly_usd for each in budgets_seen(actor=SYSTEM)}
    weights = _weights(answering)
    prices = price_table(now=now, also=_models(answering.values()))
    return {
        "region": prices.region,
        "prices": {
            "version": prices.version,
            "as_of": prices.as_of,
            "tariffs": {key: tariffs.as_json(each) for key, each in prices.tariffs.items()},
        },
        "cascades": {
            str(row.pk): _cascade(row, answering[row.pk], weights.get(row.pk, {}))
            | {
                "limits": {
                    "feature_micro": _micro(limits.get(row.feature_id)),
                    "team_micro": _micro(budgets.get(row.feature.team_id)),
                    "organisation_micro": _micro(budgets.get(None)),
                }
            }
            for row in rows
        },
        "keys": _keys([row.pk for row in rows], now),
    }


def _cascade(row: Cascade, standing: Standing, weights: Mapping[str, str]) -> dict[str, Any]:
    canary = standing.canary
    return {
        "slug": row.slug,
        "feature": {"id": row.feature_id, "slug": row.feature.slug},
        "team": {"id": row.feature.team_id, "slug": row.feature.team.slug},
        "environment": row.environment,
        "live": {"number": standing.live.number, "policy": standing.live.body},
        "canary": None
        if canary is None
        else {"number": canary.number, "policy": canary.body, "share": standing.canary_share},
        "weights": dict(weights),
    }


def _bodies(standing: Standing) -> Sequence[Mapping[str, Any]]:
    return [each.body for each in (standing.live, standing.canary) if each is not None]


def _models(answering: Iterable[Standing]) -> set[str]:
    """Return the names of the tariffs that the policies' targets need."""
    found = set()
    for standing in answering:
        for body in _bodies(standing):
            targets = [body["classifier_target"], (body["judge"] or {}).get("target")]
            targets += [stage[name] for stage in body["stages"] for name in ("target", "partner")]
            found |= {target["model"] for target in targets if target}
    return found


def _weights(answering: Mapping[int, Standing]) -> dict[int, dict[str, str]]:
    """Return the weights that answering policies name, by cascade and version, in base64."""
    named = {
        (cascade, body[field])
        for cascade, standing in answering.items()
        for body in _bodies(standing)
        for field in ("router", "scorer")
        if body[field]
    }
    found: dict[int, dict[str, str]] = {}
    versions = {version for _, version in named}
    for row in Weights.objects.filter(cascade__in=list(answering), version__in=versions):
        if (row.cascade_id, row.version) in named:
            text = base64.b64encode(bytes(row.body)).decode()
            found.setdefault(row.cascade_id, {})[row.version] = text
    return found


def _keys(ids: Sequence[int], now: datetime) -> dict[str, Any]:
    rows = VirtualKey.objects.filter(cascade__in=ids).exclude(revoked_at__lt=now - REVOKED_FOR)
    return {row.prefix: _key(row) for row in rows.order_by("pk")}


def _key(row: VirtualKey) -> dict[str, Any]:
    return {
        "digest": row.secret_sha256,
        "cascade": row.cascade_id,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_minute": row.tokens_per_minute,
        "max_output_tokens": row.max_output_tokens,
        "monthly_micro": _micro(row.monthly_usd),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "revoked": row.revoked_at is not None,
    }


def _micro(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd * MICRO)
