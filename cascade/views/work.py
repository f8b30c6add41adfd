"""Work over trials: replays, calibrations, and the files they may look at."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cascade import tasks
from cascade.forms.small import Calibrate, Looked, Replayed, Train, Trials
from cascade.models import Cascade
from cascade.queries import pictures, runs
from cascade.queries.cascades import cascade_for, draft_of, policies, standing_of
from cascade.usecases import asking, calibrations, replays, trainings, uploads
from portal.access import Permission
from portal.errors import NotAllowed, NotFound, Refusal
from portal.forms.refusals import explain
from portal.paging import cursor_page

SETTLED = 286  # htmx stops polling on this status
NEWEST = ("-made_at", "-pk")


@require_http_methods(["GET", "POST"])
def replay_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the replays, and ask for another."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    today = asking.prices_today(cascade=cascade, now=timezone.now())
    form = Replayed(request.POST or None, today=today, **_choices(cascade))
    if request.method == "POST" and form.is_valid():
        try:
            made = replays.request_replay(
                actor=request.actor, cascade=cascade, over=form.asked(), now=timezone.now()
            )
            tasks.nudge_replay(made.pk)
            return redirect("cascade:replay", slug, made.pk)
        except NotAllowed:
            raise
        except Refusal as refusal:
            explain(form, refusal)
    found = runs.replays(actor=request.actor, cascade=slug)
    return _list(request, cascade, form, "replays", cursor_page(request, found, order=NEWEST))


@require_http_methods(["GET", "POST"])
def calibration_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the calibrations, and ask for another."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    form = Calibrate(request.POST or None, **_choices(cascade))
    if request.method == "POST" and form.is_valid():
        try:
            made = calibrations.request_calibration(
                actor=request.actor,
                cascade=cascade,
                target=form.target(),
                over=form.asked(),
                now=timezone.now(),
            )
            tasks.nudge_calibration(made.pk)
            return redirect("cascade:calibration", slug, made.pk)
        except NotAllowed:
            raise
        except Refusal as refusal:
            explain(form, refusal)
    found = runs.calibrations(actor=request.actor, cascade=slug)
    return _list(request, cascade, form, "calibration", cursor_page(request, found, order=NEWEST))


@require_http_methods(["GET", "POST"])
def training_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List what was trained and is being trained; POST asks for another training."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    form = Train(request.POST or None, **_choices(cascade))
    if request.method == "POST" and form.is_valid():
        try:
            made = trainings.request_training(
                actor=request.actor,
                cascade=cascade,
                over=form.asked(),
                kind=form.cleaned_data["kind"],
                now=timezone.now(),
            )
            tasks.nudge_training(made.pk)
            messages.success(request, "A worker trains it; look again in a moment.")
            return redirect("cascade:trainings", slug)
        except (NotFound, NotAllowed):
            raise
        except Refusal as refusal:
            explain(form, refusal)
    found = runs.trainings(actor=request.actor, cascade=slug)
    return _list(request, cascade, form, "trainings", cursor_page(request, found, order=NEWEST))


def _choices(cascade: Cascade) -> dict[str, Any]:
    draft, standing = draft_of(cascade=cascade), standing_of(cascade=cascade)
    newest = "The draft" if draft else "What is live" if standing else "None yet"
    versions = [(row.number, f"Policy {row.number}") for row in policies(cascade=cascade)[:30]]
    return {
        "uploads": [
            (row.pk, f"{row.name}, {row.trials:,} trials") for row in runs.uploads(cascade=cascade)
        ],
        "policies": [(0, newest), *versions],
    }


def _list(
    request: HttpRequest, cascade: Cascade, form: Looked, tab: str, page: Any
) -> HttpResponse:
    status = 422 if form.is_bound else 200
    may_edit = request.actor.may(Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    context = {
        "cascade": cascade,
        "tab": tab,
        "form": form,
        "page": page,
        "files": list(runs.uploads(cascade=cascade)),
        "may_edit": may_edit,
        "fewest": pictures.FEWEST_LABELS,
    }
    return render(request, f"cascade/{tab}.html", context, status=status)


@require_GET
def replay(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a replay as it goes, and what it found."""
    row = runs.replay_for(actor=request.actor, pk=pk)
    _same(row, slug)
    context = {
        "cascade": row.cascade,
        "tab": "replays",
        "run": row,
        "found": pictures.replayed(row),
        "what_if": pictures.what_if(row.request),
    }
    return _run(request, "replay", context, is_over=row.ended_at is not None)


@require_GET
def calibration(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a calibration as it goes, its curve, and the thresholds it found."""
    row = runs.calibration_for(actor=request.actor, pk=pk)
    _same(row, slug)
    may_edit = request.actor.may(Permission.EDIT_CASCADE, team_id=row.cascade.feature.team_id)
    context = {
        "cascade": row.cascade,
        "tab": "calibration",
        "run": row,
        "found": pictures.calibrated(row),
        "may_edit": may_edit,
    }
    return _run(request, "calibrated", context, is_over=row.ended_at is not None)


def _same(row: Any, slug: str) -> None:
    if row.cascade.slug != slug:
        raise NotFound(f"{slug} has nothing of this number.")


def _run(
    request: HttpRequest, page: str, context: dict[str, Any], *, is_over: bool
) -> HttpResponse:
    if "poll" not in request.GET:
        return render(request, f"cascade/{page}.html", context)
    status = SETTLED if is_over else 200
    return render(request, f"cascade/{page}.html#run", context, status=status)


@require_POST
def apply(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take the thresholds over into the draft."""
    row = runs.calibration_for(actor=request.actor, pk=pk)
    _same(row, slug)
    calibrations.apply_calibration(actor=request.actor, calibration=row, now=timezone.now())
    messages.success(request, "The thresholds are in the draft, with the reason beside them.")
    return redirect("cascade:policy", slug)


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a file of trials."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    form = Trials(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = uploads.upload_trials(
                actor=request.actor,
                cascade=cascade,
                name=file.name,
                file=file.file,
                names=form.cleaned_data["names"],
                now=timezone.now(),
            )
            messages.success(request, f"{row.trials:,} trials are kept.")
            return redirect("cascade:replays", slug)
        except Refusal as refusal:
            explain(form, refusal)
    status = 422 if form.is_bound else 200
    context = {"cascade": cascade, "tab": "replays", "form": form}
    return render(request, "cascade/upload.html", context, status=status)


@require_POST
def drop_upload(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Throw a file of trials away."""
    cascade = cascade_for(actor=request.actor, slug=slug)
    row = runs.upload_for(cascade=cascade, pk=pk)
    uploads.drop_upload(actor=request.actor, upload=row, now=timezone.now())
    return redirect("cascade:replays", slug)
