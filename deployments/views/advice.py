"""The options side by side, and one option opened."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from deployments.domain import explanation
from deployments.domain.options import TIER_NAMES
from deployments.forms.advice import Filter
from deployments.queries import advice as queries
from deployments.queries.options_page import COLUMNS, csv_rows, options_page, shown_lines
from deployments.usecases import advice as advice_usecases
from portal.access import Permission
from portal.errors import NotFound
from portal.queries import feature_for
from portal.rest.sheets import csv_reply


@require_http_methods(["GET", "POST"])
def options(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show the newest recommendation, or an older one by ?recommendation=; POST compares anew."""
    feature = feature_for(actor=request.actor, slug=slug)
    if request.method == "POST":
        advice_usecases.recommend(actor=request.actor, feature=feature, now=timezone.now())
        return redirect("deployments:options", feature.slug)
    found = queries.chosen_recommendation(
        actor=request.actor, feature=feature, pk=request.GET.get("recommendation", "")
    )
    context = {
        "feature": feature,
        "tab": "options",
        "may_advise": request.actor.may(Permission.ADVISE, team_id=feature.team_id),
        "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
        "recommendation": found,
    }
    if found is None:
        context["workload_row"] = queries.newest_workload(feature=feature)
        return render(request, "deployments/options.html", context)
    page = options_page(found, asked=request.GET, now=timezone.now())
    if request.GET.get("format") == "csv":
        return csv_reply(f"options-{feature.slug}.csv", COLUMNS, csv_rows(page))
    context["page"] = page
    context["filter"] = Filter(request.GET, tiers=page.tiers)
    return render(request, "deployments/options.html", context)


@require_GET
def option(request: HttpRequest, slug: str) -> HttpResponse:
    """Open one option: its tariff lines, assumptions, checks and how to launch it."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = queries.chosen_recommendation(
        actor=request.actor, feature=feature, pk=request.GET.get("recommendation", "")
    )
    if found is None:
        raise NotFound("Nothing was compared yet: ask for a recommendation first.")
    opened = queries.option_of(found, request.GET.get("option", ""))
    fragment = "#opened" if request.htmx else ""
    return render(
        request,
        f"deployments/option.html{fragment}",
        {
            "feature": feature,
            "tab": "options",
            "recommendation": found,
            "option": opened,
            "tier_name": TIER_NAMES[opened.tier],
            "lines": shown_lines(opened),
            "why_lost": explanation.why_lost(opened, queries.pick_of(found)),
            "refusals": queries.refusals_of(opened),
            "is_soft_only": queries.is_soft_only(opened),
            "is_pick": found.pick == opened.option_id,
            "outdated": queries.outdated(found, now=timezone.now()),
            "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
        },
    )


@require_GET
def advice_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Say on the feature's page what the newest advice is."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = queries.newest_recommendation(feature=feature)
    return render(
        request,
        "deployments/advice_card.html",
        {
            "feature": feature,
            "recommendation": found,
            "pick": queries.pick_of(found) if found else None,
            "workload_row": queries.newest_workload(feature=feature),
        },
    )
