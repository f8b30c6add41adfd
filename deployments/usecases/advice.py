"""Recommend: every option of the newest workload at today's prices, kept as it was that day."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.prices import PriceBook
from billing.queries.prices import price_book
from deployments.adapters import catalog
from deployments.domain import ranking
from deployments.domain.options import TIER_NAMES
from deployments.domain.records import option_to_json, workload_from_json
from deployments.domain.workload import Workload
from deployments.models import Recommendation, WorkloadRow
from deployments.queries import probes
from portal.access import Actor, Permission, require
from portal.errors import Conflict
from portal.models import Feature
from portal.usecases import audit


class NoWorkload(Conflict):
    """The feature's workload was never described."""

    code = "no-workload"


@transaction.atomic(durable=True)
def recommend(*, actor: Actor, feature: Feature, now: datetime) -> Recommendation:
    """Compare every option for the feature's newest workload and keep the answer.

    Raises NotFound to strangers, NotAllowed to those who may only look, NoWorkload when nothing
    was described yet.
    """
    require(actor, Permission.ADVISE, team_id=feature.team_id)
    row = WorkloadRow.objects.filter(feature=feature).order_by("-version").first()
    if row is None:
        raise NoWorkload(f"Describe the workload of {feature.name} first; then it can be compared.")
    prices, ranked = compare(workload=workload_from_json(row.body), now=now)
    kept = keep(row=row, ranked=ranked, prices=prices, by=actor.name, now=now)
    audit.record(
        actor=actor,
        verb="recommend",
        subject=f"feature:{feature.slug}",
        sentence=f"{actor.name} compared {len(ranked.options)} options for {feature.name}: "
        f"{_pick_in_words(ranked)}.",
        team=feature.team,
        now=now,
    )
    return kept


def compare(*, workload: Workload, now: datetime) -> tuple[PriceBook, ranking.Ranked]:
    """Return every option of a workload ranked at the prices in force, and those prices."""
    facts = catalog.load()
    prices = price_book(region=workload.region, now=now)
    return prices, ranking.recommend(
        workload=workload,
        catalog=facts,
        prices=prices,
        quotas=facts.default_quotas,
        today=now.date(),
        measured=probes.measured(region=workload.region, now=now),
    )


def keep(
    *, row: WorkloadRow, ranked: ranking.Ranked, prices: PriceBook, by: str, now: datetime
) -> Recommendation:
    """Keep what was compared for a feature's workload; joins the caller's transaction."""
    return Recommendation.objects.create(
        feature_id=row.feature_id,
        workload=row,
        created_at=now,
        created_by=by[:200],
        prices_as_of=prices.as_of,
        pick=ranked.pick,
        tree_pick=ranked.tree_pick,
        launch_pick=ranked.launch_pick,
        explanation=list(ranked.sentences),
        options=[option_to_json(option) for option in ranked.options],
    )


def _pick_in_words(ranked: ranking.Ranked) -> str:
    if not ranked.pick:
        return "none meets every constraint"
    best = ranked.options[0]
    return f"{TIER_NAMES[best.tier]}, {best.summary}"
