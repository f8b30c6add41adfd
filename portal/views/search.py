"""Search: one box for features, teams and pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.frame import places, url_of
from portal.queries import features, teams

MOST = 20


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Show what matches ?q=; deployments are searched in the fleet, one link away."""
    words = request.GET.get("q", "").strip()[:200]
    context: dict[str, Any] = {
        "words": words,
        "features": [],
        "teams": [],
        "pages": [],
        "fleet_url": "",
    }
    if words:
        fleet = url_of("deployments:fleet")
        context |= {
            "features": features(actor=request.actor, search=words).order_by("name", "pk")[:MOST],
            "teams": teams(actor=request.actor).filter(
                Q(name__icontains=words) | Q(slug__icontains=words)
            )[:MOST],
            "pages": [place for place in places() if words.lower() in place.label.lower()],
            "fleet_url": f"{fleet}?{urlencode({'q': words})}" if fleet else "",
        }
    return render(request, "portal/search.html", context)
