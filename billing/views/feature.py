"""What one feature costs: its deployments, and a unit of their work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.domain.money import ZERO, month_of
from billing.forms.filters import InMonth, filters_of
from billing.queries.features import costs_of
from billing.queries.spend import metered
from portal.queries import feature_for


@require_GET
def feature(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a month of a feature: each deployment's cost, its lines and its unit costs."""
    now = timezone.now()
    found = feature_for(actor=request.actor, slug=slug)
    filters = filters_of(InMonth(request.GET), now=now)
    costs = costs_of(actor=request.actor, feature=found, filters=filters, now=now)
    return render(
        request,
        "billing/feature.html",
        {
            "feature": found,
            "tab": "spend",
            "form": InMonth(initial={"month": str(filters.month)}),
            "month": filters.month,
            "is_this_month": filters.month == month_of(now),
            "costs": costs,
            "total_usd": sum((cost.usd for cost in costs), ZERO),
            "metered": metered(now=now),
        },
    )
