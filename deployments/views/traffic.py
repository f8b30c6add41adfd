"""The traffic player on a deployment's page: a form, and the run as it goes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from deployments import tasks
from deployments.forms.traffic import Play
from deployments.queries import traffic as queries
from deployments.usecases import traffic as usecases

SETTLED = 286  # htmx stops polling on this status


@require_GET
def traffic(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the player of one deployment and its newest runs."""
    return _panel(request, slug=slug, form=Play())


@require_POST
def play(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a run."""
    form = Play(request.POST, request.FILES)
    if not form.is_valid():
        return _panel(request, slug=slug, form=form, status=422)
    asked = form.cleaned_data
    trace = asked["trace"]
    run = usecases.start(
        actor=request.actor,
        deployment=queries.deployment_for(actor=request.actor, slug=slug),
        load_seconds=int(asked["load_minutes"] * 60),
        speed=asked["speed"],
        max_requests=asked["max_requests"],
        seed=7,
        trace=trace.read() if trace else None,
        now=timezone.now(),
    )
    tasks.nudge_traffic(run.pk)
    if request.htmx:
        return _panel(request, slug=slug, form=Play())
    return redirect("deployments:detail", slug)


@require_POST
def stop(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """Ask a run to stop."""
    usecases.stop(actor=request.actor, run=queries.run_for(actor=request.actor, run_id=run_id))
    if request.htmx:
        return _panel(request, slug=slug, form=Play())
    return redirect("deployments:detail", slug)


def _panel(
    request: HttpRequest, *, slug: str, form: Play, status: int | None = None
) -> HttpResponse:
    deployment = queries.deployment_for(actor=request.actor, slug=slug)
    runs = queries.runs(deployment=deployment, limit=5)
    is_on = any(run.ended_at is None for run in runs)
    template = "deployments/traffic.html#traffic" if request.htmx else "deployments/traffic.html"
    return render(
        request,
        template,
        {
            "deployment": deployment,
            "form": form,
            "runs": runs,
            "is_on": is_on,
            "may_play": queries.may_play(actor=request.actor, deployment=deployment),
        },
        status=status or (200 if is_on or not request.GET.get("poll") else SETTLED),
    )
