"""Launch: everything that would be done, its money, and one button."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from deployments import tasks
from deployments.domain.lifecycle import Environment
from deployments.domain.options import TIER_NAMES
from deployments.forms.operations import Launch
from deployments.models import Recommendation
from deployments.queries import advice, commitments
from deployments.usecases import launch as usecases
from portal.access import Permission
from portal.errors import NotFound, Refusal
from portal.forms.refusals import explain
from portal.models import Feature
from portal.queries import feature_for

LARGEST_PK = 2**63 - 1


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget before and after the launch, in USD; None where none is set."""

    whom: str
    budget_usd: Decimal | None
    used_usd: Decimal
    left_usd: Decimal | None
    after_usd: Decimal | None


@require_http_methods(["GET", "POST"])
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the plan of a launch; launch it when asked, and keep what was typed when refused."""
    feature = feature_for(actor=request.actor, slug=slug)
    asked = request.POST if request.method == "POST" else request.GET
    recommendation = _recommendation(request, feature, asked.get("recommendation", ""))
    if recommendation is None:
        return redirect("deployments:options", feature.slug)
    option_id = asked.get("option", "") or recommendation.launch_pick
    plan = _plan(request, feature, recommendation, option_id)
    form = Launch(
        request.POST or None,
        acceptable=plan.acceptable,
        initial={
            "recommendation": recommendation.pk,
            "option": option_id,
            "environment": plan.environment.value,
            "slug": request.GET.get("slug", ""),
            "accept": request.GET.getlist("accept"),
        },
    )
    if request.method == "GET":
        return _page(request, feature, recommendation, plan, form)
    if not form.is_valid():
        return _page(request, feature, recommendation, plan, form, status=422)
    return _launch(request, feature, recommendation, plan, form)


def _launch(
    request: HttpRequest,
    feature: Feature,
    recommendation: Recommendation,
    plan: usecases.Plan,
    form: Launch,
) -> HttpResponse:
    asked = form.cleaned_data
    try:
        deployment = usecases.launch(
            actor=request.actor,
            feature=feature,
            recommendation_id=recommendation.pk,
            option_id=asked["option"],
            environment=asked["environment"],
            slug=asked["slug"],
            accept=asked.get("accept", ()),
            now=timezone.now(),
        )
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        explain(form, refusal)
        return _page(request, feature, recommendation, plan, form, status=refusal.status)
    tasks.nudge(deployment)
    messages.success(request, f"{deployment.slug} is being built; this page follows along.")
    return redirect(deployment)


def _recommendation(request: HttpRequest, feature: Feature, given: str) -> Recommendation | None:
    """Return the recommendation that is named, else the newest. Raises NotFound."""
    if not given:
        return advice.newest_recommendation(feature=feature)
    if not (given.isascii() and given.isdigit()) or int(given[:19]) > LARGEST_PK:
        raise NotFound(f"{feature.name} has no recommendation {given[:40]!r}.")
    return advice.recommendation_for(actor=request.actor, pk=int(given[:19]))


def _plan(
    request: HttpRequest, feature: Feature, recommendation: Recommendation, option_id: str
) -> usecases.Plan:
    """Return the plan for what is asked; a name or environment that cannot be is not previewed."""
    asked = request.POST if request.method == "POST" else request.GET
    environment = asked.get("environment") or Environment.PRODUCTION.value
    known = environment in set(Environment)
    return usecases.preview(
        actor=request.actor,
        feature=feature,
        recommendation=recommendation,
        option_id=option_id,
        environment=environment if known else Environment.PRODUCTION.value,
        now=timezone.now(),
    )


def _page(
    request: HttpRequest,
    feature: Feature,
    recommendation: Recommendation,
    plan: usecases.Plan,
    form: Launch,
    *,
    status: int = 200,
) -> HttpResponse:
    is_fragment = request.htmx and request.method == "GET"
    template = "deployments/launch.html#plan" if is_fragment else "deployments/launch.html"
    return render(
        request,
        template,
        {
            "feature": feature,
            "recommendation": recommendation,
            "plan": plan,
            "tier_name": TIER_NAMES[plan.option.tier],
            "budgets": _budgets(plan, feature),
            "form": form,
            "commitment": commitments.commitment_in_words(plan.option),
            "least_owed_usd": commitments.least_owed_usd(plan.option),
            "may_launch": request.actor.may(Permission.LAUNCH, team_id=feature.team_id),
            "as_of": timezone.now(),
        },
        status=status,
    )


def _budgets(plan: usecases.Plan, feature: Feature) -> list[BudgetRow]:
    consent = plan.consent
    found = [("The organisation", consent.budget_usd, consent.used_usd, consent.left_usd)]
    if consent.team_budget_usd is not None:
        team = (f"Team {feature.team.name}", consent.team_budget_usd)
        found.append((*team, consent.team_used_usd, consent.team_left_usd))
    return [
        BudgetRow(
            whom=whom,
            budget_usd=budget,
            used_usd=used,
            left_usd=left,
            after_usd=None if left is None else left - plan.monthly_usd,
        )
        for whom, budget, used, left in found
    ]
