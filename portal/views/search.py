"""Search: one box for features, teams and pages."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from portal.frame import PLACES
from portal.queries import features, teams

MOST = 20


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Show what matches ?q=; deployments are searched in the fleet, one link away."""
    words = request.GET.get("q", "").strip()[:200]
    context = {"words": words, "features": [], "teams": [], "pages": [], "fleet_url": ""}
    if words:
        context |= {
            "features": features(actor=request.actor, search=words).order_by("name", "pk")[:MOST],
            "teams": teams(actor=request.actor).filter(
                Q(name__icontains=words) | Q(slug__icontains=words)
            )[:MOST],
            "pages": [
                (label, url)
                for label, name, _ in PLACES
                if words.lower() in label.lower() and (url := _url(name))
            ],
            "fleet_url": _url("deployments:fleet"),
        }
    return render(request, "portal/search.html", context)


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
