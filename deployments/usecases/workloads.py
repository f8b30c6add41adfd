"""Describe what a feature asks of its deployment; a change is a new version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

from django.db import transaction

from billing.queries.prices import price_book
from deployments.adapters import catalog, traces
from deployments.domain import measured, ranking, trace, workload_input
from deployments.domain.measured import Measured
from deployments.domain.records import workload_from_json, workload_to_json
from deployments.domain.trace import BadTrace
from deployments.domain.wording import count
from deployments.domain.workload import Workload
from deployments.models import WorkloadRow
from deployments.queries import probes
from portal.access import Actor, Permission, require
from portal.errors import Invalid
from portal.models import Feature
from portal.usecases import audit


def read(*, given: Mapping[str, Any]) -> Workload:
    """Return the workload a person or a program wrote.

    Raises Invalid with a sentence for each input that is missing, unknown or cannot be.
    """
    try:
        return workload_input.read(given, known_models=catalog.load().by_id)
    except workload_input.Unreadable as reason:
        raise Invalid("The workload cannot be taken as it is.", fields=reason.fields) from reason


def measure(*, stream: BinaryIO, multiplier: Decimal = Decimal(1)) -> Measured:
    """Return the load that a trace file shows; each of its lines stands for so many requests.

    The file is a CSV, or one packed with gzip, of timestamps, input and output tokens. Nothing is
    kept. Raises Invalid with a sentence that names the line that cannot be read.
    """
    try:
        found = trace.read(traces.lines(stream))
        return measured.measure(found, multiplier=multiplier)
    except BadTrace as reason:
        raise Invalid("The trace cannot be read.", fields={"trace": str(reason)}) from reason


def proposed(*, found: Measured, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written about a workload, with what the trace shows in its place.

    An assumption says where the load is from; one about an earlier trace makes room for it.
    """
    kept = [line for line in given.get("assumptions", ()) if not line.startswith(measured.ORIGIN)]
    return {**given, **measured.proposed(found), "assumptions": [*kept, measured.origin(found)]}


def weigh(*, workload: Workload, now: datetime) -> ranking.Ranked:
    """Compare the options for a workload that is still being written; nothing is kept."""
    facts = catalog.load()
    return ranking.recommend(
        workload=workload,
        catalog=facts,
        prices=price_book(region=workload.region, now=now),
        quotas=facts.default_quotas,
        today=now.date(),
        measured=probes.measured(region=workload.region, now=now),
    )


@transaction.atomic(durable=True)
def describe(*, actor: Actor, feature: Feature, workload: Workload, now: datetime) -> WorkloadRow:
    """Keep a workload as the feature's newest version; the same one again is not a new version.

    Raises NotFound to strangers, NotAllowed to those who may only look.
    """
    require(actor, Permission.ADVISE, team_id=feature.team_id)
    Feature.objects.select_for_update().get(pk=feature.pk)
    newest = WorkloadRow.objects.filter(feature=feature).order_by("-version").first()
    if newest is not None and workload_from_json(newest.body) == workload:
        return newest
    row = WorkloadRow.objects.create(
        feature=feature,
        version=newest.version + 1 if newest else 1,
        body=workload_to_json(workload),
        created_at=now,
        created_by=actor.name[:200],
    )
    audit.record(
        actor=actor,
        verb="describe",
        subject=f"feature:{feature.slug}",
        sentence=f"{actor.name} described the workload of {feature.name} (version {row.version}): "
        f"{count(workload.mean_rps)} requests/s, {workload.wish}.",
        team=feature.team,
        now=now,
    )
    return row
