"""Write down what a step saw and did, in one transaction, by fence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from deployments.domain.diagnosis import diagnose
from deployments.domain.lifecycle import Phase, Step, backoff_seconds, phase_after
from deployments.domain.meters import ended, is_changing
from deployments.domain.target import Transient
from deployments.models import Deployment, Event, Resource
from deployments.reconciler import spans, standing
from deployments.reconciler.claims import Held, give_back
from deployments.reconciler.looks import Look

# How many polls an absence of something just made must last before it is believed.
DOUBTFUL_POLLS = 4
ZERO = Decimal(0)
# Codes of our own, beside AWS's: what exists failed there, or is not ours.
FAILED_IN_AWS = "failed"
FOREIGN = "foreign"
_WORDS = {
    Phase.PENDING: "waits for what it needs",
    Phase.CREATING: "is being made",
    Phase.READY: "is ready",
    Phase.UPDATING: "is being changed",
    Phase.DELETING: "is being taken down",
    Phase.GONE: "is gone",
    Phase.FAILED: "has failed",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The step taken, and the resources that are due at once because of it."""

    step: Step
    due: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look comes to: phase and words for the row, and when to look again."""

    phase: Phase
    code: str
    words: str
    attempts: int
    wake_at: datetime | None


def settle(*, held: Held, look: Look, now: datetime) -> Outcome:
    """Record the look: row, spans, events, neighbours, deployment. Nothing when the lease is lost.

    Returns what is due at once.
    """
    with transaction.atomic():
        deployment = (
            Deployment.objects.select_for_update(of=("self",))
            .select_related("feature__team")
            .get(pk=held.resource.generation.deployment_id)
        )
        finding = _finding(held, look, now)
        if not give_back(
            held=held, now=now, wake_at=finding.wake_at, **_fields(held, look, finding, now)
        ):
            return Outcome(look.step)
        _pay(held.resource, look, finding, now)
        _tell(deployment, held, look, finding, now)
        _wake_neighbours(held.resource, finding.phase, now)
        standing.derive(deployment=deployment, now=now)
        due = Resource.objects.due(now).filter(generation__deployment=deployment)
        return Outcome(look.step, tuple(due.values_list("pk", flat=True)))


def _finding(held: Held, look: Look, now: datetime) -> Finding:
    if isinstance(look.refusal, Transient):
        return _not_now(held, look, now)
    if look.refusal is not None:
        return _never_like_this(held, look, now)
    phase = phase_after(look.record, look.step, look.observed)
    words = look.observed.detail or look.observed.foreign if look.observed else ""
    code = ""
    if look.step is Step.GIVE_UP and look.observed:
        code = FOREIGN if look.observed.foreign else FAILED_IN_AWS
    return Finding(phase, code, words, 0, _next_look(held, look, phase, now))


def _not_now(held: Held, look: Look, now: datetime) -> Finding:
    attempts = held.resource.attempts + 1
    pause = backoff_seconds(
        attempts=attempts, base_seconds=settings.POLL_SECONDS, seed=held.resource.name
    )
    return Finding(
        phase=_phase_of_attempt(look),
        code=look.refusal.code if look.refusal else "",
        words=str(look.refusal),
        attempts=attempts,
        wake_at=now + timedelta(seconds=pause),
    )


def _never_like_this(held: Held, look: Look, now: datetime) -> Finding:
    """A wish that is refused ends here; taking something down never gives up."""
    patience = timedelta(seconds=10 * settings.RESYNC_SECONDS)
    is_wanted = look.record.is_wanted
    is_watched = not is_wanted or not look.has_seen or spans.is_paid(resource=held.resource)
    return Finding(
        phase=Phase.FAILED if is_wanted else Phase.DELETING,
        code=look.refusal.code if look.refusal else "",
        words=str(look.refusal),
        attempts=held.resource.attempts + 1,
        wake_at=now + patience if is_watched else None,
    )


def _phase_of_attempt(look: Look) -> Phase:
    """Return the phase after an answer was lost: the effect may have happened."""
    match look.step:
        case Step.CREATE:
            return Phase.CREATING
        case Step.DELETE:
            return Phase.DELETING
    return look.record.phase


def _next_look(held: Held, look: Look, phase: Phase, now: datetime) -> datetime | None:
    poll, resync = settings.POLL_SECONDS, settings.RESYNC_SECONDS
    match look.step:
        case Step.FORGET:
            return None
        case Step.GIVE_UP:
            is_paid = look.observed is not None and look.observed.capacity > 0
            return now + timedelta(seconds=resync) if is_paid else None
        case Step.WAIT if look.observed is None and look.has_seen:
            return now + timedelta(seconds=poll * DOUBTFUL_POLLS)
        case Step.CREATE if look.observed is not None and look.observed.differs:
            return now
        case Step.HOLD:
            return now + timedelta(seconds=resync)
    if phase is Phase.GONE:
        return None
    return now + timedelta(seconds=resync if phase is Phase.READY else poll)


def _fields(held: Held, look: Look, finding: Finding, now: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "phase": finding.phase,
        "code": finding.code[:80],
        "detail": finding.words,
        "attempts": finding.attempts,
    }
    if look.has_seen:
        fields["absences"] = held.resource.absences + 1 if look.observed is None else 0
    if look.step is Step.CREATE or finding.phase is Phase.GONE:
        fields["absences"] = 0
    if look.observed is not None and not look.observed.foreign:
        fields["seen_at"] = now
        fields["outputs"] = {**held.resource.outputs, **look.observed.outputs}
    if finding.phase is Phase.READY and is_changing(held.resource.past_specs):
        fields["past_specs"] = ended(held.resource.past_specs, now=now)
    if finding.phase is Phase.READY and held.resource.ready_at is None:
        fields["ready_at"] = now
    if finding.phase is Phase.GONE:
        fields["gone_at"] = now
    return fields


def _pay(resource: Resource, look: Look, finding: Finding, now: datetime) -> None:
    """Follow what costs money; an absence that is not believed yet changes nothing."""
    if finding.phase is Phase.GONE:
        spans.follow(resource=resource, capacity=ZERO, now=now)
    elif look.has_seen and look.observed is not None and not look.observed.foreign:
        spans.follow(resource=resource, capacity=look.observed.capacity, now=now)


def _tell(deployment: Deployment, held: Held, look: Look, finding: Finding, now: datetime) -> None:
    before = held.resource
    is_news = (before.phase, before.code, before.detail) != (
        finding.phase,
        finding.code,
        finding.words,
    )
    if not is_news or (finding.phase == before.phase and not finding.words):
        return
    meaning, advice = f"{before.name} {_WORDS[finding.phase]}.", ""
    if finding.code:
        found = diagnose(code=finding.code, words=finding.words)
        meaning, advice = found.meaning, found.advice
    Event.objects.create(
        deployment=deployment,
        generation_id=before.generation_id,
        resource=before,
        at=now,
        kind="refused" if look.refusal is not None else finding.phase.value,
        words=finding.words,
        meaning=meaning,
        advice=advice,
    )


def _wake_neighbours(resource: Resource, phase: Phase, now: datetime) -> None:
    """Wake who waited for this resource to come, or to go."""
    if phase == resource.phase:
        return
    siblings = Resource.objects.filter(generation_id=resource.generation_id).exclude(
        phase=Phase.GONE
    )
    if phase is Phase.READY:
        siblings.filter(needs__contains=[resource.key], phase=Phase.PENDING).update(wake_at=now)
    elif phase is Phase.GONE:
        siblings.filter(key__in=resource.needs, is_wanted=False).update(wake_at=now)
