"""Requests as they were logged, and one of them with its whole decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from cascade.models import Attempt, Cascade, PolicyVersion, Trial, Verdict
from portal.access import Actor
from portal.errors import NotFound

ORDER = ("-at", "-pk")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which requests: empty words and None mean any."""

    stage: str = ""
    status: str = ""
    intent: str = ""
    key: str = ""
    policy: int | None = None
    short: bool | None = None
    escalated: bool | None = None
    labelled: bool | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One stage that was tried, with the words and the calls behind it.

    `threshold` is what its answer had to reach, None for the last stage. `alone` is its score
    before earlier answers were heard, None where none was.
    """

    stage: str
    model: str
    score: float | None
    alone: float | None
    threshold: float | None
    failed: str
    findings: tuple[str, ...]
    is_answer: bool
    attempts: tuple[Attempt, ...]
    verdicts: tuple[Verdict, ...]
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Decision:
    """A request with everything that led to its answer.

    `p_right` maps stages to what the router foresaw. `others` are attempts of no tried stage (the
    classifier, shadow calls), `asides` what shadow and sampled judge said of the answer.
    `saved_usd` is the baseline less the cost, below 0 when it cost more.
    """

    trial: Trial
    order: tuple[str, ...]
    reason: str
    p_right: Mapping[str, float]
    highest: str
    looks: tuple[Look, ...]
    others: tuple[Attempt, ...]
    asides: tuple[Mapping[str, Any], ...]
    saved_usd: Decimal
    corrections: tuple[Verdict, ...] = field(default=())


def trials(*, cascade: Cascade, asked: Asked | None = None) -> QuerySet[Trial]:
    """Return a cascade's requests that fit, newest first."""
    asked = asked or Asked()
    found = Trial.objects.filter(cascade=cascade).order_by(*ORDER)
    exact: dict[str, Any] = {
        "stage": asked.stage,
        "status": asked.status,
        "intent": asked.intent,
        "key": asked.key,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if asked.policy is not None:
        found = found.filter(policy=asked.policy)
    if asked.short is not None:
        found = found.filter(status="short") if asked.short else found.exclude(status="short")
    if asked.escalated is not None:
        found = found.filter(**{"escalations__gt" if asked.escalated else "escalations": 0})
    if asked.labelled is not None:
        found = found.filter(_labelled() if asked.labelled else ~_labelled())
    return found


def _labelled() -> Exists:
    return Exists(Verdict.objects.filter(trial=OuterRef("pk"), source="human"))


def trial_for(*, actor: Actor, uuid: UUID) -> Trial:
    """Return a request the actor may see. Raises NotFound."""
    found = Trial.objects.filter(uuid=uuid).select_related("cascade__feature__team")
    if not actor.sees_everything:
        found = found.filter(cascade__feature__team_id__in=list(actor.team_roles))
    row = found.first()
    if row is None:
        raise NotFound(f"There is no request {uuid} that you can see.")
    return row


def decision(*, trial: Trial) -> Decision:
    """Return a request with its whole decision: three queries."""
    attempts = list(Attempt.objects.filter(trial_uuid=trial.uuid).order_by("number", "at", "pk"))
    verdicts = list(Verdict.objects.filter(trial=trial).select_related("replaced_by"))
    policy = PolicyVersion.objects.filter(cascade=trial.cascade_id, number=trial.policy).first()
    stages = {each["name"]: each for each in policy.body["stages"]} if policy else {}
    names = list(stages)
    looks = tuple(
        _look(each, trial, stages, names, attempts, verdicts)
        for each in trial.tried
        if each.get("stage")
    )
    shown = {attempt.pk for look in looks for attempt in look.attempts}
    foreseen = trial.plan.get("p_right") or []
    return Decision(
        trial=trial,
        order=tuple(trial.plan.get("order", ())),
        reason=str(trial.plan.get("reason", "")),
        p_right=dict(zip(names, foreseen, strict=False)),
        highest=str(trial.plan.get("highest", "")),
        looks=looks,
        others=tuple(each for each in attempts if each.pk not in shown),
        asides=tuple(each for each in trial.tried if not each.get("stage")),
        saved_usd=trial.baseline_usd - trial.usd,
        corrections=tuple(each for each in verdicts if hasattr(each, "replaced_by")),
    )


def _look(
    tried: Mapping[str, Any],
    trial: Trial,
    stages: Mapping[str, Any],
    names: list[str],
    attempts: list[Attempt],
    verdicts: list[Verdict],
) -> Look:
    name = str(tried["stage"])
    stage = stages.get(name)
    own = tuple(
        each
        for each in attempts
        if each.stage == name and each.role in ("stage", "partner", "judge")
    )
    is_last = bool(names) and names[-1] == name
    return Look(
        stage=name,
        model=stage["target"]["model"] if stage else next((each.model for each in own), ""),
        score=tried.get("score"),
        alone=tried.get("alone"),
        threshold=stage["threshold"] if stage and not is_last else None,
        failed=str(tried.get("failed") or ""),
        findings=tuple(_words(each) for each in tried.get("findings") or ()),
        is_answer=name == trial.stage,
        attempts=own,
        verdicts=tuple(
            each for each in verdicts if each.stage == name and not hasattr(each, "replaced_by")
        ),
        usd=sum((each.usd for each in own), Decimal(0)),
    )


def _words(finding: Any) -> str:
    """Return a finding in words, whether it came as a text or as rule and words."""
    if isinstance(finding, Mapping):
        return str(finding.get("words") or finding.get("rule") or finding)
    return str(finding)


def to_review(*, cascade: Cascade, now: datetime, most: int = 50) -> tuple[Trial, ...]:
    """Return which requests to label next: accepted cheap answers nobody judged.

    Half of them are those that passed their threshold most narrowly. Half are drawn at random, so
    that labels are not only of doubtful answers: first those drawn for shadow calls, of which every
    stage's answer is known and a calibration learns most, then by their ids. Among the newest
    thousand only.
    """
    policy = PolicyVersion.objects.filter(cascade=cascade).order_by("-number").first()
    last = policy.body["stages"][-1]["name"] if policy else ""
    rows = (
        Trial.objects.filter(cascade=cascade, status="answered", at__lte=now)
        .exclude(stage=last)
        .exclude(prompt="")
        .filter(~_labelled())
        .select_related("cascade")
        .order_by(*ORDER)[:1000]
    )
    found = list(rows)
    drawn = sorted(found, key=lambda row: (not _is_shadowed(row), row.uuid.int))[: most // 2]
    taken = {row.pk for row in drawn}
    near = sorted((row for row in found if row.pk not in taken), key=_margin)
    queue = near[: most - len(drawn)]
    mixed = [row for pair in zip(queue, drawn, strict=False) for row in pair]
    return tuple(mixed + queue[len(drawn) :] + drawn[len(queue) :])


def _is_shadowed(row: Trial) -> bool:
    return any(each.get("shadow") for each in row.tried)


def _margin(row: Trial) -> float:
    """Return the score of the accepted answer: the lowest ones are the most doubtful."""
    tried = (each for each in row.tried if each.get("stage") == row.stage)
    score = next((each.get("score") for each in tried), None)
    return 1.0 if score is None else float(score)
