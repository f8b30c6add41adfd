"""Play a feature's load through its deployment, compressed in time: requests really made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import F

from deployments.adapters.invoker import invoker_for
from deployments.adapters.traffic import arrivals_of, shape_of_csv
from deployments.domain.invocation import Answer, Invoker, Outcome, Request, percentiles
from deployments.domain.lifecycle import State
from deployments.domain.thinning import thin
from deployments.models import Deployment, TrafficRun
from deployments.queries.advice import newest_workload, workload_of
from portal import aws
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid, Refusal
from portal.usecases import audit

# Longer than one batch can take: every request of it waits at most 3 x 65 s (portal.aws).
LEASE = timedelta(seconds=240)
BEAT_SECONDS = 2.0
CONCURRENCY = 16
MOST_REQUESTS = 20_000
MOST_LOAD_SECONDS = 7 * 86_400
MOST_SECONDS = 480  # of the player's own time: inside one task's time limit


class OnlyInTheSandbox(Refusal):
    """Playing load on real AWS would spend real money."""

    code = "only-in-the-sandbox"
    status = 409


@transaction.atomic(durable=True)
def start(
    *,
    actor: Actor,
    deployment: Deployment,
    load_seconds: int,
    speed: Decimal,
    max_requests: int,
    seed: int,
    now: datetime,
    trace: bytes | None = None,
) -> TrafficRun:
    """Ask for a play of `load_seconds` of the workload, `speed` times as fast.

    `trace` is a CSV (or CSV.gz) of TIMESTAMP, ContextTokens, GeneratedTokens: its arrivals and
    lengths are followed instead of the pattern's. Above `max_requests` the arrivals are thinned
    evenly and the run says by how much.
    Raises NotAllowed, NotFound, Invalid for a figure out of range, Conflict when the deployment
    is not ready or a run is on, OnlyInTheSandbox on real AWS.
    """
    require(actor, Permission.PLAY_TRAFFIC, team_id=deployment.feature.team_id)
    if not aws.is_sandbox():
        raise OnlyInTheSandbox("Traffic is played in the sandbox only: on AWS it would cost money.")
    _check(load_seconds=load_seconds, speed=speed, max_requests=max_requests)
    shape = None if trace is None else _shape(trace)
    if deployment.state != State.READY:
        raise Conflict(f"{deployment.slug} is {deployment.state}; traffic needs it ready.")
    try:
        with transaction.atomic():
            run = TrafficRun.objects.create(
                deployment=deployment,
                load_seconds=load_seconds,
                speed=speed,
                max_requests=max_requests,
                seed=seed,
                shape=shape,
                created_at=now,
                created_by=actor.name,
            )
    except IntegrityError as reason:
        raise Conflict(f"Traffic is already being played through {deployment.slug}.") from reason
    audit.record(
        actor=actor,
        verb="play-traffic",
        subject=f"deployment:{deployment.slug}",
        sentence=f"{actor.name} played {load_seconds} s of load through {deployment.slug}.",
        team=deployment.feature.team,
        now=now,
    )
    return run


def _shape(trace: bytes) -> dict[str, object]:
    try:
        return shape_of_csv(trace)
    except ValueError as reason:
        raise Invalid("The trace cannot be read.", fields={"trace": str(reason)}) from reason


def _check(*, load_seconds: int, speed: Decimal, max_requests: int) -> None:
    fields = {}
    if not 1 <= load_seconds <= MOST_LOAD_SECONDS:
        fields["load_seconds"] = f"Play between 1 and {MOST_LOAD_SECONDS} seconds of load."
    if not Decimal("0.1") <= speed <= 10_000:
        fields["speed"] = "The speed is between 0.1 and 10,000 times."
    elif load_seconds / speed > MOST_SECONDS:
        fields["speed"] = (
            f"At this speed the run would take {load_seconds / speed:.0f} s; "
            f"at most {MOST_SECONDS} s are played at once. Raise the speed or shorten the load."
        )
    if not 1 <= max_requests <= MOST_REQUESTS:
        fields["max_requests"] = f"Send between 1 and {MOST_REQUESTS} requests."
    if fields:
        raise Invalid("The traffic cannot be played like this.", fields=fields)


@transaction.atomic(durable=True)
def stop(*, actor: Actor, run: TrafficRun) -> None:
    """Ask a run to stop; what was sent stays sent. Raises NotAllowed or NotFound."""
    require(actor, Permission.PLAY_TRAFFIC, team_id=run.deployment.feature.team_id)
    TrafficRun.objects.filter(pk=run.pk, ended_at=None).update(stop_requested=True)


@dataclass(slots=True)
class Tally:
    """Counts of one stretch of play, shared by the sending threads."""

    sent: int = 0
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    latencies_ms: list[int] = field(default_factory=list)
    words: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        with self.lock:
            self.sent += 1
            self.counts[answer.outcome] += 1
            if answer.outcome is Outcome.ANSWERED:
                self.latencies_ms.append(answer.latency_ms)
            else:
                self.words = answer.words


@dataclass(frozen=True, slots=True)
class Planned:
    """One request at its moment, in seconds after the run's start."""

    at_seconds: float
    request: Request


def play(
    *,
    run_id: int,
    clock: Callable[[], datetime],
    find: Callable[..., Invoker] = invoker_for,
) -> TrafficRun | None:
    """Play a run from where it stands until its end; None when another player has it.

    A player that is lost leaves its lease behind; the next one continues with what was not sent.
    """
    run = _claim(run_id, clock())
    if run is None:
        return None
    arrivals, planned = _plan(run)
    TrafficRun.objects.filter(pk=run.pk).update(arrivals=arrivals, planned=len(planned))
    tally = Tally()
    rest = planned[run.sent :]
    before = run
    invoke = _invoker(run.deployment, find) if rest else None
    for batch in _beats(rest, offset=rest[0].at_seconds if rest else 0.0):
        _send(batch, invoke, tally)
        if not _beat(before, tally, clock()):
            break
    return _finish(before, tally, clock())


def _claim(run_id: int, now: datetime) -> TrafficRun | None:
    free = TrafficRun.objects.filter(pk=run_id, ended_at=None, leased_until__lte=now)
    if not free.update(leased_until=now + LEASE, fence=F("fence") + 1):
        return None
    run = TrafficRun.objects.select_related("deployment__feature", "deployment__current").get(
        pk=run_id
    )
    if run.started_at is None:
        run.started_at = now
        run.save(update_fields=["started_at"])
    return run


def _plan(run: TrafficRun) -> tuple[int, list[Planned]]:
    """Return how many requests the load would be, and those that are sent."""
    row = newest_workload(feature=run.deployment.feature)
    if row is None:
        return 0, []
    workload = workload_of(row)
    speed = float(run.speed)
    total, chosen = thin(
        arrivals_of(workload, seconds=run.load_seconds, seed=run.seed, shape=run.shape),
        run.max_requests,
    )
    return total, [
        Planned(at / speed, Request(tokens_in, tokens_out, workload.images_per_request))
        for at, tokens_in, tokens_out in chosen
    ]


def _beats(planned: Sequence[Planned], *, offset: float) -> Iterable[list[Planned]]:
    """Yield the requests whose time has come, no more than are sent at once: a lease a batch."""
    began = time.monotonic()
    start = 0
    while start < len(planned):
        horizon = time.monotonic() - began + offset + BEAT_SECONDS
        end = start
        most = min(len(planned), start + CONCURRENCY)
        while end < most and planned[end].at_seconds <= horizon:
            end += 1
        if end == start:
            time.sleep(min(BEAT_SECONDS, planned[start].at_seconds - horizon + 0.01))
        yield list(planned[start:end])
        start = end


def _invoker(deployment: Deployment, find: Callable[..., Invoker]) -> Invoker | None:
    generation = deployment.current
    if generation is None:
        return None
    rows = generation.resources.all()
    return find(tier=generation.tier, found={row.key: (row.name, row.outputs) for row in rows})


def _send(batch: Sequence[Planned], invoke: Invoker | None, tally: Tally) -> None:
    if not batch or invoke is None:
        return
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        for answer in pool.map(invoke, [planned.request for planned in batch]):
            tally.add(answer)


def _counts(before: TrafficRun, tally: Tally) -> dict[str, object]:
    return {
        "sent": before.sent + tally.sent,
        "answered": before.answered + tally.counts[Outcome.ANSWERED],
        "throttled": before.throttled + tally.counts[Outcome.THROTTLED],
        "failed": before.failed + tally.counts[Outcome.FAILED],
        "latency_ms": dict(percentiles(tally.latencies_ms)) or before.latency_ms,
        "note": tally.words[:500],
    }


def _beat(before: TrafficRun, tally: Tally, now: datetime) -> bool:
    """Write down what was sent so far and hold the lease.

    False when somebody asked to stop, or another player has taken the run over.
    """
    mine = TrafficRun.objects.filter(pk=before.pk, fence=before.fence, ended_at=None)
    mine.update(leased_until=now + LEASE, **_counts(before, tally))
    return mine.filter(stop_requested=False).exists()


def _finish(before: TrafficRun, tally: Tally, now: datetime) -> TrafficRun:
    mine = TrafficRun.objects.filter(pk=before.pk, fence=before.fence, ended_at=None)
    mine.update(ended_at=now, **_counts(before, tally))
    before.refresh_from_db()
    return before


def abandoned(*, now: datetime) -> list[int]:
    """Return the runs whose player was lost, or that no player took yet: to be played on."""
    return list(
        TrafficRun.objects.filter(ended_at=None, leased_until__lte=now).values_list("pk", flat=True)
    )
