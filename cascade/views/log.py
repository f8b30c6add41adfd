"""Requests as they were logged, one with its whole decision, and those to judge."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from cascade.forms.small import Verdict
from cascade.models import Trial
from cascade.queries import trials as queries
from cascade.queries.cascades import cascade_for, standing_of
from cascade.usecases.verdicts import record_verdict
from portal.access import Permission
from portal.errors import NotAllowed, NotFound, Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page

STATUSES = ("answered", "short", "failed", "refused", "cancelled")
QUEUE = 20
FLAGS = {"yes": True, "no": False}


@require_GET
def trials(request: HttpRequest, slug: str) -> HttpResponse:
    """List requests, newest first, filtered by what the address says."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    standing = standing_of(cascade=cascade)
    found = queries.trials(cascade=cascade, asked=_asked(request))
    return render(
        request,
        "cascade/trials.html",
        {
            "cascade": cascade,
            "tab": "trials",
            "page": cursor_page(request, found, order=queries.ORDER),
            "stages": [each["name"] for each in standing.live.body["stages"]] if standing else [],
            "statuses": STATUSES,
            "asked": request.GET,
            "as_of": timezone.now(),
        },
    )


def _asked(request: HttpRequest) -> queries.Asked:
    given = request.GET
    status = given.get("status", "")
    return queries.Asked(
        stage=given.get("stage", "")[:40].replace("\x00", ""),
        status=status if status in STATUSES else "",
        intent=given.get("intent", "")[:250].replace("\x00", ""),
        escalated=FLAGS.get(given.get("escalated", "")),
        labelled=FLAGS.get(given.get("labelled", "")),
    )


@require_http_methods(["GET", "POST"])
def trial(request: HttpRequest, slug: str, uuid: UUID) -> HttpResponse:
    """Show a request with everything that led to its answer; POST keeps a verdict."""
    row = _trial(request, slug, uuid)
    form = Verdict(request.POST or None, initial={"stage": row.stage})
    if request.method == "POST" and form.is_valid() and _judged(request, row, form):
        messages.success(request, "Your verdict is kept.")
        return redirect("cascade:trial", slug, uuid)
    status = 422 if form.is_bound else 200
    return render(request, "cascade/trial.html", _context(request, row, form), status=status)


def _trial(request: HttpRequest, slug: str, uuid: UUID) -> Trial:
    row = queries.trial_for(actor=request.actor, uuid=uuid)
    if row.cascade.slug != slug:
        raise NotFound(f"{slug} has no request {uuid}.")
    return row


def _judged(request: HttpRequest, row: Trial, form: Verdict) -> bool:
    try:
        record_verdict(
            actor=request.actor,
            trial=row,
            stage=form.cleaned_data["stage"],
            quality=float(form.cleaned_data["quality"]),
            note=form.cleaned_data["note"],
            now=timezone.now(),
        )
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        explain(form, refusal)
        return False
    return True


def _context(request: HttpRequest, row: Trial, form: Verdict) -> dict[str, Any]:
    return {
        "cascade": row.cascade,
        "tab": "trials",
        "trial": row,
        "decision": queries.decision(trial=row),
        "form": form,
        "may_review": request.actor.may(Permission.REVIEW, team_id=row.team_id),
    }


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the next request to judge; POST keeps the verdict and shows the one after it."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    form, row = Verdict(request.POST or None), None
    if request.method == "POST":
        uuid = request.POST.get("trial", "")
        row = _trial(request, slug, _uuid(uuid))
        if form.is_valid() and _judged(request, row, form):
            return redirect("cascade:review", slug)
    queue = queries.to_review(cascade=cascade, now=timezone.now(), most=QUEUE)
    return render(
        request,
        "cascade/review.html",
        {
            "cascade": cascade,
            "tab": "review",
            # A verdict that was not kept stays with the request it is about.
            "trial": row or (queue[0] if queue else None),
            "waiting": len(queue),
            "form": form,
            "may_review": request.actor.may(Permission.REVIEW, team_id=cascade.feature.team_id),
        },
        status=422 if form.is_bound else 200,
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise NotFound("There is no such request.") from wrong
