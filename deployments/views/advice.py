"""The newest advice in short, for a feature's overview."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from deployments.queries import advice as queries
from deployments.queries.options_page import picks_of
from portal.queries import feature_for


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
            "picks": picks_of(found) if found else None,
            "workload_row": queries.newest_workload(feature=feature) if not found else None,
        },
    )
