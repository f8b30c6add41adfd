"""What a batch of attempts and requests adds to the hours and months of its cascades. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing.domain.usage import hour_of
from cascade.domain.booking import EPOCH
from cascade.domain.events import Attempt, Trial
from cascade.domain.latencies import bucket

# cascade, hour, policy, role, stage, model
StageKey = tuple[int, datetime, int, str, str, str]
# cascade, hour, policy
HourKey = tuple[int, datetime, int]


@dataclass(slots=True)
class StageSums:
    """What is added to one stage's hour; money in pico-dollars."""

    attempts: int = 0
    failed: int = 0
    answered: int = 0
    rejected: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    pico: int = 0
    micro: int = 0
    saved_pico: int = 0


@dataclass(slots=True)
class HourSums:
    """What is added to one cascade's hour; `statuses` counts requests by how they ended."""

    requests: int = 0
    streamed: int = 0
    escalated: int = 0
    pico: int = 0
    shadow_pico: int = 0
    baseline_pico: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    latency: Counter[str] = field(default_factory=Counter)
    first_token: Counter[str] = field(default_factory=Counter)


def hour_of_us(at_us: int) -> datetime:
    """Return the start of the hour (UTC) of microseconds since 1970."""
    return hour_of(EPOCH + timedelta(microseconds=at_us))


def by_stage(
    attempts: Iterable[Attempt],
    trials: Iterable[Trial],
    *,
    model_of: Callable[[int, int, str], str],
) -> dict[StageKey, StageSums]:
    """Return what stages' hours grow by; `model_of` names a stage's model by cascade and policy."""
    sums: dict[StageKey, StageSums] = defaultdict(StageSums)
    for each in attempts:
        hour = hour_of_us(each.at_us)
        _add_attempt(sums[each.cascade, hour, each.policy, each.role, each.stage, each.model], each)
    for trial in trials:
        _add_trial(sums, trial, model_of)
    return sums


def _add_attempt(held: StageSums, attempt: Attempt) -> None:
    held.attempts += 1
    held.failed += attempt.outcome != "answered"
    held.input_tokens += attempt.tokens.input
    held.output_tokens += attempt.tokens.output
    held.cached_tokens += attempt.tokens.cached
    held.pico += attempt.pico
    held.micro += attempt.micro


def _add_trial(
    sums: dict[StageKey, StageSums], trial: Trial, model_of: Callable[[int, int, str], str]
) -> None:
    hour = hour_of_us(trial.at_us)

    def place(stage: str) -> StageSums:
        model = model_of(trial.cascade, trial.policy, stage)
        return sums[trial.cascade, hour, trial.policy, "stage", stage, model]

    if trial.stage and trial.status in ("answered", "short"):
        held = place(trial.stage)
        held.answered += 1
        held.saved_pico += trial.baseline_pico - trial.pico
    for tried in trial.tried:
        stage = str(tried.get("stage", ""))[:40]
        if stage and stage != trial.stage and not tried.get("failed"):
            place(stage).rejected += 1


def by_hour(trials: Iterable[Trial]) -> dict[HourKey, HourSums]:
    """Return what cascades' hours grow by."""
    sums: dict[HourKey, HourSums] = defaultdict(HourSums)
    for trial in trials:
        held = sums[trial.cascade, hour_of_us(trial.at_us), trial.policy]
        held.requests += 1
        held.statuses[trial.status] += 1
        held.streamed += trial.is_streamed
        held.escalated += trial.escalations > 0
        held.pico += trial.pico
        held.shadow_pico += trial.shadow_pico
        held.baseline_pico += trial.baseline_pico
        held.latency[bucket(trial.latency_ms)] += 1
        if trial.first_token_ms is not None:
            held.first_token[bucket(trial.first_token_ms)] += 1
    return sums


def by_scope(attempts: Iterable[Attempt]) -> dict[tuple[str, str], int]:
    """Return the micro-dollars by month and scope: what the counters were charged."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for attempt in attempts:
        for name in attempt.scopes:
            sums[attempt.month, name] += attempt.micro
    return sums
