"""Settings: teams and their members."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.access import Permission
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.forms.settings import Member, Team
from portal.queries import people
from portal.usecases import teams as usecases


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Open the first of the settings."""
    return redirect("portal:teams")


@require_http_methods(["GET", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    """List teams; platform engineers create them."""
    form = Team(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                team = usecases.create_team(
                    actor=request.actor, **form.cleaned_data, now=timezone.now()
                )
                return redirect(team)
            except Refusal as refusal:
                status = refusal.status
                explain(form, refusal)
    return render(
        request,
        "portal/teams.html",
        {
            "teams": people.teams_counted(actor=request.actor),
            "form": form,
            "may_create": request.actor.may(Permission.MANAGE_ORGANISATION),
        },
        status=status,
    )


@require_GET
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team and its members."""
    return _team(request, slug, Member())


@require_POST
def set_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a person a role in the team."""
    form = Member(request.POST)
    if not form.is_valid():
        return _team(request, slug, form, status=422)
    found = people.team_for(actor=request.actor, slug=slug)
    try:
        membership = usecases.set_member(
            actor=request.actor, team=found, **form.cleaned_data, now=timezone.now()
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _team(request, slug, form, status=refusal.status)
    messages.success(request, f"{membership.user} is now {membership.role} of {found.name}.")
    return redirect(found)


@require_POST
def remove_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a person out of the team."""
    found = people.team_for(actor=request.actor, slug=slug)
    email = request.POST.get("email", "")
    usecases.remove_member(actor=request.actor, team=found, email=email, now=timezone.now())
    messages.success(request, f"{email} was taken out of {found.name}.")
    return redirect(found)


def _team(request: HttpRequest, slug: str, form: Member, status: int = 200) -> HttpResponse:
    found = people.team_for(actor=request.actor, slug=slug)
    return render(
        request,
        "portal/team.html",
        {
            "team": found,
            "members": people.members(actor=request.actor, team=found),
            "form": form,
            "may_manage": request.actor.may(Permission.MANAGE_TEAM, team_id=found.pk),
        },
        status=status,
    )
