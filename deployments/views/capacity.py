"""Capacity plans: ask for one, read it, and make it better with a load test."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from deployments import tasks
from deployments.domain import plan_input
from deployments.forms.capacity import (
    EXAMPLE,
    Endpoint,
    Plan,
    Point,
    architecture_fields,
    has_numbers,
)
from deployments.models import CapacityPlan
from deployments.queries import advice
from deployments.queries import capacity as queries
from deployments.queries.capacity_page import plan_page
from deployments.usecases import capacity as usecases
from portal.access import Permission
from portal.errors import NotFound, Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page
from portal.queries import feature_for, features, team_for

NEWEST = ("-created_at", "-pk")


@require_http_methods(["GET", "POST"])
def capacity(request: HttpRequest) -> HttpResponse:
    """List the plans, and ask for another; `?feature=` begins with that feature's workload."""
    if request.method == "POST":
        return _planned(request)
    return _list(request, _form(request, initial=_first(request)))


def _first(request: HttpRequest) -> dict[str, Any]:
    """Return what the form begins with: a feature's load, or the example."""
    slug = request.GET.get("feature", "")
    if not slug:
        return EXAMPLE
    feature = feature_for(actor=request.actor, slug=slug)
    row = advice.newest_workload(feature=feature)
    load = plan_input.of_workload(advice.workload_of(row)) if row else {}
    return {**EXAMPLE, **load, "feature": feature.slug, "team": feature.team.slug}


def _form(
    request: HttpRequest, *, data: QueryDict | None = None, initial: dict[str, Any] | None = None
) -> Plan:
    teams = queries.planning_teams(actor=request.actor)
    mine = {team.pk for team in teams}
    return Plan(
        data,
        initial=initial,
        known=queries.known(),
        teams=[(team.slug, team.name) for team in teams],
        features=[
            (feature.slug, feature.name)
            for feature in features(actor=request.actor)
            if feature.team_id in mine
        ],
    )


def _planned(request: HttpRequest) -> HttpResponse:
    form = _form(request, data=request.POST)
    if not form.is_valid():
        return _list(request, form, status=422)
    now, asked = timezone.now(), form.cleaned_data
    try:
        row = usecases.ask_for_plan(
            actor=request.actor,
            team=team_for(actor=request.actor, slug=asked["team"]),
            feature=feature_for(actor=request.actor, slug=asked["feature"])
            if asked["feature"]
            else None,
            request=usecases.read_request(given=form.given(), now=now),
            now=now,
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _list(request, form, status=refusal.status)
    tasks.nudge_plan(row.pk)
    return redirect("deployments:capacity_plan", row.pk)


def _list(request: HttpRequest, form: Plan, status: int = 200) -> HttpResponse:
    found = queries.plans(actor=request.actor).defer("body")
    return render(
        request,
        "deployments/capacity.html",
        {
            "page": cursor_page(request, found, order=NEWEST),
            "form": form,
            "numbers": architecture_fields(form),
            "has_numbers": has_numbers(form),
            "may_plan": bool(queries.planning_teams(actor=request.actor)),
        },
        status=status,
    )


@require_GET
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one plan: its pick, memory, finalists, timeouts, and what was refused.

    While it is being worked out, the page says so and asks again by itself.
    """
    row = queries.plan_for(actor=request.actor, pk=pk)
    if request.htmx and row.body:
        return HttpResponseClientRedirect(request.path)
    if not row.body:
        fragment = "#waiting" if request.htmx else ""
        context = {"row": row, "asked": queries.request_of(row)}
        return render(request, f"deployments/capacity_wait.html{fragment}", context)
    return _page(request, row)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the same at today's prices and with what was measured since."""
    row = queries.plan_for(actor=request.actor, pk=pk)
    made = usecases.plan_again(
        actor=request.actor, row=row, now=timezone.now(), again=usecases.ask_for_plan
    )
    tasks.nudge_plan(made.pk)
    return redirect("deployments:capacity_plan", made.pk)


@require_POST
def load_point(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter a measured load test; the plan is made anew with it."""
    row = queries.plan_for(actor=request.actor, pk=pk)
    form = _point(row, request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, point=form)
    now = timezone.now()
    try:
        point = usecases.read_point(given=form.given(), now=now)
        _, plans = usecases.enter_load_point(
            actor=request.actor, team=row.team, point=point, now=now, again=usecases.ask_for_plan
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, row, status=refusal.status, point=form)
    return redirect("deployments:capacity_plan", _same(row, plans).pk)


@require_POST
def endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the load test from a running endpoint; the plan is made anew with it."""
    row = queries.plan_for(actor=request.actor, pk=pk)
    form = _endpoint(row, request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, endpoint=form)
    try:
        _, plans = usecases.measure_endpoint(
            actor=request.actor,
            row=row,
            configuration=form.cleaned_data["configuration"],
            deployment=form.cleaned_data["deployment"],
            now=timezone.now(),
            again=usecases.ask_for_plan,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, row, status=refusal.status, endpoint=form)
    return redirect("deployments:capacity_plan", _same(row, plans).pk)


def _same(row: CapacityPlan, made: tuple[CapacityPlan, ...]) -> CapacityPlan:
    """Ask workers for the new plans, and return the one of the same request; else the old one."""
    for each in made:
        tasks.nudge_plan(each.pk)
    alike = (each for each in made if each.request == row.request)
    return next(alike, row)


def _point(row: CapacityPlan, data: QueryDict | None = None) -> Point:
    return Point(
        data,
        request=queries.request_of(row),
        finalists=queries.configurations(queries.plan_of(row)),
    )


def _endpoint(row: CapacityPlan, data: QueryDict | None = None) -> Endpoint:
    slugs = [each.slug for each in queries.endpoints_of(row)]
    return Endpoint(data, finalists=queries.configurations(queries.plan_of(row)), deployments=slugs)


def _page(
    request: HttpRequest, row: CapacityPlan, status: int = 200, **forms: object
) -> HttpResponse:
    shown = plan_page(row, now=timezone.now())
    return render(
        request,
        "deployments/capacity_plan.html",
        {
            "page": shown,
            "point": forms.get("point") or _point(row),
            "endpoint": forms.get("endpoint") or _endpoint(row),
            "points": queries.points_of(
                team=row.team, architecture=shown.request.architecture.name
            ),
            "may_plan": request.actor.may(Permission.ADVISE, team_id=row.team_id),
        },
        status=status,
    )
