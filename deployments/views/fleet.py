"""The fleet: every deployment in one table; one feature's; and the cards of other pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from deployments.domain.lifecycle import Environment, State
from deployments.forms.fleet import Fleet
from deployments.models import Deployment
from deployments.queries import fleet as queries
from deployments.queries.advice import newest_recommendation
from deployments.queries.facing import snippets_of
from deployments.queries.options_page import picks_of
from portal.access import Permission
from portal.models import Feature
from portal.paging import csv_url, cursor_page
from portal.queries import feature_for
from portal.rest.sheets import csv_reply

ORDERS = {
    "name": ("slug",),
    "-name": ("-slug",),
    "state": ("state", "slug"),
    "-state": ("-state", "-slug"),
    "feature": ("feature__name", "slug"),
    "-feature": ("-feature__name", "-slug"),
    "estimate": ("estimate_usd", "pk"),
    "-estimate": ("-estimate_usd", "-pk"),
    "created": ("created_at", "pk"),
    "-created": ("-created_at", "-pk"),
}
NEWEST = "-created"
COLUMNS = (
    "deployment",
    "feature",
    "team",
    "environment",
    "state",
    "tier",
    "model",
    "USD this month",
    "USD a month estimated",
    "created at",
)
CARD_ROWS = 5
CSV_CHUNK = 500


@require_GET
def fleet(request: HttpRequest) -> HttpResponseBase:
    """List deployments: searched, filtered, sorted, paged; `?format=csv` gives all of them."""
    now = timezone.now()
    form = Fleet(actor=request.actor, asked=request.GET)
    sort = request.GET.get("sort", NEWEST)
    order = ORDERS.get(sort, ORDERS[NEWEST])
    found = queries.fleet(actor=request.actor, **form.filters())
    if request.GET.get("format") == "csv":
        return csv_reply("fleet.csv", COLUMNS, _lines(found.order_by(*order), now=now))
    page = cursor_page(request, found, order=order)
    return render(
        request,
        "deployments/fleet.html",
        {
            "form": form,
            "page": page,
            "rows": queries.rows(page.rows, now=now),
            "sort": sort if sort in ORDERS else NEWEST,
            "is_filtered": any(request.GET.get(name) for name in form.fields),
            "csv_url": csv_url(request),
            "as_of": now,
        },
    )


def _lines(found: QuerySet[Deployment], *, now: datetime) -> Iterator[tuple[Any, ...]]:
    rest = found.iterator(chunk_size=CSV_CHUNK)
    while some := list(islice(rest, CSV_CHUNK)):
        for row in queries.rows(some, now=now):
            each = row.deployment
            yield (
                each.slug,
                each.feature.slug,
                each.feature.team.slug,
                each.environment,
                each.state,
                each.current.tier if each.current else "",
                each.current.model if each.current else "",
                row.spent_usd,
                row.estimate_usd,
                each.created_at,
            )


@require_GET
def of_feature(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a feature's deployments, those that run first."""
    now = timezone.now()
    feature = feature_for(actor=request.actor, slug=slug)
    found = queries.fleet(actor=request.actor, feature=feature.slug)
    page = cursor_page(request, found, order=("-is_wanted", "-created_at", "-pk"))
    return render(
        request,
        "deployments/of_feature.html",
        {
            "feature": feature,
            "tab": "deployments",
            "page": page,
            "rows": queries.rows(page.rows, now=now),
            **_advised(feature),
            "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
            "as_of": now,
        },
    )


@require_GET
def feature_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where a feature runs and how it is called, for its overview."""
    feature = feature_for(actor=request.actor, slug=slug)
    now = timezone.now()
    found = queries.fleet(actor=request.actor, feature=feature.slug)
    wanted = list(found.filter(is_wanted=True).order_by("-created_at", "-pk")[:CARD_ROWS])
    serving = next((each for each in wanted if _serves(each)), None)
    return render(
        request,
        "deployments/feature_card.html",
        {
            "feature": feature,
            "rows": queries.rows(wanted, now=now),
            **_advised(feature),
            "snippets": snippets_of(serving) if serving else (),
            "serving": serving,
            "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
            "as_of": now,
        },
    )


def _advised(feature: Feature) -> dict[str, Any]:
    """Return the newest recommendation, and in words what a launch builds instead of its pick."""
    found = newest_recommendation(feature=feature)
    is_other = found is not None and found.pick != found.launch_pick
    sentence = picks_of(found).launch_sentence if found and is_other else ""
    return {"recommendation": found, "launch_sentence": sentence}


def _serves(deployment: Deployment) -> bool:
    return deployment.environment == Environment.PRODUCTION and deployment.state == State.READY


@require_GET
def home_card(request: HttpRequest) -> HttpResponse:
    """Show what needs me: what failed, what moves, what waits to be launched."""
    return render(
        request,
        "deployments/home_card.html",
        {
            "needs": queries.needs_me(actor=request.actor, limit=CARD_ROWS),
            "as_of": timezone.now(),
        },
    )
