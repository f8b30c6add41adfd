"""What a person is told while a deployment is built, served and taken down. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.domain.blueprint.spec import Kind
from deployments.domain.diagnosis import diagnose
from deployments.domain.lifecycle import SETTLED, Phase, State

KIND_NAMES: Mapping[str, str] = {
    Kind.ROLE: "IAM role",
    Kind.LOG_GROUP: "Log group",
    Kind.FUNCTION: "Lambda function",
    Kind.VERSION: "Published version",
    Kind.ALIAS: "Alias that callers use",
    Kind.URL: "Function URL",
    Kind.PROFILE: "Inference profile",
    Kind.THROUGHPUT: "Provisioned model units",
    Kind.MODEL: "SageMaker model",
    Kind.ENDPOINT_CONFIG: "Endpoint configuration",
    Kind.ENDPOINT: "SageMaker endpoint",
    Kind.SCALING_TARGET: "Scaling bounds",
    Kind.SCALING_POLICY: "Scaling policy",
}
_NEXT: Mapping[State, str] = {
    State.PENDING: "A worker takes the first step within seconds; this page follows along.",
    State.CREATING: "Slipway looks at AWS until everything is ready; nothing is needed from you.",
    State.READY: "It serves: call it with the snippet below. Its cost is metered from now on.",
    State.UPDATING: "It keeps serving with what is ready while the change is made.",
    State.RETIRING: "Everything it is made of is being deleted; the money held for it is let go "
    "when all is gone.",
    State.RETIRED: "Nothing is left of it in AWS. What it cost stays in the books.",
    State.FAILED: "Nothing more is tried until you decide: read what AWS said, then retry or "
    "retire it.",
}
# Of phases in motion, what is going on: creating for hours is told by its own words.
_WAITING = frozenset({Phase.PENDING})


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource's row, as far as its step on the page needs it."""

    key: str
    kind: str
    name: str
    needs: Sequence[str]
    phase: Phase
    is_wanted: bool
    detail: str
    code: str
    attempts: int
    wake_at: datetime | None
    ready_at: datetime | None
    gone_at: datetime | None
    seen_at: datetime | None
    began_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline: where a resource stands, AWS's last word, and what it means."""

    key: str
    label: str
    kind: str
    name: str
    state: str
    detail: str
    at: datetime | None
    attempts: int
    next_at: datetime | None
    meaning: str
    todo: str


def what_next(state: State) -> str:
    """Return the sentence about what happens next."""
    return _NEXT[state]


def is_settled(state: State) -> bool:
    """Say whether a deployment stays as it is until somebody acts."""
    return state in SETTLED


def steps(resources: Sequence[Seen]) -> tuple[Step, ...]:
    """Return the timeline of one generation, in the order in which it is built."""
    phases = {each.key: each.phase for each in resources}
    return tuple(_step(each, phases) for each in resources)


def _step(seen: Seen, phases: Mapping[str, Phase]) -> Step:
    is_refused = bool(seen.code) or seen.phase is Phase.FAILED
    diagnosis = diagnose(code=seen.code, words=seen.detail) if is_refused else None
    said = f"{seen.code}: {seen.detail}" if seen.code else seen.detail
    is_moving = seen.phase not in (Phase.READY, Phase.GONE, Phase.FAILED)
    return Step(
        key=seen.key,
        label=KIND_NAMES.get(seen.kind, seen.kind),
        kind=seen.kind,
        name=seen.name,
        state=seen.phase.value,
        detail=said or _waits_for(seen, phases),
        at=_moment(seen),
        attempts=seen.attempts,
        next_at=seen.wake_at if is_moving and seen.attempts else None,
        meaning=diagnosis.meaning if diagnosis else "",
        todo=diagnosis.advice if diagnosis else "",
    )


def _waits_for(seen: Seen, phases: Mapping[str, Phase]) -> str:
    if seen.phase not in _WAITING or not seen.is_wanted:
        return ""
    missing = [key for key in seen.needs if phases.get(key) is not Phase.READY]
    return f"waits for: {', '.join(missing)}" if missing else ""


def _moment(seen: Seen) -> datetime | None:
    match seen.phase:
        case Phase.READY:
            return seen.ready_at or seen.seen_at
        case Phase.GONE:
            return seen.gone_at or seen.seen_at
        case _:
            return seen.began_at


def share_done(resources: Sequence[Seen]) -> int:
    """Return per cent of the way: ready of what is wanted, gone of what is not; 100 for nothing."""
    if not resources:
        return 100
    done = sum(each.phase is (Phase.READY if each.is_wanted else Phase.GONE) for each in resources)
    return 100 * done // len(resources)
