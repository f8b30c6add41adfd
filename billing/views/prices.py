"""Prices with their source, and quotes that are entered."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.forms.prices import EnterQuote, FindPrice
from billing.queries import prices as queries
from billing.usecases import prices as usecases
from portal.access import Permission
from portal.errors import Invalid, Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page
from portal.rest.sheets import csv_reply


@require_http_methods(["GET", "POST"])
def prices(request: HttpRequest) -> HttpResponseBase:
    """List the prices in force; finance and platform may enter a quote."""
    form = EnterQuote(request.POST or None, initial={"sku": request.GET.get("sku", "")[:160]})
    if request.method == "GET":
        return _listed(request, form)
    if not form.is_valid():
        return _listed(request, form, status=422)
    try:
        row = usecases.enter_quote(
            actor=request.actor,
            region=settings.AWS_REGION,
            **form.cleaned_data,
            now=timezone.now(),
        )
    except Refusal as refusal:
        if not refusal.fields:
            raise
        explain(form, refusal)
        return _listed(request, form, status=refusal.status)
    messages.success(request, f"The quote for {row.sku} holds; what waited for it is priced.")
    return redirect("billing:prices")


def _listed(request: HttpRequest, form: EnterQuote, *, status: int = 200) -> HttpResponseBase:
    asked = FindPrice(request.GET)
    if not asked.is_valid():
        fields = {name: " ".join(map(str, words)) for name, words in asked.errors.items()}
        raise Invalid(" ".join(fields.values()), fields=fields)
    rows = queries.listed(**asked.cleaned_data, now=timezone.now())
    if request.GET.get("format") == "csv":
        return csv_reply("prices.csv", queries.HEADER, queries.lines(rows))
    page = cursor_page(request, rows, order=("sku", "-effective_from", "id"))
    return render(
        request,
        "billing/prices.html",
        {
            "form": form,
            "find": FindPrice(initial=asked.cleaned_data),
            "page": page,
            "region": settings.AWS_REGION,
            "may_set": request.actor.may(Permission.SET_PRICE),
        },
        status=status,
    )
