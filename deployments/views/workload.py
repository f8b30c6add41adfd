"""The workload form: described in the team's words, with what it comes to beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from deployments import tasks
from deployments.domain import picture
from deployments.domain.measured import Measured
from deployments.domain.workload import Workload as Asked
from deployments.domain.workload_input import written
from deployments.forms.workload import EMPTY, Trace, Workload, filled, first_values, with_measured
from deployments.queries import advice as queries
from deployments.queries.workload_page import glimpse, week
from deployments.usecases import advice as advice_usecases
from deployments.usecases import workloads as workload_usecases
from portal.access import Permission
from portal.errors import Refusal
from portal.forms.refusals import explain
from portal.models import Feature
from portal.queries import feature_for


@require_http_methods(["GET", "POST"])
def workload(request: HttpRequest, slug: str) -> HttpResponse:
    """Describe the workload; saving compares the options at once."""
    feature = feature_for(actor=request.actor, slug=slug)
    if request.method == "POST":
        return _described(request, feature)
    row = queries.newest_workload(feature=feature)
    known = queries.workload_of(row) if row else None
    first = filled(written(known)) if known else EMPTY
    return _page(request, feature, _form(initial=first), row=row, **_said(known))


@require_POST
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what is being typed comes to, or what is still missing; nothing is kept.

    Without JavaScript it is the whole page again, with what was typed.
    """
    feature = feature_for(actor=request.actor, slug=slug)
    seen = _seen(request.POST)
    if request.htmx:
        return render(request, "deployments/workload.html#preview", seen)
    return _page(request, feature, _form(initial=first_values(request.POST)), **seen)


@require_POST
def trace(request: HttpRequest, slug: str) -> HttpResponse:
    """Read a trace and put what it shows into the form, to be looked over; nothing is kept."""
    feature = feature_for(actor=request.actor, slug=slug)
    file = Trace(request.POST, request.FILES)
    found = _measured(file) if file.is_valid() else None
    typed: QueryDict = request.POST
    if found is not None:
        lines = typed.get("assumptions", "").splitlines()
        shown = workload_usecases.proposed(found=found, given={"assumptions": lines})
        typed = with_measured(typed, shown)
    return _page(
        request,
        feature,
        _form(initial=first_values(typed)),
        status=200 if found else 422,
        trace_form=file,
        measured=found,
        **_seen(typed),
    )


def _measured(file: Trace) -> Measured | None:
    """Return what the file shows; None when it is none, which then stands beside its field."""
    try:
        return workload_usecases.measure(
            stream=file.cleaned_data["trace"].file,
            multiplier=file.cleaned_data["one_in"] or Decimal(1),
        )
    except Refusal as refusal:
        explain(file, refusal)
        return None


def _described(request: HttpRequest, feature: Feature) -> HttpResponse:
    form = _form(data=request.POST)
    if not form.is_valid():
        return _page(request, feature, form, status=422)
    now = timezone.now()
    try:
        asked = workload_usecases.read(given=form.given())
        workload_usecases.describe(actor=request.actor, feature=feature, workload=asked, now=now)
        made = advice_usecases.recommend(actor=request.actor, feature=feature, now=now)
        tasks.nudge_study(made.pk)
    except Refusal as refusal:
        explain(form, refusal)
        return _page(request, feature, form, status=refusal.status)
    return redirect("deployments:options", feature.slug)


def _form(**given: Any) -> Workload:
    return Workload(**given, catalog_models=queries.catalog().models)


def _seen(typed: QueryDict) -> dict[str, Any]:
    """Return what is typed in sentences and options, or the sentences about what is missing."""
    form = _form(data=typed)
    if not form.is_valid():
        missing = [
            f"{form.fields[name].label}: {' '.join(map(str, words))}"
            for name, words in form.errors.items()
        ]
        return {"missing": missing}
    try:
        asked = workload_usecases.read(given=form.given())
    except Refusal as refusal:
        return {"missing": list(refusal.fields.values())}
    ranked = workload_usecases.weigh(workload=asked, now=timezone.now())
    return {**_said(asked), "glimpse": glimpse(ranked, asked)}


def _said(asked: Asked | None) -> dict[str, Any]:
    if asked is None:
        return {}
    return {
        "sentences": picture.sentences(asked),
        "week": week(asked.weekly_profile),
        "wish": asked.wish,
    }


def _page(
    request: HttpRequest, feature: Feature, form: Workload, status: int = 200, **context: Any
) -> HttpResponse:
    return render(
        request,
        "deployments/workload.html",
        {
            "feature": feature,
            "tab": "workload",
            "form": form,
            "trace_form": Trace(),
            "may_describe": request.actor.may(Permission.ADVISE, team_id=feature.team_id),
            **context,
        },
        status=status,
    )
