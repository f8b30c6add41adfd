"""Virtual keys: made, shown once, and ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from cascade.forms.small import Key
from cascade.models import Cascade
from cascade.queries import cascades as queries
from cascade.usecases import keys as usecases
from portal.access import Permission
from portal.errors import NotAllowed, NotFound, Refusal
from portal.forms.refusals import explain


@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest, slug: str) -> HttpResponse:
    """List a cascade's keys; POST makes one and shows its secret once."""
    cascade = queries.cascade_for(actor=request.actor, slug=slug)
    form = Key(request.POST or None)
    if request.method == "GET":
        return _page(request, cascade, form)
    if not form.is_valid():
        return _page(request, cascade, form, status=422)
    now = timezone.now()
    try:
        _, secret = usecases.create_key(
            actor=request.actor,
            cascade=cascade,
            name=form.cleaned_data["name"],
            limits=form.limits(),
            expires_at=now + timedelta(days=form.cleaned_data["days"]),
            now=now,
        )
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, cascade, form, status=refusal.status)
    return _page(request, cascade, Key(), secret=secret)


def _page(
    request: HttpRequest, cascade: Cascade, form: Key, *, secret: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "cascade": cascade,
        "tab": "keys",
        "keys": list(queries.keys(cascade=cascade)[:200]),
        "form": form,
        "secret": secret,
        "now": timezone.now(),
        "may_manage": request.actor.may(Permission.MANAGE_KEYS, team_id=cascade.feature.team_id),
    }
    return render(request, "cascade/keys.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, slug: str, prefix: str) -> HttpResponse:
    """End a key at once."""
    cascade = queries.cascade_for(actor=request.actor, slug=slug)
    usecases.revoke_key(actor=request.actor, cascade=cascade, prefix=prefix, now=timezone.now())
    return redirect("cascade:keys", slug)
