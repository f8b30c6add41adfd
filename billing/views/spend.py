"""Budget against actual against forecast, and who spent what in a month."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.domain.money import ZERO, month_of
from billing.forms.filters import InMonth, filters_of
from billing.queries import ledger
from billing.queries import spend as queries
from billing.queries.budgets import standing
from portal.errors import NotFound
from portal.paging import cursor_page
from portal.rest.sheets import csv_reply

FEATURES_SHOWN = 20
HEADER = ("key", "name", "usd")


@require_GET
def spend(request: HttpRequest) -> HttpResponse:
    """Show a month: budgets, teams, features, tiers, days, what has no price, how far metered."""
    now = timezone.now()
    filters = filters_of(InMonth(request.GET), now=now)
    found = queries.breakdown(actor=request.actor, filters=filters)
    is_this_month = filters.month == month_of(now)
    return render(
        request,
        "billing/spend.html",
        {
            "form": InMonth(initial={"month": str(filters.month)}),
            "month": filters.month,
            "is_this_month": is_this_month,
            "standing": standing(team=None, now=now) if is_this_month else None,
            "sees_everything": request.actor.sees_everything,
            "found": found,
            "features": found.features[:FEATURES_SHOWN],
            "more": found.features[FEATURES_SHOWN:],
            "more_usd": sum((one.usd for one in found.features[FEATURES_SHOWN:]), ZERO),
            "chart": _chart(filters, found),
            "unpriced": ledger.unpriced(actor=request.actor),
            "refused": ledger.refused(actor=request.actor).count(),
            "metered": queries.metered(now=now),
            "as_of": now,
        },
    )


def _chart(filters: queries.Filters, found: queries.Breakdown) -> dict[str, object]:
    """Return what was spent on each day of the month, piled up by tier."""
    days = [filters.first.replace(day=number) for number in range(1, filters.month.days + 1)]
    return {
        "kind": "columns",
        "x": [f"{day:%d %b}" for day in days],
        "x_label": "Day",
        "y_label": "USD",
        "unit": "USD",
        "series": [
            {"name": tier.name, "values": [found.days.get((day, tier.key), ZERO) for day in days]}
            for tier in found.tiers
        ],
    }


@require_GET
def by(request: HttpRequest, dimension: str) -> HttpResponseBase:
    """Show a month told apart one way, in pages; `?format=csv` gives it whole and exact."""
    if dimension not in queries.DIMENSIONS:
        raise NotFound(f"Spend is told apart by {', '.join(queries.DIMENSIONS)}.")
    now = timezone.now()
    filters = filters_of(InMonth(request.GET), now=now)
    if request.GET.get("format") == "csv":
        slices = queries.summary(actor=request.actor, filters=filters, by=dimension)
        lines = ((one.key, one.name, one.usd) for one in slices)
        return csv_reply(f"spend-{filters.month}-{dimension}.csv", HEADER, lines)
    total_usd = queries.total(actor=request.actor, filters=filters)
    found = queries.summed(actor=request.actor, filters=filters, by=dimension)
    page = cursor_page(request, found, order=queries.order_of(dimension))
    return render(
        request,
        "billing/by.html",
        {
            "form": InMonth(initial={"month": str(filters.month)}),
            "month": filters.month,
            "is_this_month": filters.month == month_of(now),
            "dimension": dimension,
            "dimensions": tuple(queries.DIMENSIONS),
            "page": page,
            "slices": queries.slices_of(page.rows, by=dimension, total_usd=total_usd),
            "total_usd": total_usd,
        },
    )
