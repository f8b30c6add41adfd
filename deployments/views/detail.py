"""The page of one deployment, its live timeline, and what a person may do to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from deployments import tasks
from deployments.domain import sizing
from deployments.domain.lifecycle import Environment
from deployments.forms.operations import Resize
from deployments.models import Deployment
from deployments.queries import facing as queries
from deployments.queries import operations
from deployments.queries.facing import Facing, facing
from deployments.queries.resizing import Resizing, resizing_of
from deployments.usecases import operate
from portal.errors import Conflict, Invalid, NotFound, Refusal
from portal.forms.refusals import explain
from portal.paging import Page, cursor_page

SETTLED = 286  # htmx stops polling on this status
EVENT_ROWS = 15


@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a deployment: where it stands, how it is called, what it costs, what happened."""
    face = facing(actor=request.actor, slug=slug, now=timezone.now())
    return _page(request, face, form=_resize_form(face))


@require_GET
def status(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the timeline as it stands: nothing when it is as `?seen=` says, 286 once settled."""
    face = facing(actor=request.actor, slug=slug, now=timezone.now())
    context = _context(request, face)
    if face.is_settled:
        return render(request, "deployments/settled.html", context, status=SETTLED)
    if request.GET.get("seen") == face.seen:
        return HttpResponse(status=204)
    return render(request, "deployments/detail.html#status", context)


@require_POST
def resize(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for another size."""
    face = facing(actor=request.actor, slug=slug, now=timezone.now())
    form = _resize_form(face, request.POST)
    if form is None:
        raise Conflict(f"{slug} has no size of its own: it follows the load by itself.")
    if "look" in request.POST:
        return _looked(request, face, form)
    if not form.is_valid():
        return _page(request, face, form=form, status=422)
    try:
        operate.resize(
            actor=request.actor,
            deployment=face.deployment,
            size=form.size(),
            now=timezone.now(),
        )
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        explain(form, refusal)
        return _page(request, face, form=form, status=refusal.status)
    tasks.nudge(face.deployment)
    messages.success(request, f"{slug} is being resized; it keeps serving meanwhile.")
    return redirect(face.deployment)


def _looked(request: HttpRequest, face: Facing, form: Resize) -> HttpResponse:
    """Show what the size typed would cost; nothing is changed."""
    found, status = None, 200 if form.is_valid() else 422
    option = queries.option_of(face.generations[0])
    try:
        if option is not None and form.is_valid():
            found = resizing_of(
                deployment=face.deployment, option=option, size=form.size(), now=timezone.now()
            )
    except Invalid as refusal:
        explain(form, refusal)
        status = refusal.status
    if not request.htmx:
        return _page(request, face, form=form, status=status, resizing=found)
    context = {"form": form, "resizing": found}
    return render(request, "deployments/detail.html#resizing", context, status=status)


@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a deployment down; one in production only with its name typed."""
    deployment = operations.deployment_for(actor=request.actor, slug=slug)
    if _needs_name(deployment) and request.POST.get("confirm", "").strip() != slug:
        sentence = f"Type {slug} to retire it: it serves in production."
        raise Invalid("Nothing was retired.", fields={"confirm": sentence})
    operate.retire(actor=request.actor, deployment=deployment, now=timezone.now())
    tasks.nudge(deployment)
    messages.success(request, f"{slug} is being taken down.")
    return redirect(deployment)


@require_POST
def retry(request: HttpRequest, slug: str) -> HttpResponse:
    """Try again what failed."""
    deployment = operations.deployment_for(actor=request.actor, slug=slug)
    operate.retry(actor=request.actor, deployment=deployment, now=timezone.now())
    tasks.nudge(deployment)
    messages.success(request, f"{slug} is tried again.")
    return redirect(deployment)


def _needs_name(deployment: Deployment) -> bool:
    return deployment.environment == Environment.PRODUCTION


def _resize_form(face: Facing, data: Any = None) -> Resize | None:
    """Return the form of the newest generation's size; None when nothing can be sized."""
    newest = face.generations[0] if face.generations else None
    option = queries.option_of(newest) if newest else None
    bounds = sizing.BOUNDS.get(option.tier, {}) if option else {}
    if option is None or not bounds:
        return None
    return Resize(data, bounds=bounds, size=option.size)


def _context(request: HttpRequest, face: Facing) -> dict[str, Any]:
    now = timezone.now()
    return {
        "face": face,
        "deployment": face.deployment,
        "feature": face.deployment.feature,
        "newest": face.generations[0] if face.generations else None,
        "cost": queries.cost_of(actor=request.actor, deployment=face.deployment, now=now),
        "loss": queries.loss(face),
        "retire_name": face.deployment.slug if _needs_name(face.deployment) else "",
        "page": _events(request, face),
        "as_of": now,
    }


def _events(request: HttpRequest, face: Facing) -> Page:
    found = operations.events_of(deployment=face.deployment)
    return cursor_page(request, found, order=("-at", "-pk"), rows=EVENT_ROWS)


def _page(
    request: HttpRequest,
    face: Facing,
    *,
    form: Resize | None,
    resizing: Resizing | None = None,
    status: int = 200,
) -> HttpResponse:
    newest = face.generations[0] if face.generations else None
    context = _context(request, face) | {
        "form": form,
        "resizing": resizing,
        "option": queries.option_of(newest) if newest else None,
        "tier_name": operations.tier_name(newest.tier) if newest else "",
    }
    return render(request, "deployments/detail.html", context, status=status)
