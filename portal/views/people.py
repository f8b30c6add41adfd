"""Who holds which role; platform engineers invite people and give roles that hold everywhere."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.access import Permission
from portal.accounts import invitation_url
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.forms.settings import Grant, Invite
from portal.paging import cursor_page
from portal.queries.people import roles_held
from portal.usecases import people as people_usecases
from portal.usecases import teams as team_usecases

ORDER = ("user__email", "pk")


@require_GET
def members(request: HttpRequest) -> HttpResponse:
    """List people and roles."""
    return _page(request)


@require_POST
def grant(request: HttpRequest) -> HttpResponse:
    """Give a role that holds everywhere."""
    form = Grant(request.POST)
    if not form.is_valid():
        return _page(request, grant=form, status=422)
    try:
        membership = team_usecases.grant(
            actor=request.actor, **form.cleaned_data, now=timezone.now()
        )
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, grant=form, status=refusal.status)
    messages.success(request, f"{membership.user} now holds the role {membership.role}.")
    return redirect("portal:members")


@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take such a role away."""
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    team_usecases.withdraw(actor=request.actor, email=email, role=role, now=timezone.now())
    messages.success(request, f"{email} no longer holds the role {role}.")
    return redirect("portal:members")


@never_cache
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Open an account; the link to choose a password is in this answer and nowhere else."""
    form = Invite(request.POST)
    if not form.is_valid():
        return _page(request, invite=form, status=422)
    try:
        user = people_usecases.invite(actor=request.actor, **form.cleaned_data, now=timezone.now())
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, invite=form, status=refusal.status)
    return _page(request, link=invitation_url(user), invited=user, status=201)


def _page(request: HttpRequest, *, status: int = 200, **context: object) -> HttpResponse:
    may_manage = request.actor.may(Permission.MANAGE_ORGANISATION)
    return render(
        request,
        "portal/members.html",
        {
            "page": cursor_page(request, roles_held(actor=request.actor), order=ORDER),
            "may_manage": may_manage,
            "grant": Grant(),
            "invite": Invite(),
            **context,
        },
        status=status,
    )
