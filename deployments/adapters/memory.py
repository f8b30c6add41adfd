"""A cloud in a dictionary: passes the same contract as the real targets, for tests and drills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from deployments.domain.blueprint.spec import CHANGEABLE, Kind
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Permanent, Refused, Transient, Wish

_SLOW = frozenset({Kind.FUNCTION, Kind.THROUGHPUT, Kind.ENDPOINT})
_SLOW_TO_END = frozenset({Kind.ENDPOINT})
# What is made by a second call after the object itself.
_SECOND_CALL: Mapping[Kind, frozenset[str]] = {
    Kind.ROLE: frozenset({"policy"}),
    Kind.LOG_GROUP: frozenset({"retention_days"}),
    Kind.FUNCTION: frozenset({"reserved_concurrency"}),
}
_CANNOT_CHANGE = frozenset(
    {Kind.PROFILE, Kind.THROUGHPUT, Kind.MODEL, Kind.ENDPOINT_CONFIG, Kind.VERSION}
)


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the pretend cloud."""

    kind: Kind
    name: str
    spec: Mapping[str, Any]
    tags: Mapping[str, str]
    phase: Phase
    number: int
    detail: str = ""


@dataclass(slots=True)
class Cloud:
    """All there is, the calls that were made, and the trouble that is in store."""

    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: dict[tuple[str, str], list[Refused]] = field(default_factory=dict)
    losing: bool = False
    hidden: set[tuple[str, str]] = field(default_factory=set)

    def target_for(self, kind: str) -> MemoryTarget:
        """Return the target of a kind."""
        return MemoryTarget(Kind(kind), self)

    def settle(self) -> None:
        """Let every motion come to its end."""
        for key, thing in list(self.things.items()):
            if thing.phase is Phase.DELETING:
                del self.things[key]
            elif thing.phase in (Phase.CREATING, Phase.UPDATING):
                self.things[key] = replace(thing, phase=Phase.READY)

    def fail(self, kind: str, words: str) -> None:
        """Let everything of a kind that is being made fail, with AWS's words."""
        for key, thing in self.things.items():
            if thing.kind == kind:
                self.things[key] = replace(thing, phase=Phase.FAILED, detail=words)

    def refuse(self, kind: str, verb: str, *refusals: Refused) -> None:
        """Refuse the next calls of a verb on a kind."""
        self.refusals.setdefault((kind, verb), []).extend(refusals)

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        """Let every effect happen while its caller never hears of it."""
        self.losing = True
        try:
            yield
        finally:
            self.losing = False


class MemoryTarget:
    """The four verbs on a dictionary."""

    def __init__(self, kind: Kind, cloud: Cloud) -> None:
        self.kind, self.cloud = kind, cloud

    def observe(self, wish: Wish) -> Observed | None:
        """Look."""
        self._enter("observe", wish)
        thing = self.cloud.things.get((self.kind, wish.name))
        if thing is None or (self.kind, wish.name) in self.cloud.hidden:
            return None
        if wish.tags and not wish.is_mine(thing.tags):
            return Observed(Phase.READY, foreign=f"{wish.name} is not of this deployment.")
        is_serving = thing.phase in (Phase.READY, Phase.UPDATING)
        return Observed(
            phase=thing.phase,
            outputs=_outputs(self.kind, thing),
            detail=thing.detail,
            differs=self.kind not in _CANNOT_CHANGE and _differs(self.kind, thing.spec, wish.spec),
            capacity=_capacity(thing) if is_serving else Decimal(0),
        )

    def create(self, wish: Wish) -> None:
        """Make it unless it is there."""
        self._enter("create", wish)
        key = (self.kind, wish.name)
        if key not in self.cloud.things:
            later = _SECOND_CALL.get(self.kind, frozenset())
            self.cloud.made[key] += 1
            self.cloud.things[key] = Thing(
                kind=self.kind,
                name=wish.name,
                spec={name: value for name, value in wish.spec.items() if name not in later},
                tags=wish.tags,
                phase=Phase.CREATING if self.kind in _SLOW else Phase.READY,
                number=len(self.cloud.made),
            )
        self._leave(wish)

    def update(self, wish: Wish) -> None:
        """Change it in place. Raises Permanent where AWS cannot."""
        self._enter("update", wish)
        if self.kind in _CANNOT_CHANGE:
            raise Permanent(f"{self.kind} never changes.")
        thing = self.cloud.things[(self.kind, wish.name)]
        self.cloud.things[(self.kind, wish.name)] = replace(
            thing,
            spec=wish.spec,
            phase=Phase.UPDATING if self.kind is Kind.ENDPOINT else thing.phase,
        )
        self._leave(wish)

    def delete(self, wish: Wish) -> None:
        """End it. Raises Transient while it is being made."""
        self._enter("delete", wish)
        key = (self.kind, wish.name)
        thing = self.cloud.things.get(key)
        if thing is not None and thing.phase in (Phase.CREATING, Phase.UPDATING):
            raise Transient(f"Cannot update in-progress {self.kind}.", code="ValidationException")
        if thing is not None and self.kind in _SLOW_TO_END:
            self.cloud.things[key] = replace(thing, phase=Phase.DELETING)
        elif thing is not None:
            del self.cloud.things[key]
        self._leave(wish)

    def _enter(self, verb: str, wish: Wish) -> None:
        self.cloud.calls.append((verb, wish.name))
        waiting = self.cloud.refusals.get((self.kind, verb), [])
        if waiting:
            raise waiting.pop(0)

    def _leave(self, wish: Wish) -> None:
        if self.cloud.losing:
            raise Transient("Connection was closed before a reply came.", code="ConnectionClosed")


def _differs(kind: Kind, there: Mapping[str, Any], wished: Mapping[str, Any]) -> bool:
    if kind is Kind.ENDPOINT and "least" in wished:
        return not wished["least"] <= there.get("running", there["least"]) <= wished["most"]
    watched = CHANGEABLE.get(kind, frozenset()) | _SECOND_CALL.get(kind, frozenset())
    if kind is Kind.FUNCTION and not wished["reserved_concurrency"]:
        return bool(there.get("reserved_concurrency"))
    return any(there.get(name) != wished.get(name) for name in watched & wished.keys())


def _outputs(kind: Kind, thing: Thing) -> dict[str, Any]:
    arn = f"arn:memory:{thing.number}:{kind}/{thing.name}"
    outputs: dict[str, Any] = {"arn": arn, "id": f"id{thing.number}"}
    match kind:
        case Kind.PROFILE:
            outputs["models"] = [f"arn:memory:model/{thing.spec['copy_from']}"]
        case Kind.LOG_GROUP:
            outputs["streams_arn"] = f"{arn}:*"
        case Kind.VERSION:
            outputs["version"] = "1"
        case Kind.URL:
            outputs["url"] = f"https://{thing.number}.memory.example/"
    return outputs


def _capacity(thing: Thing) -> Decimal:
    spec = thing.spec
    if "least" in spec and thing.kind is Kind.ENDPOINT:
        return Decimal(spec.get("running", spec["least"]))
    return Decimal(spec.get("model_units", 0))
