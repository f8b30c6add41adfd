"""Trials as replays, calibrations and training read them: out of the log, or out of a file."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome
from cascade.domain.trial import Trial as Sample
from cascade.domain.uploads import own, reading
from cascade.models import Attempt, Cascade, PolicyVersion, Trial, Upload, Verdict

Samples = Iterable[Sample]
BATCH = 2_000
MOST_LOGGED = 200_000
# Whose word counts when several have judged one answer: the first that spoke.
SOURCES = ("human", "judge", "shadow")


def logged_count(*, cascade: Cascade, now: datetime, days: int) -> int:
    """Return how many requests were logged in the last days, at most what is read of them."""
    found = _logged(cascade, now, days).values("pk")[:MOST_LOGGED]
    return found.count()


def logged(*, cascade: Cascade, now: datetime, days: int) -> Iterator[Sample]:
    """Yield the requests of the last days, newest first: three queries for each two thousand."""
    shares = _shadow_shares(cascade)
    rows = _logged(cascade, now, days).order_by("-at", "-pk")[:MOST_LOGGED]
    batch: list[Trial] = []
    for row in rows.iterator(chunk_size=BATCH):
        batch.append(row)
        if len(batch) == BATCH:
            yield from _samples(batch, shares)
            batch = []
    yield from _samples(batch, shares)


def lines(*, cascade: Cascade, now: datetime, days: int) -> Iterator[str]:
    """Yield the requests of the last days as lines of JSON, as uploads are read."""
    return own.as_jsonl(logged(cascade=cascade, now=now, days=days))


def uploaded(*, upload: Upload) -> tuple[Sample, ...]:
    """Return the trials of a kept file."""
    return reading.read(io.BytesIO(bytes(upload.body))).trials


def _logged(cascade: Cascade, now: datetime, days: int) -> Any:
    since = now - timedelta(days=days)
    answered = Trial.objects.filter(cascade=cascade, at__gt=since, at__lte=now)
    return answered.filter(status__in=("answered", "short"))


def _shadow_shares(cascade: Cascade) -> Mapping[int, float]:
    rows = PolicyVersion.objects.filter(cascade=cascade).values_list("number", "body")
    return {number: float(body["shadow_share"]) for number, body in rows}


def _samples(rows: Sequence[Trial], shares: Mapping[int, float]) -> Iterator[Sample]:
    if not rows:
        return
    attempts: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(
        trial_uuid__in=[row.uuid for row in rows], role__in=("stage", "shadow", "partner")
    ).order_by("at", "pk"):
        attempts[attempt.trial_uuid].append(attempt)
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    for verdict in Verdict.objects.filter(trial__in=rows, replaced_by=None).order_by("at", "pk"):
        verdicts[verdict.trial_id].append(verdict)
    for row in rows:
        yield sample_of(row, attempts[row.uuid], verdicts[row.pk], shares.get(row.policy, 0.0))


def sample_of(
    row: Trial, attempts: Iterable[Attempt], verdicts: Sequence[Verdict], shadow_share: float
) -> Sample:
    """Return a logged request as a trial, each model with its tokens, score and verdicts.

    A request that was drawn for shadow calls stands for as many as its chance says.
    """
    attempts = list(attempts)
    models = {each.stage: each.model for each in attempts if each.role != "partner"}
    outcomes: dict[str, Outcome] = {}
    is_drawn = any(each.get("shadow") for each in row.tried)
    for attempt in attempts:
        is_drawn = is_drawn or (attempt.role == "shadow" and attempt.outcome == "answered")
        outcomes[attempt.model] = _outcome(row, attempt, models, verdicts)
    weight = 1 / shadow_share if is_drawn and shadow_share > 0 else 1.0
    return Sample(
        trial_id=str(row.uuid),
        prompt=row.prompt,
        outcomes=outcomes,
        intent=row.intent,
        weight=weight,
        at=row.at,
    )


def _outcome(
    row: Trial, attempt: Attempt, models: Mapping[str, str], verdicts: Sequence[Verdict]
) -> Outcome:
    tried = _look(row, attempt.stage) if attempt.role == "stage" else {}
    told = _beside(row, attempt.stage) or {}
    score = (told if attempt.role == "shadow" else tried).get("score")
    alone = tried.get("alone")
    return Outcome(
        quality=_quality(row, attempt, verdicts),
        tokens=Tokens(
            input=attempt.input_tokens,
            output=attempt.output_tokens,
            cached=attempt.cached_tokens,
        ),
        latency_s=attempt.latency_ms / 1000,
        text=_text(row, attempt),
        score=float(score) if score is not None else None,
        failed="" if attempt.outcome == "answered" else attempt.trouble or attempt.outcome,
        alone=alone,
        heard=() if alone is None else tuple(_likeness(tried, models)),
        like={}
        if attempt.role == "partner"
        else _likeness(told, models) | _likeness(tried, models),
    )


def _likeness(look: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Agreement]:
    """Return by model how alike an answer is to others, as far as those were asked as stages."""
    return {
        models[stage]: Agreement(Kind(kind), float(degree))
        for stage, (degree, kind) in look.get("like", {}).items()
        if stage in models
    }


def _text(row: Trial, attempt: Attempt) -> str:
    """Return what was answered, as far as it was kept: the answer given, and shadow calls'."""
    if attempt.role == "stage" and attempt.stage == row.stage:
        return row.answer
    if attempt.role != "shadow":
        return ""
    told = _beside(row, attempt.stage)
    if told is not None:
        return str(told.get("said", ""))
    kept = (str(each.get("answer", "")) for each in row.tried if each.get("shadow"))
    return next((text for text in kept if text), "")


def _quality(row: Trial, attempt: Attempt, verdicts: Sequence[Verdict]) -> float | None:
    """Return how good an answer was: by verdicts, else by the sampled judge, else by the strongest.

    Where a request was drawn for shadow calls, the strongest stage's answer counts as right and
    another as right as far as both agree: too strict where two right answers differ in words.
    """
    if attempt.role == "partner":
        return None
    said = quality_of(verdicts, attempt.stage)
    if said is not None:
        return said
    if attempt.role == "stage":
        judged = next((each for each in row.tried if each.get("judged") == attempt.stage), None)
        if judged is not None:
            return float(judged["score"])
    told = _beside(row, attempt.stage)
    if told is not None:
        return float(told["agreement"])
    is_strongest = any(each.get("shadow") == attempt.stage for each in row.tried)
    return 1.0 if is_strongest else None


def _look(row: Trial, stage: str) -> Mapping[str, Any]:
    """Return what was found of an answer on the way; empty when the stage was not tried."""
    return next((each for each in reversed(row.tried) if each.get("stage") == stage), {})


def _beside(row: Trial, stage: str) -> Mapping[str, Any] | None:
    """Return what was found when a stage's answer was laid beside the strongest's."""
    return next((each for each in row.tried if each.get("shadow") and each["of"] == stage), None)


def quality_of(verdicts: Iterable[Verdict], stage: str) -> float | None:
    """Return the verdict on a stage: the mean of the most trusted who spoke; None when nobody."""
    found = [each for each in verdicts if each.stage == stage]
    for source in SOURCES:
        said = [each.quality for each in found if each.source == source]
        if said:
            return fmean(said)
    return None
