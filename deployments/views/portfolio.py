"""Portfolio plans: ask for one, and read it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from deployments.forms.portfolio import EVERYBODY, Plan
from deployments.queries import portfolio as queries
from deployments.queries.portfolio_page import plan_page
from deployments.usecases import portfolio as usecases
from portal.access import Permission
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page
from portal.queries import team_for, teams

NEWEST = ("-created_at", "-pk")


@require_http_methods(["GET", "POST"])
def portfolio(request: HttpRequest) -> HttpResponse:
    """List the plans, and ask for another."""
    form = Plan(request.POST or None, teams=_teams(request))
    if request.method == "GET":
        return _list(request, form)
    if not form.is_valid():
        return _list(request, form, status=422)
    slug = form.cleaned_data["team"]
    try:
        row = usecases.plan_portfolio(
            actor=request.actor,
            team=None if slug == EVERYBODY else team_for(actor=request.actor, slug=slug),
            given=form.given(),
            now=timezone.now(),
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _list(request, form, status=refusal.status)
    return redirect("deployments:portfolio_plan", row.pk)


def _teams(request: HttpRequest) -> list[tuple[str, str]]:
    actor = request.actor
    mine = [
        (team.slug, team.name)
        for team in teams(actor=actor)
        if actor.may(Permission.PLAN_PORTFOLIO, team_id=team.pk)
    ]
    everybody = [(EVERYBODY, "Everybody")] if actor.may(Permission.PLAN_PORTFOLIO) else []
    return [*everybody, *mine]


def _list(request: HttpRequest, form: Plan, status: int = 200) -> HttpResponse:
    found = queries.plans(actor=request.actor)
    return render(
        request,
        "deployments/portfolio.html",
        {"page": cursor_page(request, found, order=NEWEST), "form": form},
        status=status,
    )


@require_GET
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one plan: what is taken, what it costs beside the others, and the proof."""
    row = queries.plan_for(actor=request.actor, pk=pk)
    return render(request, "deployments/portfolio_plan.html", {"page": plan_page(row)})
