"""Workloads, recommendations and the catalog, as a person may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet, Value

from billing.queries.prices import price_book
from deployments.adapters import catalog as catalog_files
from deployments.domain import ranking
from deployments.domain.candidates.checks import days_left, lifecycle
from deployments.domain.catalog import Catalog
from deployments.domain.options import Check, Option
from deployments.domain.records import option_from_json, workload_from_json
from deployments.domain.workload import Workload
from deployments.models import Recommendation, WorkloadRow
from deployments.queries import probes
from portal.access import Actor
from portal.errors import NotFound
from portal.models import Feature


def catalog() -> Catalog:
    """Return the catalog of this release."""
    return catalog_files.load()


def workloads(*, actor: Actor, feature: Feature | None = None) -> QuerySet[WorkloadRow]:
    """Return the versions of workloads the actor may see, newest first."""
    found = WorkloadRow.objects.select_related("feature").order_by("-created_at", "-pk")
    if not actor.sees_everything:
        found = found.filter(feature__team_id__in=list(actor.team_roles))
    return found.filter(feature=feature) if feature is not None else found


def newest_workload(*, feature: Feature) -> WorkloadRow | None:
    """Return a feature's newest workload; None when none was described."""
    return WorkloadRow.objects.filter(feature=feature).order_by("-version").first()


def workload_of(row: WorkloadRow) -> Workload:
    """Return the workload a row keeps."""
    return workload_from_json(row.body)


def recommendations(*, actor: Actor, feature: Feature | None = None) -> QuerySet[Recommendation]:
    """Return the recommendations the actor may see, newest first."""
    found = Recommendation.objects.select_related("feature", "workload")
    if not actor.sees_everything:
        found = found.filter(feature__team_id__in=list(actor.team_roles))
    return found.filter(feature=feature) if feature is not None else found


def recommendation_for(*, actor: Actor, pk: int) -> Recommendation:
    """Return one recommendation. Raises NotFound."""
    found = recommendations(actor=actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no recommendation {pk} that you can see.")
    return found


def newest_recommendation(*, feature: Feature) -> Recommendation | None:
    """Return a feature's newest recommendation; None when none was asked for.

    Its options are read only when they are looked at.
    """
    found = Recommendation.objects.select_related("feature", "workload").filter(feature=feature)
    return found.defer("options").first()


def chosen_recommendation(*, actor: Actor, feature: Feature, pk: str) -> Recommendation | None:
    """Return the recommendation named in an address, or the newest; None when there is none yet.

    Raises NotFound for a name that is none of the feature's.
    """
    if not pk:
        return recommendations(actor=actor, feature=feature).first()
    if not pk.isascii() or not pk.isdigit() or len(pk) > 15:
        raise NotFound(f"There is no recommendation {pk[:40]!r} of {feature.name}.")
    found = recommendations(actor=actor, feature=feature).filter(pk=int(pk)).first()
    if found is None:
        raise NotFound(f"There is no recommendation {pk} of {feature.name}.")
    return found


def options_of(recommendation: Recommendation) -> tuple[Option, ...]:
    """Return the options as they were ranked that day."""
    return tuple(option_from_json(body) for body in recommendation.options)


def options_named(recommendation: Recommendation, ids: Sequence[str]) -> dict[str, Option]:
    """Return some options of a recommendation by id; what it has not is left out.

    Where the options were not read yet, only these few are.
    """
    wanted = {each for each in ids if each}
    if not wanted:
        return {}
    if "options" in recommendation.get_deferred_fields():
        bodies = _bodies_of(recommendation.pk, sorted(wanted))
    else:
        bodies = [body for body in recommendation.options if body["option_id"] in wanted]
    return {str(body["option_id"]): option_from_json(body) for body in bodies}


def option_of(recommendation: Recommendation, option_id: str) -> Option:
    """Return one option of a recommendation. Raises NotFound."""
    found = options_named(recommendation, [option_id[:400].replace("\x00", "")]).get(option_id)
    if found is None:
        raise NotFound(f"This recommendation has no option {option_id[:80]!r}.")
    return found


def pick_of(recommendation: Recommendation) -> Option | None:
    """Return the option that was picked; None when none was feasible."""
    return option_of(recommendation, recommendation.pick) if recommendation.pick else None


def _bodies_of(pk: int, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Read a few of the options out of the column: all of them are hundreds of kilobytes."""
    cut = Func(
        F("options"),
        Value("$[*] ? (@.option_id == $ids[*])"),
        Value({"ids": list(ids)}, output_field=JSONField()),
        function="jsonb_path_query_array",
        output_field=JSONField(),
    )
    found: list[dict[str, Any]] = Recommendation.objects.values_list(cut, flat=True).get(pk=pk)
    return found


def refusals_of(option: Option) -> tuple[Check, ...]:
    """Return what forbids launching an option as it stands."""
    return ranking.refusals(option)


def is_soft_only(option: Option) -> bool:
    """Say whether a launcher may accept all that an option breaks."""
    return option.cost.expected_usd is not None and ranking.is_soft_only(option)


def outdated(recommendation: Recommendation, *, now: datetime) -> tuple[str, ...]:
    """Return why a recommendation no longer says what today's would; empty while it does."""
    said = []
    newest = newest_workload(feature=recommendation.feature)
    if newest is not None and newest.pk != recommendation.workload_id:
        said.append(
            f"The workload has changed since: this is for version "
            f"{recommendation.workload.version}, the newest is {newest.version}."
        )
    changed = _changed_prices(recommendation, now=now)
    if changed:
        said.append(
            f"Prices have changed since {recommendation.created_at:%Y-%m-%d}: {len(changed)} that "
            f"it used, such as {changed[0]}. Compare again before launching."
        )
    models = sorted({str(body["model"]) for body in recommendation.options})
    said.extend(_changed_lifecycle(recommendation, models, today=now.date()))
    said.extend(_newer_probes(recommendation, models))
    return tuple(said)


def _changed_lifecycle(
    recommendation: Recommendation, models: Sequence[str], *, today: date
) -> list[str]:
    """Say which of its models is closed by now, or ends soon."""
    known = catalog_files.load().by_id
    picked = {recommendation.pick, recommendation.launch_pick}
    ours = {body["model"] for body in recommendation.options if body["option_id"] in picked}
    said = []
    for model in (known[each] for each in models if each in known):
        was_open = any(
            check["name"] == "lifecycle" and check["holds"]
            for body in recommendation.options
            if body["model"] == model.model_id
            for check in body["checks"]
        )
        if was_open and not lifecycle(model, today).holds:
            said.append(f"{lifecycle(model, today).sentence} It was open when this was compared.")
        elif model.model_id in ours and (days := days_left(model, today)) is not None:
            said.append(
                f"{model.name} reaches its end of life on {model.eol_on:%Y-%m-%d}, in {days} days."
            )
    return said


def _newer_probes(recommendation: Recommendation, models: Sequence[str]) -> list[str]:
    """Say whether a model was measured here since, so that its latency would be another."""
    region = recommendation.workload.body.get("region", "us-east-1")
    newer = probes.newer_than(since=recommendation.created_at, region=region, models=models).first()
    if newer is None:
        return []
    return [
        f"{newer.model} was measured here on {newer.ended_at:%Y-%m-%d} at {newer.ended_at:%H:%M} "
        "UTC, after this was compared: compare again to see its own latency."
    ]


def _changed_prices(recommendation: Recommendation, *, now: datetime) -> list[str]:
    region = recommendation.workload.body.get("region", "us-east-1")
    book = price_book(region=region, now=now)
    used = {
        (line["sku"], line["unit_usd"], line["per"])
        for body in recommendation.options
        for line in body["cost"]["lines"]
    }
    changed = set()
    for sku, usd, per in used:
        held = book.find(sku)
        known = (str(held.usd), str(held.per)) if held else (None, per)
        if not _is_same(known, (usd, per)):
            changed.add(sku)
    return sorted(changed)


def _is_same(one: tuple[str | None, str], other: tuple[str | None, str]) -> bool:
    if one[0] is None or other[0] is None:
        return one[0] is other[0]
    return Decimal(one[0]) * Decimal(other[1]) == Decimal(other[0]) * Decimal(one[1])
