"""Policies to and from JSON, with every fault of a policy in one pass. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeVar

from cascade.domain.policy import (
    Classifier,
    Fallback,
    Judge,
    Kind,
    PartnerWhen,
    Policy,
    Stage,
    StepDown,
    Streaming,
    Target,
    WithoutCounters,
)

MOST_STAGES = 8
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
Word = TypeVar("Word", bound=StrEnum)


class PolicyFaulty(ValueError):
    """A policy cannot be like this; `faults` maps a field's path to its sentence."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {words}" for path, words in faults.items()))
        self.faults = faults


def as_json(policy: Policy) -> dict[str, Any]:
    """Return a policy as plain JSON values, every field present."""
    return asdict(policy)


def read(body: Mapping[str, Any]) -> Policy:
    """Return the policy a JSON object describes. Raises PolicyFaulty with every fault found."""
    reader = _Reader()
    policy = reader.policy(body)
    if not reader.faults:
        _check_whole(policy, reader.faults)
    if reader.faults:
        raise PolicyFaulty(reader.faults)
    return policy


def _check_whole(policy: Policy, faults: dict[str, str]) -> None:
    names = [stage.name for stage in policy.stages]
    if len(set(names)) < len(names):
        faults["stages"] = "Two stages have one name; give each its own."
    for place, step in enumerate(policy.step_down):
        if step.highest not in names:
            faults[f"step_down.{place}.highest"] = (
                f"There is no stage {step.highest!r}; one of {', '.join(names)}."
            )
    if policy.classifier is Classifier.LLM and policy.classifier_target is None:
        faults["classifier_target"] = "An LLM classifier needs a model to ask."
    if policy.classifier is Classifier.LEARNED and not policy.router:
        faults["router"] = "A learned classifier needs trained weights; train them first."
    if policy.judge and not policy.judge.low <= policy.judge.high:
        faults["judge.low"] = "The lower end of the judge's band lies above its upper end."


class _Reader:
    """Reads values, and writes down each fault under the path where it lies."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def policy(self, body: Mapping[str, Any]) -> Policy:
        self._unknown(body, Policy.__dataclass_fields__, "")
        stages = self._many(body, "stages", self._stage)
        if not 1 <= len(stages) <= MOST_STAGES:
            self.faults.setdefault("stages", f"A cascade has 1 to {MOST_STAGES} stages.")
        return Policy(
            stages=stages,
            classifier=self._word(body, "classifier", Classifier, Classifier.NONE),
            classifier_target=self._maybe(body, "classifier_target", self._target),
            router=self._text(body, "router", longest=64),
            scorer=self._text(body, "scorer", longest=64),
            judge=self._maybe(body, "judge", self._judge),
            hears_earlier=self._flag(body, "hears_earlier", is_usual=False),
            may_skip=self._flag(body, "may_skip", is_usual=True),
            skip_gain=self._number(body, "skip_gain", 0.0, 0, 1),
            most_escalations=int(self._number(body, "most_escalations", 2, 0, MOST_STAGES)),
            streaming=self._word(body, "streaming", Streaming, Streaming.BUFFERED),
            fallback=self._word(body, "fallback", Fallback, Fallback.BEST),
            without_counters=self._word(
                body, "without_counters", WithoutCounters, WithoutCounters.REFUSE
            ),
            step_down=self._many(body, "step_down", self._step),
            shadow_share=self._number(body, "shadow_share", 0.01, 0, 1),
            tightens=self._flag(body, "tightens", is_usual=True),
            logs_text=self._flag(body, "logs_text", is_usual=True),
            deadline_s=self._number(body, "deadline_s", 60.0, 1, 900),
        )

    def _stage(self, body: Mapping[str, Any], path: str) -> Stage:
        self._unknown(body, Stage.__dataclass_fields__, path)
        name = self._text(body, "name", path=path, longest=40)
        if not NAME.fullmatch(name):
            self.faults[f"{path}name"] = "A stage's name is 1 to 40 of a-z, 0-9 and inner dashes."
        return Stage(
            name=name,
            target=self._maybe(body, "target", self._target, path=path, is_needed=True) or _NONE,
            threshold=self._number(body, "threshold", None, 0, 1, path=path),
            max_output_tokens=int(
                self._number(body, "max_output_tokens", 1024, 1, 200_000, path=path)
            ),
            timeout_s=self._number(body, "timeout_s", 30.0, 0.1, 900, path=path),
            partner=self._maybe(body, "partner", self._target, path=path),
            partner_when=self._word(
                body, "partner_when", PartnerWhen, PartnerWhen.UNSURE, path=path
            ),
        )

    def _target(self, body: Mapping[str, Any], path: str) -> Target:
        self._unknown(body, Target.__dataclass_fields__, path)
        kind = self._word(body, "kind", Kind, Kind.BEDROCK, path=path)
        deployment = self._text(body, "deployment", path=path, longest=63)
        asked = self._text(body, "address", path=path, longest=500, is_needed=not deployment)
        address = asked or deployment
        if kind is Kind.OPENAI and not re.match(r"https?://[^\s/]+", address):
            self.faults[f"{path}address"] = "The address of such a server is an http(s) URL."
        return Target(
            kind=kind,
            # Both are looked up for a deployment; Bedrock's models are named as they are invoked.
            model=self._text(body, "model", path=path, longest=120) or address[:120],
            address=address,
            deployment=deployment,
        )

    def _judge(self, body: Mapping[str, Any], path: str) -> Judge:
        self._unknown(body, Judge.__dataclass_fields__, path)
        return Judge(
            target=self._maybe(body, "target", self._target, path=path, is_needed=True) or _NONE,
            low=self._number(body, "low", 0.4, 0, 1, path=path),
            high=self._number(body, "high", 0.8, 0, 1, path=path),
            sample_share=self._number(body, "sample_share", 0.0, 0, 1, path=path),
        )

    def _step(self, body: Mapping[str, Any], path: str) -> StepDown:
        self._unknown(body, StepDown.__dataclass_fields__, path)
        return StepDown(
            at_share=self._number(body, "at_share", None, 0, 10, path=path),
            highest=self._text(body, "highest", path=path, longest=40, is_needed=True),
        )

    def _unknown(self, body: Mapping[str, Any], known: Mapping[str, Any], path: str) -> None:
        for name in sorted(set(body) - set(known)):
            self.faults[f"{path}{name}"] = f"Unknown; known here: {', '.join(known)}."

    def _text(
        self,
        body: Mapping[str, Any],
        name: str,
        *,
        longest: int,
        path: str = "",
        is_needed: bool = False,
    ) -> str:
        value = body.get(name, "")
        if not isinstance(value, str) or len(value) > longest or "\x00" in value:
            self.faults[f"{path}{name}"] = f"This is a text of at most {longest} characters."
            return ""
        if is_needed and not value.strip():
            self.faults[f"{path}{name}"] = "This is needed."
        return value.strip()

    def _number(
        self,
        body: Mapping[str, Any],
        name: str,
        usual: float | None,
        least: float,
        most: float,
        *,
        path: str = "",
    ) -> float:
        value = body.get(name, usual)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            self.faults[f"{path}{name}"] = f"This is a number from {least:g} to {most:g}."
            return least
        return float(value)

    def _flag(self, body: Mapping[str, Any], name: str, *, is_usual: bool) -> bool:
        value = body.get(name, is_usual)
        if not isinstance(value, bool):
            self.faults[name] = "This is true or false."
        return bool(value)

    def _word(
        self, body: Mapping[str, Any], name: str, words: type[Word], usual: Word, *, path: str = ""
    ) -> Word:
        value = body.get(name, usual.value)
        if value not in [word.value for word in words]:
            known = ", ".join(word.value for word in words)
            self.faults[f"{path}{name}"] = f"This is one of {known}."
            return usual
        return words(value)

    def _maybe(
        self,
        body: Mapping[str, Any],
        name: str,
        read_one: Callable[[Mapping[str, Any], str], Any],
        *,
        path: str = "",
        is_needed: bool = False,
    ) -> Any:
        value = body.get(name)
        if value is None:
            if is_needed:
                self.faults[f"{path}{name}"] = "This is needed."
            return None
        if not isinstance(value, Mapping):
            self.faults[f"{path}{name}"] = "This is an object."
            return None
        return read_one(value, f"{path}{name}.")

    def _many(
        self,
        body: Mapping[str, Any],
        name: str,
        read_one: Callable[[Mapping[str, Any], str], Any],
    ) -> tuple[Any, ...]:
        value = body.get(name, ())
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.faults[name] = "This is a list."
            return ()
        found = []
        for place, each in enumerate(value[: 4 * MOST_STAGES]):
            if isinstance(each, Mapping):
                found.append(read_one(each, f"{name}.{place}."))
            else:
                self.faults[f"{name}.{place}"] = "This is an object."
        return tuple(found)


_NONE = Target(kind=Kind.BEDROCK, model="", address="")
