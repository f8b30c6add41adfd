"""The state machine on one page: what to do next, and where a deployment stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any


class Phase(StrEnum):
    """Where a resource stands."""

    PENDING = "pending"
    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    DELETING = "deleting"
    GONE = "gone"
    FAILED = "failed"


class State(StrEnum):
    """Where a deployment stands, as a person would say it; derived from its resources."""

    PENDING = "pending"
    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    RETIRING = "retiring"
    RETIRED = "retired"
    FAILED = "failed"


class Environment(StrEnum):
    """Where a deployment serves."""

    EXPERIMENT = "experiment"
    STAGING = "staging"
    PRODUCTION = "production"


class Step(StrEnum):
    """What the reconciler does about a resource in one go."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"  # AWS is at work, or an absence is not yet believed
    HOLD = "hold"  # another resource must come, or go, first
    REST = "rest"
    GIVE_UP = "give-up"
    FORGET = "forget"  # it is gone, as wanted


IN_MOTION = frozenset({Phase.CREATING, Phase.UPDATING, Phase.DELETING})
SETTLED = frozenset({State.READY, State.RETIRED, State.FAILED})
# An absence is believed at once only where nothing was made, or where we took it down ourselves.
_MAY_BE_ABSENT = frozenset({Phase.PENDING, Phase.DELETING, Phase.GONE})
LOOKS_TO_BELIEVE = 2


@dataclass(frozen=True, slots=True)
class Observed:
    """What AWS shows of a resource.

    `differs`: it is not as specified, and AWS can change it. `foreign`: the sentence that says why
    it is not ours, empty when it is. `capacity` counts instances or model units in service.
    """

    phase: Phase
    outputs: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    differs: bool = False
    foreign: str = ""
    capacity: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Record:
    """What our own row says of a resource.

    `may_begin`: all it needs is ready. `may_end`: nothing that needs it is left. `absences` counts
    the looks before this one, in a row, that found nothing.
    """

    phase: Phase
    is_wanted: bool
    may_begin: bool = True
    may_end: bool = True
    absences: int = 0


def next_step(record: Record, observed: Observed | None) -> Step:
    """Return the one step that brings a resource nearer to what is wanted.

    None means looked and found nothing, never 'could not look'.
    """
    if observed is None:
        return _when_absent(record)
    if observed.foreign:
        return Step.GIVE_UP if record.is_wanted else Step.FORGET
    if observed.phase in IN_MOTION:
        return Step.WAIT
    if not record.is_wanted:
        return Step.DELETE if record.may_end else Step.HOLD
    if observed.phase is Phase.FAILED:
        return Step.GIVE_UP
    return Step.UPDATE if observed.differs else Step.REST


def _when_absent(record: Record) -> Step:
    is_believed = record.phase in _MAY_BE_ABSENT or record.absences + 1 >= LOOKS_TO_BELIEVE
    if not is_believed:
        return Step.WAIT
    if not record.is_wanted:
        return Step.FORGET
    return Step.CREATE if record.may_begin else Step.HOLD


def phase_after(record: Record, step: Step, observed: Observed | None) -> Phase:
    """Return the phase to write down after a step and the look that followed it."""
    match step:
        case Step.FORGET:
            return Phase.GONE
        case Step.GIVE_UP:
            return Phase.FAILED
        case Step.CREATE if observed is None:
            return Phase.CREATING
        case Step.DELETE:
            return Phase.GONE if observed is None else Phase.DELETING
    if observed is None:
        return record.phase
    if observed.phase is Phase.READY and observed.differs and record.is_wanted:
        # A role without its policy is not ready for those that wait for it.
        was_ready = record.phase in (Phase.READY, Phase.UPDATING)
        return Phase.UPDATING if was_ready else Phase.CREATING
    return observed.phase


def state_of_generation(phases: Sequence[Phase], *, is_wanted: bool) -> State:
    """Return where one generation stands, from the phases of its resources."""
    if not is_wanted:
        return State.RETIRED if all(each is Phase.GONE for each in phases) else State.RETIRING
    if Phase.FAILED in phases:
        return State.FAILED
    if all(each is Phase.READY for each in phases):
        return State.READY
    if all(each is Phase.PENDING for each in phases):
        return State.PENDING
    is_changed_only = all(each in (Phase.READY, Phase.UPDATING) for each in phases)
    return State.UPDATING if is_changed_only else State.CREATING


def wanted(states: Sequence[State], *, serving: int | None = None) -> Sequence[bool]:
    """Return which generations of a wanted deployment should exist, oldest first.

    The newest always; until it is ready too, the last ready one and the one at index `serving`:
    what has served stays through a refusal or a repair of its own.
    """
    newest = len(states) - 1
    ready = [n for n, state in enumerate(states) if state in (State.READY, State.UPDATING)]
    keep = {newest, ready[-1]} if ready else {newest}
    if serving is not None and newest not in ready:
        keep.add(serving)
    return [n in keep for n in range(len(states))]


def state_of_deployment(states: Sequence[State], *, is_wanted: bool) -> State:
    """Return where a deployment stands, from its generations, oldest first."""
    if not is_wanted:
        return State.RETIRED if all(s is State.RETIRED for s in states) else State.RETIRING
    newest = states[-1]
    serves_meanwhile = State.READY in states[:-1]
    if newest in (State.PENDING, State.CREATING) and serves_meanwhile:
        return State.UPDATING
    return newest


def backoff_seconds(*, attempts: int, base_seconds: int, seed: str) -> float:
    """Return how long to wait after being refused `attempts` times in a row.

    Doubles up to five minutes; the jitter is derived from seed and attempt, between half and all.
    """
    longest = min(300, base_seconds << min(attempts - 1, 12))
    digest = sha256(f"{seed}:{attempts}".encode()).digest()
    return longest * (0.5 + digest[0] / 510)
