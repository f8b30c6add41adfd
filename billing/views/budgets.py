"""Budgets: what is allowed, held and spent, and what was allowed before."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.domain.money import in_words
from billing.forms.budgets import ORGANISATION, SetBudget
from billing.queries.budgets import budgets_seen, reservations, standings
from billing.usecases.budgets import set_budget
from portal.access import Permission
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page
from portal.queries import team_for


@require_http_methods(["GET", "POST"])
def budgets(request: HttpRequest) -> HttpResponse:
    """Show the budgets the actor may see; finance may set them."""
    form = SetBudget(request.POST or None, actor=request.actor)
    if request.method == "GET":
        return _shown(request, form)
    if not form.is_valid():
        return _shown(request, form, status=422)
    slug = form.cleaned_data["team"]
    team = None if slug == ORGANISATION else team_for(actor=request.actor, slug=slug)
    try:
        row = set_budget(
            actor=request.actor,
            team=team,
            monthly_usd=form.cleaned_data["monthly_usd"],
            now=timezone.now(),
        )
    except Refusal as refusal:
        if not refusal.fields:
            raise
        explain(form, refusal)
        return _shown(request, form, status=refusal.status)
    whom = f"team {team.name}" if team else "the organisation"
    messages.success(request, f"The budget of {whom} is {in_words(row.monthly_usd)} a month.")
    return redirect("billing:budgets")


def _shown(request: HttpRequest, form: SetBudget, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    held = reservations(actor=request.actor, held=True)
    return render(
        request,
        "billing/budgets.html",
        {
            "form": form,
            "may_set": request.actor.may(Permission.SET_BUDGET),
            "standings": standings(actor=request.actor, now=now),
            "held": cursor_page(request, held, order=("-id",)),
            "history": budgets_seen(actor=request.actor, in_force=False)[:20],
            "as_of": now,
        },
        status=status,
    )
