"""Moves: what should change, ranked by what it saves and what it risks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from deployments.models import Move
from deployments.queries import moves as queries
from deployments.usecases import moves as usecases
from portal.access import Permission
from portal.paging import csv_url, cursor_page
from portal.queries import feature_for
from portal.rest.sheets import csv_reply

ORDERS = {
    "-saving": ("-saving_usd", "-pk"),
    "saving": ("saving_usd", "pk"),
    "risk": ("risk", "pk"),
    "-risk": ("-risk", "-pk"),
    "made": ("made_at", "pk"),
    "-made": ("-made_at", "-pk"),
}
LARGEST_FIRST = "-saving"
CARD_ROWS = 3
COLUMNS = (
    "feature",
    "team",
    "deployment",
    "USD a month saved",
    "risk",
    "must",
    "from",
    "to",
    "why",
    "risks",
    "load",
    "made at",
)


@require_GET
def moves(request: HttpRequest) -> HttpResponseBase:
    """List the moves that wait, those that save most first; `?format=csv` gives all of them."""
    sort = request.GET.get("sort", LARGEST_FIRST)
    order = ORDERS.get(sort, ORDERS[LARGEST_FIRST])
    found = queries.open_moves(actor=request.actor)
    if request.GET.get("format") == "csv":
        return csv_reply("moves.csv", COLUMNS, _lines(found.order_by(*order)))
    page = cursor_page(request, found, order=order)
    return render(
        request,
        "deployments/moves.html",
        {
            "page": page,
            "rows": queries.rows(page.rows),
            "sort": sort if sort in ORDERS else LARGEST_FIRST,
            "dismissable": _dismissable(request, page.rows),
            "csv_url": csv_url(request),
            "as_of": timezone.now(),
        },
    )


def _dismissable(request: HttpRequest, found: Iterable[Move]) -> set[int]:
    """Return the ids of the moves that the person may dismiss."""
    return {
        each.pk
        for each in found
        if request.actor.may(Permission.LAUNCH, team_id=each.feature.team_id)
    }


def _lines(found: QuerySet[Move]) -> Iterator[tuple[object, ...]]:
    for each in found.iterator(chunk_size=500):
        body = each.body
        yield (
            each.feature.slug,
            each.feature.team.slug,
            each.deployment,
            each.saving_usd,
            each.risk,
            body["must"],
            body["from"]["summary"],
            body["to"]["summary"],
            " ".join(body["reasons"]),
            " ".join(body["risks"]),
            " ".join(body["load"]["sentences"]),
            each.made_at,
        )


@require_POST
def dismiss(request: HttpRequest, move_id: int) -> HttpResponse:
    """Put a move aside."""
    move = queries.move_for(actor=request.actor, pk=move_id)
    usecases.dismiss(actor=request.actor, move=move, now=timezone.now())
    messages.success(request, f"The move of {move.feature.name} was dismissed.")
    return redirect("deployments:moves")


@require_GET
def home_card(request: HttpRequest) -> HttpResponse:
    """Say on the home page what should change, and how many moves wait."""
    found = queries.open_moves(actor=request.actor)
    return render(
        request,
        "deployments/moves_home_card.html",
        {
            "rows": queries.rows(list(found.order_by(*ORDERS[LARGEST_FIRST])[:CARD_ROWS])),
            "count": found.count(),
            "as_of": timezone.now(),
        },
    )


@require_GET
def feature_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Say on a feature's page whether it should change."""
    feature = feature_for(actor=request.actor, slug=slug)
    found = queries.open_moves(actor=request.actor, feature=slug)
    return render(
        request,
        "deployments/moves_feature_card.html",
        {"feature": feature, "rows": queries.rows(list(found)), "as_of": timezone.now()},
    )
