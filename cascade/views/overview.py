"""All cascades, a new one, one of them as it answers, and what may end or limit it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cascade.forms.small import Limit, New
from cascade.models import Cascade
from cascade.queries import live as queries
from cascade.queries import pictures, runs
from cascade.queries.cascades import cascade_for, cascade_of, limit_of
from cascade.queries.rivals import beside
from cascade.usecases import alerts
from cascade.usecases import cascades as usecases
from deployments.domain.lifecycle import Environment
from portal.access import Permission
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.queries import feature_for, features

HOURS = {"24": "24 hours", "168": "7 days", "720": "30 days"}


@require_http_methods(["GET", "POST"])
def cascades(request: HttpRequest) -> HttpResponse:
    """List the cascades with their last day; POST makes another one."""
    form = New(request.POST or None, features=_features(request))
    if request.method == "GET":
        return _list(request, form)
    if not form.is_valid():
        return _list(request, form, status=422)
    try:
        made = usecases.create_cascade(
            actor=request.actor,
            feature=feature_for(actor=request.actor, slug=form.cleaned_data["feature"]),
            environment=form.cleaned_data["environment"],
            now=timezone.now(),
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _list(request, form, status=refusal.status)
    return redirect("cascade:policy", made.slug)


def _features(request: HttpRequest) -> list[Any]:
    actor = request.actor
    rows = features(actor=actor).filter(archived_at=None).select_related("team")
    return [
        row
        for row in rows.order_by("name", "pk")
        if actor.may(Permission.EDIT_CASCADE, team_id=row.team_id)
    ]


def _list(request: HttpRequest, form: New, status: int = 200) -> HttpResponse:
    now = timezone.now()
    lines = queries.overview(actor=request.actor, now=now)
    context = {"lines": lines, "form": form, "as_of": now}
    return render(request, "cascade/cascades.html", context, status=status)


@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a cascade does: requests by stage, escalations, cost, saved, latency, breakers."""
    cascade, now = cascade_for(actor=request.actor, slug=slug), timezone.now()
    context = _detail(request, cascade, now)
    context["beside"] = beside(cascade=cascade, standing=context["live"].standing, now=now)
    return render(request, "cascade/detail.html", context)


@require_GET
def figures(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the figures of the page alone; they load again while somebody looks."""
    cascade, now = cascade_for(actor=request.actor, slug=slug), timezone.now()
    return render(request, "cascade/detail.html#figures", _detail(request, cascade, now))


def _detail(request: HttpRequest, cascade: Cascade, now: Any) -> dict[str, Any]:
    asked = request.GET.get("hours", "24")
    hours = asked if asked in HOURS else "24"
    found = queries.live(cascade=cascade, now=now, hours=int(hours))
    actor, team = request.actor, cascade.feature.team_id
    return {
        "cascade": cascade,
        "tab": "live",
        "live": found,
        "hours": hours,
        "spans": HOURS,
        "span": f"in the last {HOURS[hours]}",
        "chart": pictures.by_stage(found),
        "parts": pictures.stages(found),
        "breakers": pictures.breakers(standing=found.standing),
        "open_alerts": runs.alerts(actor=actor, cascade=cascade.slug, is_open=True)[:10],
        "may_limit": actor.may(Permission.LIMIT_CASCADE, team_id=team),
        "may_retire": actor.may(Permission.PROMOTE_POLICY, team_id=team),
        "snippets": pictures.snippets(cascade=cascade, url=settings.GATEWAY_URL),
        "as_of": now,
    }


@require_http_methods(["GET", "POST"])
def limit(request: HttpRequest, slug: str) -> HttpResponse:
    """Set what the feature's cascades may spend in a month."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    held = limit_of(feature=cascade.feature)
    form = Limit(request.POST or None, initial={"monthly_usd": held})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                usecases.set_limits(
                    actor=request.actor,
                    feature=cascade.feature,
                    monthly_usd=form.cleaned_data["monthly_usd"],
                    now=timezone.now(),
                )
                return redirect("cascade:detail", slug)
            except Refusal as refusal:
                explain(form, refusal)
                status = refusal.status
    return render(request, "cascade/limit.html", {"cascade": cascade, "form": form}, status=status)


@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """End a cascade: its keys are refused from the next request on; what it cost stays."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    usecases.retire(actor=request.actor, cascade=cascade, now=timezone.now())
    return redirect("cascade:cascades")


@require_GET
def of_feature(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a feature's cascades by environment, and how to begin one."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = [
        (place.value, cascade_of(feature=feature, environment=place.value)) for place in Environment
    ]
    may_edit = request.actor.may(Permission.EDIT_CASCADE, team_id=feature.team_id)
    context = {"feature": feature, "places": found, "may_edit": may_edit}
    return render(request, "cascade/of_feature.html", context)


@require_POST
def close_alert(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Close an alert that somebody has looked into."""
    cascade_for(actor=request.actor, slug=slug)
    alert = runs.alert_for(actor=request.actor, pk=pk)
    alerts.close_alert(actor=request.actor, alert=alert, now=timezone.now())
    return redirect("cascade:detail", slug)
