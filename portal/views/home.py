"""The home page, composed of each app's own cards, and the activity of everything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.paging import cursor_page
from portal.queries.features import activity as audit_of
from portal.queries.features import features
from portal.queries.people import organisation

TOUR = "slipway_tour"
YEAR_SECONDS = 365 * 86_400
NEWEST = 8


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs me, what it costs, and the features."""
    mine = features(actor=request.actor)
    return render(
        request,
        "portal/home.html",
        {
            "organisation": organisation(),
            "features": mine.order_by("name", "pk")[:NEWEST],
            "feature_count": mine.count(),
            "show_tour": request.COOKIES.get(TOUR) != "done",
        },
    )


@require_POST
def dismiss_tour(request: HttpRequest) -> HttpResponse:
    """Remember that the tour was seen."""
    reply = redirect("portal:home") if not request.htmx else HttpResponse("")
    reply.set_cookie(TOUR, "done", max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    return reply


@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    """Show what was done, newest first."""
    page = cursor_page(request, audit_of(actor=request.actor), order=("-at", "-pk"))
    return render(request, "portal/activity.html", {"page": page})
