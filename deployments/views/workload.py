"""The workload form: described in the team's words, with what it comes to beside it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from deployments.domain import picture
from deployments.domain.workload_input import written
from deployments.forms.workload import EMPTY, Workload, filled
from deployments.queries import advice as queries
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
    form = Workload(initial=first, catalog_models=queries.catalog().models)
    return _workload(
        request, feature, form, row=row, sentences=picture.sentences(known) if known else ()
    )


def _described(request: HttpRequest, feature: Feature) -> HttpResponse:
    form = Workload(request.POST, catalog_models=queries.catalog().models)
    if not form.is_valid():
        return _workload(request, feature, form, status=422)
    now = timezone.now()
    try:
        asked = workload_usecases.read(given=form.given())
        workload_usecases.describe(actor=request.actor, feature=feature, workload=asked, now=now)
        advice_usecases.recommend(actor=request.actor, feature=feature, now=now)
    except Refusal as refusal:
        explain(form, refusal)
        return _workload(request, feature, form, status=refusal.status)
    return redirect("deployments:options", feature.slug)


def _workload(
    request: HttpRequest, feature: Feature, form: Workload, status: int = 200, **context: object
) -> HttpResponse:
    return render(
        request,
        "deployments/workload.html",
        {
            "feature": feature,
            "tab": "workload",
            "form": form,
            "may_describe": request.actor.may(Permission.ADVISE, team_id=feature.team_id),
            **context,
        },
        status=status,
    )


@require_POST
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Say in sentences what is being typed, or what is still missing; nothing is kept."""
    feature_for(actor=request.actor, slug=slug)
    form = Workload(request.POST, catalog_models=queries.catalog().models)
    context: dict[str, object] = {}
    if form.is_valid():
        try:
            context["sentences"] = picture.sentences(workload_usecases.read(given=form.given()))
        except Refusal as refusal:
            context["missing"] = list(refusal.fields.values())
    else:
        context["missing"] = [
            f"{form.fields[name].label}: {' '.join(map(str, words))}"
            for name, words in form.errors.items()
        ]
    return render(request, "deployments/workload.html#preview", context)
