"""The options: all of them, some side by side, one opened, on paper, and what would change them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from deployments import tasks
from deployments.domain import explanation, picture
from deployments.domain.options import LAUNCHABLE, TIER_NAMES
from deployments.forms.options import UNITS, Filter, WhatIf
from deployments.models import Recommendation
from deployments.queries import advice as queries
from deployments.queries import options_page as pages
from deployments.queries.levers import figures, slides
from deployments.queries.study import Study, is_asked_anew, remembered, study_of
from deployments.queries.tariffs import shown_lines
from deployments.usecases import advice as advice_usecases
from deployments.usecases import whatif
from portal.access import Permission
from portal.errors import Invalid, NotFound
from portal.forms.refusals import explain
from portal.models import Feature
from portal.queries import feature_for
from portal.rest.sheets import csv_reply


@require_http_methods(["GET", "POST"])
def options(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show the newest recommendation, or an older one by ?recommendation=; POST compares anew."""
    feature = feature_for(actor=request.actor, slug=slug)
    if request.method == "POST":
        made = advice_usecases.recommend(actor=request.actor, feature=feature, now=timezone.now())
        tasks.nudge_study(made.pk)
        return redirect("deployments:options", feature.slug)
    found = _chosen(request, feature)
    context = _context(request, feature, found)
    if found is None:
        context["workload_row"] = queries.newest_workload(feature=feature)
        return render(request, "deployments/options.html", context)
    if request.GET.get("format") == "csv":
        rows = pages.csv_rows(found, asked=request.GET)
        return csv_reply(f"options-{feature.slug}.csv", pages.COLUMNS, rows)
    context["page"] = pages.options_page(found, asked=request.GET, now=timezone.now())
    context["filter"] = Filter(request.GET, tiers=pages.tier_choices())
    context.update(_levers(found, None))
    return render(request, "deployments/options.html", context)


@require_GET
def option(request: HttpRequest, slug: str) -> HttpResponse:
    """Open one option: its tariff lines, assumptions, checks and how to launch it."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = _needed(request, feature)
    opened = queries.option_of(found, request.GET.get("option", ""))
    fragment = "#opened" if request.htmx else ""
    context = _context(request, feature, found) | {
        "option": opened,
        "tier_name": TIER_NAMES[opened.tier],
        "lines": shown_lines(opened),
        "why_lost": explanation.why_lost(opened, queries.pick_of(found)),
        "refusals": queries.refusals_of(opened),
        "is_soft_only": queries.is_soft_only(opened),
        "is_launchable": opened.tier in LAUNCHABLE,
        "picks": pages.picks_of(found),
        "outdated": queries.outdated(found, now=timezone.now()),
    }
    return render(request, f"deployments/option.html{fragment}", context)


@require_GET
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Show two to four options side by side, at an address that can be passed on."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = _needed(request, feature)
    context = _context(request, feature, found) | {
        "rows": pages.compared_rows(found, request.GET.getlist("compare")),
        "least": pages.LEAST_COMPARED,
        "outdated": queries.outdated(found, now=timezone.now()),
    }
    return render(request, "deployments/compare.html", context)


@require_GET
def printable(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a recommendation as it can be printed: prices with their source, checks, what turns it.

    Everything stands open, without charts or buttons on paper.
    """
    feature = feature_for(actor=request.actor, slug=slug)
    found = _needed(request, feature)
    page = pages.options_page(found, asked=request.GET, now=timezone.now())
    context = _context(request, feature, found) | {
        "page": page,
        "chosen": [
            {"option": each, "lines": shown_lines(each), "tier_name": TIER_NAMES[each.tier]}
            for each in _distinct(page.picks)
        ],
        "study": _study(found),
        "picture": picture.sentences(page.workload),
    }
    return render(request, "deployments/printable.html", context)


@require_GET
def sensitivity(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which assumption changes the choice, and at what value; asks again until it is known."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = _needed(request, feature)
    context = _context(request, feature, found) | {"study": _study(found)}
    fragment = "#study" if request.htmx else ""
    return render(request, f"deployments/sensitivity.html{fragment}", context)


@require_GET
def what_if(request: HttpRequest, slug: str) -> HttpResponse:
    """Compare the options at other figures; nothing is kept."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = _needed(request, feature)
    context = _context(request, feature, found)
    own = figures(queries.workload_of(found.workload))
    form = WhatIf({**own, **request.GET.dict()}) if _asks(request) else None
    status = _answered(form, found, context) if form else 200
    context.update(_levers(found, form))
    fragment = "#answer" if request.htmx else ""
    return render(request, f"deployments/what_if.html{fragment}", context, status=status)


def _study(found: Recommendation) -> Study | None:
    """Return the study; None while a worker computes it, which takes some seconds.

    Where workers and pages share no cache, it is computed here.
    """
    kept = remembered(found)
    if kept is not None:
        return kept
    if not settings.CACHE_URL:
        return study_of(found)
    if is_asked_anew(found):
        tasks.nudge_study(found.pk)
    return None


def _answered(form: WhatIf, found: Recommendation, context: dict[str, Any]) -> int:
    """Put the answer into the context, or what is wrong beside its field; return the status."""
    if not form.is_valid():
        return 422
    try:
        context["answer"] = whatif.ask(recommendation=found, given=form.given(), now=timezone.now())
    except Invalid as refusal:
        explain(form, refusal)
        return refusal.status
    return 200


def _asks(request: HttpRequest) -> bool:
    return any(name in request.GET for name in WhatIf.base_fields)


def _levers(found: Recommendation, form: WhatIf | None) -> dict[str, Any]:
    """Return the what-if form, each field with its unit and slider."""
    workload = queries.workload_of(found.workload)
    shown = form or WhatIf(initial=figures(workload))
    sliders = slides(workload)
    return {
        "levers": shown,
        "lever_rows": [(shown[name], UNITS[name], sliders[name]) for name in UNITS],
    }


def _distinct(picks: pages.Picks) -> list[Any]:
    """Return our pick, and what a launch builds where that is another."""
    return [picks.pick] * bool(picks.pick) + [picks.launch_pick] * picks.is_launch_other


def _chosen(request: HttpRequest, feature: Feature) -> Recommendation | None:
    return queries.chosen_recommendation(
        actor=request.actor, feature=feature, pk=request.GET.get("recommendation", "")
    )


def _needed(request: HttpRequest, feature: Feature) -> Recommendation:
    """Return the recommendation asked about. Raises NotFound where nothing was compared."""
    found = _chosen(request, feature)
    if found is None:
        raise NotFound("Nothing was compared yet: ask for a recommendation first.")
    return found


def _context(
    request: HttpRequest, feature: Feature, found: Recommendation | None
) -> dict[str, Any]:
    return {
        "feature": feature,
        "tab": "options",
        "recommendation": found,
        "may_advise": request.actor.may(Permission.ADVISE, team_id=feature.team_id),
        "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
    }
