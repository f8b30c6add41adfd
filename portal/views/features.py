"""The list of features, a new one, and one feature's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from portal.access import Permission
from portal.errors import Refusal
from portal.forms.features import Change, Register
from portal.forms.refusals import explain
from portal.frame import url_of
from portal.paging import csv_url, cursor_page
from portal.queries import feature_for, features, team_for, teams
from portal.queries.features import activity_of
from portal.rest.sheets import csv_reply
from portal.usecases import features as usecases

ORDERS = {
    "name": ("name", "pk"),
    "-name": ("-name", "-pk"),
    "team": ("team__name", "name", "pk"),
    "-team": ("-team__name", "-name", "-pk"),
    "created": ("created_at", "pk"),
    "-created": ("-created_at", "-pk"),
}
# Cards that the other apps put on a feature's page; what is not offered is left out.
CARDS = (
    "deployments:feature_card",
    "deployments:moves_feature_card",
    "deployments:advice_card",
    "billing:feature_card",
)
COLUMNS = ("short name", "name", "team", "cost centre", "data class", "registered at")


@require_GET
def index(request: HttpRequest) -> HttpResponseBase:
    """List features: searched, filtered, sorted, paged; `?format=csv` gives all of them."""
    search, team = request.GET.get("q", "")[:200], request.GET.get("team", "")
    sort = request.GET.get("sort", "name")
    order = ORDERS.get(sort, ORDERS["name"])
    found = features(actor=request.actor, search=search, team=team)
    if request.GET.get("format") == "csv":
        rows = found.order_by(*order).iterator()
        return csv_reply("features.csv", COLUMNS, (_row(feature) for feature in rows))
    return render(
        request,
        "portal/features.html",
        {
            "page": cursor_page(request, found, order=order),
            "teams": teams(actor=request.actor),
            "search": search,
            "team": team,
            "sort": sort if sort in ORDERS else "name",
            "csv_url": csv_url(request),
            "may_register": request.actor.may_somewhere(Permission.REGISTER),
        },
    )


def _row(feature):
    return (
        feature.slug,
        feature.name,
        feature.team.name,
        feature.cost_centre,
        feature.data_class,
        feature.created_at,
    )


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Register a feature."""
    form = Register(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        team = team_for(actor=request.actor, slug=asked.pop("team"))
        try:
            feature = usecases.register(actor=request.actor, team=team, **asked, now=timezone.now())
        except Refusal as refusal:
            return _again(request, "portal/feature_new.html", form, refusal)
        return redirect(feature)
    status = 422 if form.is_bound else 200
    return render(request, "portal/feature_new.html", {"form": form}, status=status)


def _again(request, template, form, refusal, **context) -> HttpResponse:
    """Show the form as it was typed, with the refusal's sentences beside the fields."""
    explain(form, refusal)
    return render(request, template, {"form": form, **context}, status=refusal.status)


@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a feature; its deployments and its spend come from their own apps."""
    feature = feature_for(actor=request.actor, slug=slug)
    return render(
        request,
        "portal/feature.html",
        {
            "feature": feature,
            "tab": "overview",
            "cards": [url for name in CARDS if (url := url_of(name, slug))],
            "may_change": request.actor.may(Permission.REGISTER, team_id=feature.team_id),
        },
    )


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what is said about a feature."""
    feature = feature_for(actor=request.actor, slug=slug)
    fields = ("name", "description", "cost_centre", "data_class")
    form = Change(
        request.POST or None, initial={field: getattr(feature, field) for field in fields}
    )
    if request.method == "POST" and form.is_valid():
        try:
            usecases.change(
                actor=request.actor, feature=feature, **form.cleaned_data, now=timezone.now()
            )
        except Refusal as refusal:
            return _again(request, "portal/feature_change.html", form, refusal, feature=feature)
        return redirect(feature)
    return render(
        request,
        "portal/feature_change.html",
        {"form": form, "feature": feature},
        status=422 if form.is_bound else 200,
    )


@require_GET
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was done to a feature."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = activity_of(actor=request.actor, feature=feature)
    return render(
        request,
        "portal/feature_activity.html",
        {
            "feature": feature,
            "tab": "activity",
            "page": cursor_page(request, found, order=("-at", "-pk")),
        },
    )
