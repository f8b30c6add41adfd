"""The policy: its draft, its versions, and which of them answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cascade.forms.policy import Policy
from cascade.models import Cascade, Draft, Rollout
from cascade.queries import targets
from cascade.queries.cascades import (
    cascade_for,
    draft_of,
    policies,
    policy_for,
    rollouts,
    standing_of,
)
from cascade.queries.runs import replays, weights
from cascade.usecases import policies as usecases
from cascade.usecases import rollouts as rolling
from portal.access import Permission
from portal.errors import NotFound, Refusal


@require_GET
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what answers, the draft on its way there, and every version."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    actor, team = request.actor, cascade.feature.team_id
    draft = draft_of(cascade=cascade)
    now = timezone.now()
    return render(
        request,
        "cascade/policy.html",
        {
            "cascade": cascade,
            "tab": "policy",
            "standing": standing_of(cascade=cascade),
            "draft": draft,
            "draft_replay": _replay(request, cascade, draft),
            "versions": list(policies(cascade=cascade)[:30]),
            "history": list(rollouts(cascade=cascade)[:20]),
            "offered": targets.offered(cascade=cascade, now=now),
            "may_edit": actor.may(Permission.EDIT_CASCADE, team_id=team),
            "may_promote": actor.may(Permission.PROMOTE_POLICY, team_id=team),
            "as_of": now,
        },
    )


def _replay(request: HttpRequest, cascade: Cascade, draft: Draft | None) -> Any:
    if draft is None:
        return None
    found = replays(actor=request.actor, cascade=cascade.slug).filter(digest=draft.digest)
    return found.first()


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit the draft; without one, begin with what is live."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    draft = draft_of(cascade=cascade)
    form = _form(request, cascade, draft)
    if request.method == "GET" or "more" in request.POST:
        return _editor(request, cascade, form)
    if not form.is_valid():
        return _editor(request, cascade, form, status=422)
    try:
        usecases.save_draft(
            actor=request.actor,
            cascade=cascade,
            body=form.body(),
            note=form.cleaned_data["note"],
            edition=form.cleaned_data["edition"] or 0,
            now=timezone.now(),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.explain(refusal)
        return _editor(request, cascade, form, status=refusal.status)
    messages.success(request, "The draft is kept. Replay it before it is published.")
    return redirect("cascade:policy", slug)


def _form(request: HttpRequest, cascade: Cascade, draft: Draft | None) -> Policy:
    standing = standing_of(cascade=cascade)
    body = draft.body if draft else standing.live.body if standing else {}
    offered = targets.offered(cascade=cascade, now=timezone.now())
    trained = list(weights(cascade=cascade))
    return Policy(
        request.POST if request.method == "POST" else None,
        body=body,
        targets=[(each.value, each.label) for each in offered],
        routers=[row.version for row in trained if row.kind == "router"],
        scorers=[row.version for row in trained if row.kind == "gate"],
        initial={"edition": draft.edition if draft else 0, "note": draft.note if draft else ""},
    )


def _editor(
    request: HttpRequest, cascade: Cascade, form: Policy, status: int = 200
) -> HttpResponse:
    context = {"cascade": cascade, "tab": "policy", "form": form}
    return render(request, "cascade/edit.html", context, status=status)


@require_POST
def drop(request: HttpRequest, slug: str) -> HttpResponse:
    """Throw the draft away."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    usecases.drop_draft(actor=request.actor, cascade=cascade, now=timezone.now())
    return redirect("cascade:policy", slug)


@require_POST
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the draft the next version; it answers nobody yet."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    made = usecases.publish(actor=request.actor, cascade=cascade, now=timezone.now())
    messages.success(request, f"Policy {made.number} is published; it answers nobody yet.")
    return redirect("cascade:policy", slug)


@require_POST
def start_canary(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Let a version answer a share of the requests."""
    share = request.POST.get("share", "")
    try:
        asked = float(share.replace(",", ".")) / 100
    except ValueError:
        asked = -1.0
    return _roll(request, slug, rolling.start_canary, number=number, share=asked)


@require_POST
def stop_canary(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the live version answer everything again."""
    return _roll(request, slug, rolling.stop_canary)


@require_POST
def go_live(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Let a version answer everything."""
    return _roll(request, slug, rolling.go_live, number=number)


@require_POST
def roll_back(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Let an earlier version answer everything again."""
    return _roll(request, slug, rolling.roll_back, number=number)


def _roll(
    request: HttpRequest, slug: str, usecase: Callable[..., Rollout], **asked: Any
) -> HttpResponse:
    cascade = cascade_for(actor=request.actor, slug=slug)
    row = usecase(
        actor=request.actor,
        cascade=cascade,
        now=timezone.now(),
        why=request.POST.get("why", ""),
        **asked,
    )
    words = f"Policy {row.live.number} answers"
    if row.canary:
        words += f", policy {row.canary.number} {row.canary_share:.0%} of the requests"
    messages.success(request, f"{words}; every gateway follows within seconds.")
    return redirect("cascade:policy", slug)


@require_GET
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one published version, whole."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    row = policy_for(cascade=cascade, number=number)
    offered = targets.offered(cascade=cascade, now=timezone.now())
    return render(
        request,
        "cascade/version.html",
        {"cascade": cascade, "tab": "policy", "version": row, "offered": offered},
    )
