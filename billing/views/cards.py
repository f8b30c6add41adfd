"""Fragments that other pages load: the budget line, and the cards of home and of a feature."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.domain.money import ZERO, month_of
from billing.queries.budgets import Standing, standing, standings
from billing.queries.features import costs_of
from billing.queries.filters import Filters
from billing.queries.ledger import unpriced
from billing.queries.spend import metered, summary
from portal.queries import feature_for

FEATURES_SHOWN = 6
STANDINGS_SHOWN = 4


@require_GET
def budget_line(request: HttpRequest) -> HttpResponse:
    """Show the organisation's month: actual, held, forecast with its band, budget."""
    now = timezone.now()
    return render(
        request,
        "components/budget_line.html",
        {"budget": _line(standing(team=None, now=now), now=now)},
    )


def _line(standing: Standing, *, now: datetime) -> dict[str, object]:
    """Return a standing as the budget line shows it: amounts, and shares of the budget."""
    position, forecast = standing.position, standing.forecast
    usd = {
        "actual": position.spent_usd,
        "committed": position.held_usd,
        "forecast": forecast.expected_usd,
        "forecast_low": forecast.low_usd,
        "forecast_high": forecast.high_usd,
    }
    budget = position.budget_usd
    return {
        "budget_usd": budget,
        "url": reverse("billing:budgets" if budget is None else "billing:spend"),
        "as_of": now,
        **{f"{name}_usd": amount for name, amount in usd.items()},
        **{f"{name}_share": amount / budget for name, amount in usd.items() if budget},
    }


@require_GET
def home_card(request: HttpRequest) -> HttpResponse:
    """Show the month so far: budgets, and the features that cost most."""
    now = timezone.now()
    # One way of telling the month apart costs a third of telling it apart in all ways.
    found = summary(actor=request.actor, filters=Filters(month=month_of(now)), by="feature")
    return render(
        request,
        "billing/home_card.html",
        {
            "standings": [
                (one, _line(one, now=now))
                for one in standings(actor=request.actor, now=now)[:STANDINGS_SHOWN]
            ],
            "features": found[:FEATURES_SHOWN],
            "metered": metered(now=now),
            "unpriced": len(unpriced(actor=request.actor)),
        },
    )


@require_GET
def feature_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a feature has cost this month, against what is held for it."""
    now = timezone.now()
    feature = feature_for(actor=request.actor, slug=slug)
    filters = Filters(month=month_of(now))
    costs = costs_of(actor=request.actor, feature=feature, filters=filters, now=now)
    return render(
        request,
        "billing/feature_card.html",
        {
            "feature": feature,
            "costs": costs,
            "total_usd": sum((cost.usd for cost in costs), ZERO),
            "held_usd": sum((cost.held_usd for cost in costs if cost.held_usd), ZERO),
            "metered": metered(now=now),
        },
    )
