"""A person's own account and API keys."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.forms.settings import Account, Key
from portal.models import Team, User
from portal.queries import people
from portal.queries import teams as teams_of
from portal.usecases import keys as key_usecases
from portal.usecases import people as people_usecases


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show who I am, what I may do, and let me change my name."""
    # The middleware sends everybody else to the sign-in.
    person = cast(User, request.user)
    form = Account(request.POST or None, initial={"name": person.get_full_name()})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                people_usecases.rename(
                    actor=request.actor, name=form.cleaned_data["name"], now=timezone.now()
                )
                messages.success(request, "Your name is changed.")
                return redirect("portal:account")
            except Refusal as refusal:
                status = refusal.status
                explain(form, refusal)
    roles = request.actor.team_roles
    context = {
        "form": form,
        "team_roles": [(team, roles[team.pk]) for team in _my_teams(request)],
    }
    return render(request, "portal/account.html", context, status=status)


def _my_teams(request: HttpRequest) -> list[Team]:
    return list(teams_of(actor=request.actor).filter(pk__in=list(request.actor.team_roles)))


@never_cache
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """List my keys; a new one's secret is in this answer and nowhere else."""
    form = Key(request.POST or None)
    now = timezone.now()
    secret, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                _, secret = key_usecases.create_key(
                    actor=request.actor,
                    name=form.cleaned_data["name"],
                    scopes=form.cleaned_data["scopes"],
                    expires_at=now + form.lifetime,
                    now=now,
                )
                form, status = Key(), 201
            except Refusal as refusal:
                status = refusal.status
                explain(form, refusal)
    context = {
        "keys": people.keys_of(actor=request.actor),
        "form": form,
        "secret": secret,
        "now": now,
    }
    return render(request, "portal/keys.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """End one of my keys."""
    key_usecases.revoke_key(actor=request.actor, prefix=prefix, now=timezone.now())
    messages.success(request, "The key is revoked; requests with it are refused from now on.")
    return redirect("portal:keys")
