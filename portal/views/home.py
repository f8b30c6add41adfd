"""The home page, composed of each app's own cards, and the activity of everything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.access import Permission
from portal.frame import url_of
from portal.models import AuditEvent
from portal.paging import csv_url, cursor_page
from portal.queries.features import activity as audit_of
from portal.queries.features import features
from portal.queries.people import organisation
from portal.rest.sheets import csv_reply

TOUR = "slipway_tour"
YEAR_SECONDS = 365 * 86_400
NEWEST = 8
CARDS = ("deployments:home_card", "billing:home_card", "deployments:moves_home_card")
COLUMNS = ("at", "actor", "team", "verb", "subject", "sentence")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs me, what it costs, and the features."""
    mine = features(actor=request.actor)
    return render(
        request,
        "portal/home.html",
        {
            "organisation": organisation(),
            "features": mine.order_by("-created_at", "-pk")[:NEWEST],
            "cards": [url for name in CARDS if (url := url_of(name))],
            "show_tour": request.COOKIES.get(TOUR) != "done",
            "may_register": request.actor.may_somewhere(Permission.REGISTER),
        },
    )


@require_POST
def dismiss_tour(request: HttpRequest) -> HttpResponse:
    """Remember that the tour was seen."""
    reply = redirect("portal:home") if not request.htmx else HttpResponse("")
    reply.set_cookie(TOUR, "done", max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    return reply


@require_GET
def activity(request: HttpRequest) -> HttpResponseBase:
    """Show what was done, newest first; `?format=csv` gives all of it."""
    search, team = request.GET.get("q", "")[:200], request.GET.get("team", "")
    found = audit_of(actor=request.actor, search=search, team=team)
    if request.GET.get("format") == "csv":
        rows = found.iterator()
        return csv_reply("activity.csv", COLUMNS, (_row(event) for event in rows))
    return render(
        request,
        "portal/activity.html",
        {
            "page": cursor_page(request, found, order=("-at", "-pk")),
            "search": search,
            "team": team,
            "csv_url": csv_url(request),
        },
    )


def _row(event: AuditEvent) -> tuple[object, ...]:
    team = event.team.slug if event.team else ""
    return (event.at, event.actor, team, event.verb, event.subject, event.sentence)
