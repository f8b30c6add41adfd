"""The ledger, and what was refused."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.domain.money import exact
from billing.forms.filters import InLedger, filters_of
from billing.models import Charge
from billing.queries import ledger as queries
from billing.queries.keyset import stretch
from portal.errors import Invalid
from portal.paging import ROWS, Page, cursor_page
from portal.rest.sheets import csv_reply


@require_GET
def ledger(request: HttpRequest) -> HttpResponseBase:
    """Show the charges of a month; `?format=csv` gives all of them, with the same total."""
    filters = filters_of(InLedger(request.GET), now=timezone.now())
    rows = queries.charges(actor=request.actor, filters=filters)
    if request.GET.get("format") == "csv":
        return csv_reply(f"charges-{filters.month}.csv", queries.HEADER, queries.lines(rows))
    asked = {**request.GET.dict(), "month": str(filters.month)}
    total_usd = queries.total(actor=request.actor, filters=filters)
    without_cursor = request.GET.copy()
    without_cursor.pop("cursor", None)
    return render(
        request,
        "billing/ledger.html",
        {
            "form": InLedger(initial=asked),
            "filters": filters,
            "query": without_cursor.urlencode(),
            "page": _page(request, rows),
            "total_usd": total_usd,
            "total_exact": exact(total_usd),
        },
    )


def _page(request: HttpRequest, rows: QuerySet[Charge]) -> Page:
    """Return the page that ?cursor= names; a broken cursor is the first page."""
    cursor = request.GET.get("cursor", "")
    try:
        found = stretch(rows, moment="hour", cursor=cursor, limit=ROWS)
    except Invalid:
        found = stretch(rows, moment="hour", cursor="", limit=ROWS)
    urls = []
    for place in (found.older, found.newer):
        query = request.GET.copy()
        query["cursor"] = place
        urls.append(f"?{query.urlencode()}" if place else "")
    return Page(found.rows, *urls)


@require_GET
def refused(request: HttpRequest) -> HttpResponse:
    """Show usage that was not booked, and why."""
    rows = queries.refused(actor=request.actor)
    return render(
        request, "billing/refused.html", {"page": cursor_page(request, rows, order=("-id",))}
    )
