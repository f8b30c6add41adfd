"""Run a probe: each request is written down before it is sent, and paid for once, whoever dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max

from billing.domain import skus
from billing.domain.usage import Usage, hour_of
from billing.usecases import reservations
from billing.usecases.metering import record_usage
from deployments.adapters import prober
from deployments.domain.lifecycle import Environment
from deployments.domain.options import Tier
from deployments.domain.probing import (
    FREE,
    Ask,
    Heard,
    Outcome,
    Prober,
    Tariff,
    figures,
    figures_to_json,
    most_input,
)
from deployments.models import NEVER_LEASED, Probe, ProbeRequest
from deployments.queries import probes as queries
from deployments.usecases.probes import deployment_name

# Longer than one request can take: 65 s to its first byte (portal.aws), 120 s in all, and slack.
LEASE = timedelta(seconds=240)
# What takes longer lets others work and is run on after them.
STRETCH = timedelta(seconds=60)
# So many in a row without an answer say that more would measure nothing.
MOST_SILENT = 8
LONGEST_PAUSE_SECONDS = 16.0
WORKER_LOST = "The worker was lost before it heard the answer."
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A run held by one worker: the row as it was claimed, what it calls, what that costs."""

    probe: Probe
    invoke_id: str
    tariff: Tariff
    each_usd: Decimal


def run(
    *,
    probe_id: int,
    clock: Callable[[], datetime],
    send: Prober = prober.prober,
    pause: Callable[[float], None] = time.sleep,
) -> Probe | None:
    """Send a probe's requests one after another until its end; None when another worker has it.

    A long run is left in the middle, without an end, for others to be served between.
    A worker that is lost leaves its lease behind: the next one counts what it sent as paid and
    sends only the rest.
    """
    held = _claim(probe_id, clock())
    if held is None:
        return None
    silent, until = 0, clock() + STRETCH
    while silent < MOST_SILENT:
        if clock() > until:
            return _let_go(held)
        request = _announce(held, clock())
        if request is None:
            break
        heard = send(_ask(held, request))
        _hear(held, request, heard, clock())
        silent = 0 if heard.outcome is Outcome.ANSWERED else silent + 1
        if heard.outcome is Outcome.THROTTLED and silent < MOST_SILENT:
            pause(min(LONGEST_PAUSE_SECONDS, 2.0 ** (silent - 1)))
    return _finish(held, clock())


@transaction.atomic(durable=True)
def _claim(probe_id: int, now: datetime) -> Held | None:
    free = Probe.objects.filter(pk=probe_id, ended_at=None, leased_until__lte=now)
    if not free.update(leased_until=now + LEASE, fence=F("fence") + 1):
        return None
    probe = Probe.objects.select_for_update().get(pk=probe_id)
    if probe.started_at is None:
        probe.started_at = now
        probe.save(update_fields=["started_at"])
    held = _held(probe, now)
    if held is None:
        _end(probe, now, "Its model or its price is not known here any more.")
        return None
    for request in probe.asked.filter(outcome=""):
        _settle(held, request, Heard(Outcome.LOST, words=WORKER_LOST), now)
    return held


def _held(probe: Probe, now: datetime) -> Held | None:
    keys = {(way.model.model_id, way.route.route): way for way in queries.ways()}
    way = keys.get((probe.model, probe.route))
    tariff = queries.tariff(model=probe.model, route=probe.route, now=now)
    if way is None or tariff is None:
        return None
    each = tariff.most_usd(input_tokens=probe.input_tokens, output_tokens=probe.output_tokens)
    return Held(probe, way.route.invoke_id, tariff, each)


def _mine(held: Held) -> Probe | None:
    """Lock the row if it is still this worker's."""
    mine = Probe.objects.select_for_update().filter(
        pk=held.probe.pk, fence=held.probe.fence, ended_at=None
    )
    return mine.first()


@transaction.atomic(durable=True)
def _announce(held: Held, now: datetime) -> ProbeRequest | None:
    """Write down the next request and count the most it can cost; None when there is none."""
    probe = _mine(held)
    if probe is None or probe.stop_requested or probe.sent >= probe.requests:
        return None
    worst = _worst_usd(held)
    if probe.spent_usd + worst > probe.most_usd:
        return None
    Probe.objects.filter(pk=probe.pk).update(
        sent=F("sent") + 1, spent_usd=F("spent_usd") + worst, leased_until=now + LEASE
    )
    return ProbeRequest.objects.create(probe=probe, number=probe.sent + 1, sent_at=now, usd=worst)


def _worst_usd(held: Held) -> Decimal:
    """Return the most the next request can cost: what was reckoned, or the dearest so far."""
    dearest = held.probe.asked.aggregate(usd=Max("usd"))["usd"]
    return max(held.each_usd, dearest or held.each_usd)


def _ask(held: Held, request: ProbeRequest) -> Ask:
    probe = held.probe
    # Two probes, and two requests of one, never send the same text: no cache answers for a model.
    number = probe.pk * 10_000 + request.number
    return Ask(held.invoke_id, probe.input_tokens, probe.output_tokens, number)


@transaction.atomic(durable=True)
def _hear(held: Held, request: ProbeRequest, heard: Heard, now: datetime) -> None:
    """Keep what was heard, unless the request was counted as lost meanwhile."""
    Probe.objects.select_for_update().get(pk=held.probe.pk)
    _settle(held, request, heard, now)


def _settle(held: Held, request: ProbeRequest, heard: Heard, now: datetime) -> None:
    """Count one outcome, once: the request's row, the probe's sums and the ledger together."""
    used = _used(held, heard)
    usd = held.tariff.usd(**used)
    kept = ProbeRequest.objects.filter(pk=request.pk, outcome="").update(
        heard_at=now,
        usd=usd,
        **asdict(heard) | dict(used) | {"words": heard.words[:500]},
    )
    if not kept:
        return
    Probe.objects.filter(pk=held.probe.pk).update(
        spent_usd=F("spent_usd") - request.usd + usd,
        **{heard.outcome.value: F(heard.outcome.value) + 1},
    )
    record_usage(usage=_usage(held, request, used, now), read_to={}, now=now)


def _used(held: Held, heard: Heard) -> Mapping[str, int]:
    """Return the tokens that are paid: what was lost counts as much as it can have cost."""
    if heard.outcome in FREE:
        return {"input_tokens": 0, "output_tokens": 0}
    if heard.outcome is Outcome.LOST:
        probe = held.probe
        return {
            "input_tokens": most_input(probe.input_tokens),
            "output_tokens": probe.output_tokens,
        }
    return {"input_tokens": heard.input_tokens, "output_tokens": heard.output_tokens}


def _usage(
    held: Held, request: ProbeRequest, used: Mapping[str, int], now: datetime
) -> list[Usage]:
    """Return what goes into the ledger, in the hour in which it was sent."""
    probe, start = held.probe, request.sent_at
    end = min(max(now, start + MICROSECOND), hour_of(start) + timedelta(hours=1))
    return [
        Usage(
            uid=f"probe:{probe.pk}:{request.number}:{direction}",
            feature_id=probe.feature_id,
            deployment=deployment_name(probe.pk),
            environment=Environment.EXPERIMENT.value,
            tier=Tier.BEDROCK_ON_DEMAND.value,
            model=probe.model,
            resource=deployment_name(probe.pk),
            sku=skus.bedrock_tokens(model=probe.model, route=probe.route, direction=direction),
            quantity=Decimal(used[f"{direction}_tokens"]),
            unit="token",
            started_at=start,
            ended_at=end,
        )
        for direction in ("input", "output")
        if used[f"{direction}_tokens"]
    ]


@transaction.atomic(durable=True)
def _let_go(held: Held) -> Probe | None:
    """Leave the rest to whoever takes it up next; None when another has it already."""
    mine = Probe.objects.filter(pk=held.probe.pk, fence=held.probe.fence, ended_at=None)
    if not mine.update(leased_until=NEVER_LEASED):
        return None
    held.probe.refresh_from_db()
    return held.probe


@transaction.atomic(durable=True)
def _finish(held: Held, now: datetime) -> Probe | None:
    """End the run if it is still this worker's; None when another took it over."""
    probe = _mine(held)
    return None if probe is None else _end(probe, now, _why(held, probe))


def _why(held: Held, probe: Probe) -> str:
    """Say why it ended, and what was in the way."""
    said = []
    if probe.sent >= probe.requests:
        said.append("All requests were sent.")
    elif probe.stop_requested:
        said.append(f"Stopped after {probe.sent} of {probe.requests} requests.")
    elif probe.spent_usd + _worst_usd(held) > probe.most_usd:
        said.append(f"Ended after {probe.sent} requests: the next could pass the cap.")
    else:
        said.append(f"Given up after {MOST_SILENT} requests in a row without an answer.")
    if probe.lost:
        said.append(
            f"Lost answers: {probe.lost}; each is counted, and booked, at the most it can have "
            "cost."
        )
    words = probe.asked.exclude(words="").order_by("-number").values_list("words", flat=True)
    if last := words.first():
        said.append(f"The last word of AWS: {last}")
    return " ".join(said)


def _end(probe: Probe, now: datetime, note: str) -> Probe:
    heard = [
        Heard(
            outcome=Outcome(row.outcome),
            first_token_ms=row.first_token_ms,
            answer_ms=row.answer_ms,
            tokens_per_s=row.tokens_per_s,
        )
        for row in probe.asked.exclude(outcome="")
    ]
    found = figures(heard)
    probe.ended_at, probe.note = now, note
    probe.measured = figures_to_json(found) if found else {}
    probe.save(update_fields=["ended_at", "note", "measured"])
    reservations.release(deployment=deployment_name(probe.pk), now=now)
    return probe


def abandoned(*, now: datetime) -> list[int]:
    """Return the probes whose worker was lost, or that no worker took yet: to be run on."""
    return list(
        Probe.objects.filter(ended_at=None, leased_until__lte=now)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
