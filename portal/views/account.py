"""A person's own API keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import Refusal
from portal.forms.settings import Key
from portal.queries import people
from portal.usecases import keys as usecases


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
                _, secret = usecases.create_key(
                    actor=request.actor,
                    name=form.cleaned_data["name"],
                    scopes=form.cleaned_data["scopes"],
                    expires_at=now + form.lifetime,
                    now=now,
                )
                form, status = Key(), 201
            except Refusal as refusal:
                status = refusal.status
                for field, sentence in refusal.fields.items():
                    form.add_error(field if field in form.fields else None, sentence)
    return render(
        request,
        "portal/keys.html",
        {"keys": people.keys_of(actor=request.actor), "form": form, "secret": secret, "now": now},
        status=status,
    )


@require_POST
def revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """End one of my keys."""
    usecases.revoke_key(actor=request.actor, prefix=prefix, now=timezone.now())
    messages.success(request, "The key is revoked; requests with it are refused from now on.")
    return redirect("portal:keys")
