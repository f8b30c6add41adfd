"""Stays true: every night each feature is compared again, and what should change is proposed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.domain.money import in_words
from billing.domain.prices import PriceBook
from deployments.adapters import catalog
from deployments.adapters.served import requests_by_hour
from deployments.domain.lifecycle import State
from deployments.domain.metered_load import Basis, Load, basis
from deployments.domain.meters import HOUR_SECONDS, floor
from deployments.domain.moves import END_OF_LIFE, Proposal, best, propose, running_today
from deployments.domain.options import Option
from deployments.domain.ranking import Ranked
from deployments.domain.records import workload_from_json
from deployments.domain.target import Refused
from deployments.models import Deployment, Move, WorkloadRow
from deployments.queries import advice as advice_queries
from deployments.queries import moves as queries
from deployments.queries.running import Running, running_of
from deployments.usecases.advice import compare, keep
from portal.access import SYSTEM, Actor, Permission, require
from portal.errors import Conflict
from portal.models import Feature
from portal.usecases import audit

log = logging.getLogger("slipway.moves")
LONGEST_LOOK_BACK = timedelta(days=7)
# What was dismissed is not proposed again so soon, unless it saves so much more, or must be.
SILENCE = timedelta(days=30)
SO_MUCH_MORE = 1.25
SAME_SAVING = 0.01
DISMISSED, TAKEN, OVERTAKEN = "dismissed", "taken", "overtaken"
_NONE = Decimal(0)
Served = Callable[..., Any]


def look(*, feature_id: int, now: datetime, served: Served = requests_by_hour) -> Move | None:
    """Compare a feature again and propose a move; return it, or None when there is none (new).

    On one day (UTC) a second look proposes nothing: the first has. A newer proposal overtakes the
    one that still waits; one that no longer holds is taken back.
    """
    feature = Feature.objects.get(pk=feature_id)
    row = advice_queries.newest_workload(feature=feature)
    running = running_of(feature=feature)
    if row is None or running is None or queries.is_looked_at(feature=feature, day=now.date()):
        return None
    found = basis(
        stated=workload_from_json(row.body),
        load=_load(running.deployment, now=now, served=served),
    )
    prices, ranked = compare(workload=found.workload, now=now)
    proposal = _proposal(running, found, prices, ranked, now)
    return _answer(feature, row, running, found, (prices, ranked, proposal), now)


def _load(deployment: Deployment | None, *, now: datetime, served: Served) -> Load | None:
    """Return the whole hours that were metered lately; None when nothing tells."""
    if deployment is None or deployment.current is None:
        return None
    resources = list(deployment.current.resources.all())
    began = max((row.ready_at for row in resources if row.ready_at), default=None)
    if began is None:
        return None
    settled = now - timedelta(seconds=settings.METER_SETTLE_SECONDS)
    end = floor(settled, seconds=HOUR_SECONDS)
    start = max(end - LONGEST_LOOK_BACK, floor(began, seconds=HOUR_SECONDS) + timedelta(hours=1))
    if end <= start:
        return Load(end, end, requests=_NONE, busiest_hour=_NONE)
    seen = [(row.kind, row.outputs, row.name, row.spec) for row in resources]
    try:
        by_hour = served(resources=seen, start=start, end=end)
    except Refused as refusal:
        log.warning("What %s served was not read: %s", deployment.slug, refusal)
        return None
    if by_hour is None:
        return None
    tokens = queries.tokens_of(deployment=deployment, start=start, end=end)
    return Load(
        start=start,
        end=end,
        requests=sum(by_hour.values(), _NONE),
        busiest_hour=max(by_hour.values(), default=_NONE),
        input_tokens=tokens.get("input"),
        output_tokens=tokens.get("output"),
    )


def _proposal(
    running: Running, found: Basis, prices: PriceBook, ranked: Ranked, now: datetime
) -> Proposal | None:
    facts, today = catalog.load(), now.date()
    return propose(
        running=running_today(
            launched=running.option,
            ranked=ranked.options,
            prices=prices,
            stated=running.stated,
            workload=found.workload,
            model=facts.by_id.get(running.option.model),
            today=today,
        ),
        to=best(ranked.options, catalog=facts, today=today),
        catalog=facts,
        found=found,
        today=today,
    )


@transaction.atomic(durable=True)
def _answer(
    feature: Feature,
    row: WorkloadRow,
    running: Running,
    found: Basis,
    compared: tuple[PriceBook, Ranked, Proposal | None],
    now: datetime,
) -> Move | None:
    """Keep the proposal in place of the one that waits; two looks at once keep one."""
    Feature.objects.select_for_update(no_key=True).get(pk=feature.pk)
    prices, ranked, proposal = compared
    waiting = queries.open_move_of(feature=feature)
    if queries.is_looked_at(feature=feature, day=now.date()):
        return None
    if proposal is None:
        _close(waiting, OVERTAKEN, SYSTEM, now)
        return None
    if _is_same(waiting, proposal) or _is_silenced(feature, proposal, now):
        return None
    _close(waiting, OVERTAKEN, SYSTEM, now)
    # What is launched is the option that was proposed, with the load it stands on said first.
    told = replace(
        ranked,
        launch_pick=proposal.to.option_id,
        sentences=(f"Looked at by night. {' '.join(found.sentences)}", *ranked.sentences),
    )
    kept = keep(row=row, ranked=told, prices=prices, by=SYSTEM.name, now=now)
    move = Move.objects.create(
        feature=feature,
        deployment=running.slug,
        recommendation=kept,
        made_at=now,
        saving_usd=proposal.saving_usd,
        risk=proposal.risk,
        body=_body(proposal, found),
    )
    _record(move, proposal, now)
    return move


def _body(proposal: Proposal, found: Basis) -> dict[str, Any]:
    return {
        "from": _side(proposal.running),
        "to": _side(proposal.to),
        "must": proposal.must,
        "reasons": list(proposal.reasons),
        "risks": list(proposal.risks),
        "load": {"is_metered": found.is_metered, "sentences": list(found.sentences)},
    }


def _side(option: Option) -> dict[str, Any]:
    return {
        "option": option.option_id,
        "tier": option.tier.value,
        "model": option.model,
        "summary": option.summary,
        "size": {
            "instances": option.size.instances,
            "model_units": option.size.model_units,
        },
        "monthly_usd": str(option.cost.expected_usd),
    }


def _is_same(waiting: Move | None, proposal: Proposal) -> bool:
    """Say whether what waits says the same: from and to, and the saving to a hundredth."""
    if waiting is None or _ends(waiting.body) != (_side(proposal.running)["option"], _to(proposal)):
        return False
    if waiting.body["must"] != proposal.must:
        return False
    apart = abs(waiting.saving_usd - proposal.saving_usd)
    return float(apart) <= SAME_SAVING * abs(float(waiting.saving_usd))


def _ends(body: dict[str, Any]) -> tuple[str, tuple[str, Any]]:
    return body["from"]["option"], (body["to"]["option"], body["to"]["size"])


def _to(proposal: Proposal) -> tuple[str, Any]:
    side = _side(proposal.to)
    return side["option"], side["size"]


def _is_silenced(feature: Feature, proposal: Proposal, now: datetime) -> bool:
    """Say whether somebody has dismissed the same lately; what ends is said again."""
    if proposal.must == END_OF_LIFE:
        return False
    return any(
        _ends(each.body)[1] == _to(proposal)
        and float(proposal.saving_usd) <= SO_MUCH_MORE * float(each.saving_usd)
        for each in queries.lately_dismissed(feature=feature, since=now - SILENCE)
    )


def _record(move: Move, proposal: Proposal, now: datetime) -> None:
    audit.record(
        actor=SYSTEM,
        verb="propose-move",
        subject=f"feature:{move.feature.slug}",
        sentence=f"{move.feature.name} should change to {proposal.to.summary}: "
        f"{in_words(abs(proposal.saving_usd))} a month "
        f"{'less' if proposal.saving_usd >= 0 else 'more'}, risk {proposal.risk} of 5.",
        team=move.feature.team,
        now=now,
    )


def _close(move: Move | None, answer: str, actor: Actor, now: datetime) -> bool:
    """Answer a move that waits; say whether it still did."""
    if move is None:
        return False
    waiting = Move.objects.filter(pk=move.pk, answered_at=None)
    return bool(waiting.update(answered_at=now, answered_by=actor.name[:200], answer=answer))


@transaction.atomic(durable=True)
def dismiss(*, actor: Actor, move: Move, now: datetime) -> None:
    """Put a move aside; the same is not proposed again for a month unless it saves a lot more.

    Raises NotFound to strangers, NotAllowed, Conflict when it was answered already.
    """
    require(actor, Permission.LAUNCH, team_id=move.feature.team_id)
    if not _close(move, DISMISSED, actor, now):
        move.refresh_from_db()
        raise Conflict(f"This move was answered already: {move.answer} by {move.answered_by}.")
    audit.record(
        actor=actor,
        verb="dismiss-move",
        subject=f"feature:{move.feature.slug}",
        sentence=f"{actor.name} dismissed the move of {move.feature.name} to "
        f"{move.body['to']['summary']}.",
        team=move.feature.team,
        now=now,
    )


def note_taken(*, now: datetime) -> int:
    """Note the moves whose option runs by now; return how many."""
    noted = 0
    for move in Move.objects.filter(answered_at=None).select_related("feature"):
        wanted = Deployment.objects.filter(
            feature=move.feature,
            is_wanted=True,
            state=State.READY,
            current__option__option_id=move.body["to"]["option"],
            current__created_at__gt=move.made_at,
        )
        if wanted.exists():
            noted += _close(move, TAKEN, SYSTEM, now)
    return noted
