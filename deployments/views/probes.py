"""Probes: what was measured here, the price of another, its run as it goes, and the schedule."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments import tasks
from deployments.forms.probes import Probe as ProbeForm
from deployments.forms.probes import Schedule
from deployments.models import Probe
from deployments.queries import probes as queries
from deployments.usecases import probe_schedules
from deployments.usecases import probes as usecases
from portal.access import Permission
from portal.errors import NotAllowed, NotFound, Refusal
from portal.forms.refusals import explain
from portal.models import Team
from portal.paging import cursor_page
from portal.queries import feature_for, features, team_for

SETTLED = 286  # htmx stops polling on this status
SCHEDULED = ("every_days", "requests", "input_tokens", "output_tokens", "most_usd")


@require_GET
def probes(request: HttpRequest) -> HttpResponse:
    """List what was measured here, newest first, and who measures by schedule."""
    actor = request.actor
    page = cursor_page(request, queries.visible(actor=actor), order=("-created_at", "-pk"))
    return render(
        request,
        "deployments/probes.html",
        {
            "page": page,
            "schedules": queries.scheduling_teams(actor=actor),
            "may_probe": actor.may_somewhere(Permission.LAUNCH),
            "fresh_days": queries.FRESH.days,
            "as_of": timezone.now(),
        },
    )


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show what a probe would cost at most; POST starts it. ?way= and ?feature= come filled in."""
    asked = request.POST if request.method == "POST" else request.GET
    form = ProbeForm(
        asked if request.method == "POST" or "requests" in asked else None,
        initial={name: asked.get(name, "") for name in ("way", "feature")},
        ways=queries.ways(),
        features=features(actor=request.actor).order_by("name", "pk"),
    )
    if not form.is_bound:
        return _new(request, form)
    if not form.is_valid():
        return _new(request, form, status=422)
    try:
        return _started(request, form) if request.method == "POST" else _planned(request, form)
    except Refusal as refusal:
        if isinstance(refusal, NotFound | NotAllowed):
            raise
        explain(form, refusal)
        return _new(request, form, status=refusal.status)


def _planned(request: HttpRequest, form: ProbeForm) -> HttpResponse:
    plan = usecases.plan(
        actor=request.actor,
        feature=feature_for(actor=request.actor, slug=form.cleaned_data["feature"]),
        wish=form.wish(),
        now=timezone.now(),
    )
    return _new(request, form, plan=plan)


def _started(request: HttpRequest, form: ProbeForm) -> HttpResponse:
    probe = usecases.start(
        actor=request.actor,
        feature=feature_for(actor=request.actor, slug=form.cleaned_data["feature"]),
        wish=form.wish(),
        now=timezone.now(),
    )
    tasks.nudge_probe(probe.pk)
    return redirect("deployments:probe", probe.pk)


def _new(
    request: HttpRequest, form: ProbeForm, *, plan: usecases.Plan | None = None, status: int = 200
) -> HttpResponse:
    return render(
        request,
        "deployments/probe_new.html",
        {
            "form": form,
            "plan": plan,
            "may_probe": request.actor.may_somewhere(Permission.LAUNCH),
            "as_of": timezone.now(),
        },
        status=status,
    )


@require_GET
def probe(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Show a run as it goes, and what it measured once it is over."""
    found = queries.probe_for(actor=request.actor, pk=probe_id)
    return _probe(request, found)


@require_POST
def stop(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Ask a run to stop; what was sent stays sent."""
    found = queries.probe_for(actor=request.actor, pk=probe_id)
    usecases.stop(actor=request.actor, probe=found, now=timezone.now())
    found.refresh_from_db()
    return _probe(request, found) if request.htmx else redirect("deployments:probe", probe_id)


def _probe(request: HttpRequest, found: Probe) -> HttpResponse:
    is_on = found.ended_at is None
    is_poll = bool(request.GET.get("poll"))
    template = "deployments/probe.html#run" if request.htmx else "deployments/probe.html"
    return render(
        request,
        template,
        {
            "probe": found,
            "is_on": is_on,
            "figures": _figures(found.measured),
            "may_stop": request.actor.may(Permission.LAUNCH, team_id=found.team_id),
            "as_of": timezone.now(),
        },
        status=SETTLED if is_poll and not is_on else 200,
    )


def _figures(measured: dict[str, Any]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Return the table of percentiles: what, its unit, and p50, p95 and p99 with their bounds."""
    rows = (
        ("Time to the first token", "ms", "first_token_ms"),
        ("Whole answer", "ms", "answer_ms"),
        ("Output tokens/s (reached by 50, 95, 99 %)", "tokens/s", "tokens_per_s"),
    )
    return [
        (words, unit, [measured[name][each] for each in ("p50", "p95", "p99")])
        for words, unit, name in rows
        if measured.get(name)
    ]


@require_http_methods(["GET", "POST"])
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's probes by schedule; POST turns them on or changes them."""
    team = team_for(actor=request.actor, slug=slug)
    held = queries.schedule_of(team=team)
    first = {name: getattr(held, name) for name in SCHEDULED} if held else {}
    form = Schedule(
        request.POST if request.method == "POST" else None,
        features=features(actor=request.actor, team=slug).order_by("name", "pk"),
        initial={**first, "feature": held.feature.slug if held else ""},
    )
    if request.method == "GET":
        return _schedule(request, team, form)
    if not form.is_valid():
        return _schedule(request, team, form, status=422)
    probe_schedules.schedule(
        actor=request.actor,
        feature=feature_for(actor=request.actor, slug=form.cleaned_data["feature"]),
        every_days=form.cleaned_data["every_days"],
        wish=form.wish(),
        now=timezone.now(),
    )
    messages.success(request, f"What {team.name} runs on is measured by schedule.")
    return redirect("deployments:probe_schedule", slug)


@require_POST
def unschedule(request: HttpRequest, slug: str) -> HttpResponse:
    """Turn a team's probes by schedule off."""
    team = team_for(actor=request.actor, slug=slug)
    probe_schedules.unschedule(actor=request.actor, team=team, now=timezone.now())
    messages.success(request, f"Nothing of {team.name} is probed by schedule any more.")
    return redirect("deployments:probe_schedule", slug)


def _schedule(
    request: HttpRequest, team: Team, form: Schedule, *, status: int = 200
) -> HttpResponse:
    return render(
        request,
        "deployments/probe_schedule.html",
        {
            "team": team,
            "form": form,
            "held": queries.schedule_of(team=team),
            "ways": queries.used_ways(team=team),
            "may_set": request.actor.may(Permission.LAUNCH, team_id=team.pk),
        },
        status=status,
    )
