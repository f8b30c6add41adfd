"""A cascade's policy: its stages, how an answer is judged, and what happens at the edges. Pure.

A policy is a value: versioned, never edited. `reading.read` makes one from JSON or says what is
wrong; `reading.as_json` writes it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a stage calls."""

    BEDROCK = "bedrock"  # a managed model by id or inference profile, through Converse
    SAGEMAKER = "sagemaker"  # a real-time endpoint by name
    OPENAI = "openai"  # an OpenAI-compatible server by URL (vLLM on ECS, on premises)


class Classifier(StrEnum):
    """Who looks at a request before any model does."""

    NONE = "none"  # begin at the first stage
    LEARNED = "learned"  # the linear model over hashed n-grams
    LLM = "llm"  # the cheapest model says simple, medium or complex


class PartnerWhen(StrEnum):
    """When a stage's partner is asked for a second answer to compare."""

    ALWAYS = "always"
    UNSURE = "unsure"  # when the score alone is below the threshold


class Streaming(StrEnum):
    """How an answer that may still be rejected is streamed."""

    COMMIT = "commit"  # hold the first sentence, gate the prefix, then stream on
    BUFFERED = "buffered"  # gate the whole answer, then send it
    OPTIMISTIC = "optimistic"  # send at once, replace when rejected; only for who declares it


class Fallback(StrEnum):
    """What the client gets when no answer was good enough and no stage is left."""

    BEST = "best"  # the best answer there is, marked as short of the threshold
    REFUSE = "refuse"  # an error


class WithoutCounters(StrEnum):
    """What happens while the budget cannot be checked."""

    REFUSE = "refuse"
    LOCAL = "local"  # go on inside a small allowance of this process, booked later


@dataclass(frozen=True, slots=True)
class Target:
    """What is called. `model` names the tariff and the catalog's model.

    `address` is a Bedrock model or inference profile id, an endpoint's name, or a base URL.
    `deployment` is the short name of the deployment it belongs to, empty for a model on demand.
    """

    kind: Kind
    model: str
    address: str
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung: an answer scored `threshold` or more (0 to 1) is given to the client.

    The last stage's answer is given whatever its score, unless it is broken.
    """

    name: str
    target: Target
    threshold: float
    max_output_tokens: int = 1024
    timeout_s: float = 30.0
    partner: Target | None = None
    partner_when: PartnerWhen = PartnerWhen.UNSURE


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that scores an answer: when the score lies in [low, high), and by `sample_share`."""

    target: Target
    low: float = 0.4
    high: float = 0.8
    sample_share: float = 0.0


@dataclass(frozen=True, slots=True)
class StepDown:
    """From `at_share` of the feature's monthly budget on, no stage above `highest` is used."""

    at_share: float
    highest: str


@dataclass(frozen=True, slots=True)
class Policy:
    """How a cascade answers.

    `router` and `scorer` name trained weights by their version (empty: none). `skip_gain` is the
    gain in P(right) for the money of one strongest answer that an escalation must promise (0: any).
    Shares are of requests, 0 to 1; `deadline_s` covers everything until the last byte. `tightens`
    lets a drift raise the thresholds one step without asking. `hears_earlier` lets an earlier
    stage's rejected answer count as a second opinion on the next one's: it is already paid for.
    """

    stages: tuple[Stage, ...]
    classifier: Classifier = Classifier.NONE
    classifier_target: Target | None = None
    router: str = ""
    scorer: str = ""
    judge: Judge | None = None
    hears_earlier: bool = False
    may_skip: bool = True
    skip_gain: float = 0.0
    most_escalations: int = 2
    streaming: Streaming = Streaming.BUFFERED
    fallback: Fallback = Fallback.BEST
    without_counters: WithoutCounters = WithoutCounters.REFUSE
    step_down: tuple[StepDown, ...] = ()
    shadow_share: float = 0.01
    tightens: bool = True
    logs_text: bool = True
    deadline_s: float = 60.0

    def stage_named(self, name: str) -> int:
        """Return a stage's place. Raises KeyError."""
        for place, stage in enumerate(self.stages):
            if stage.name == name:
                return place
        raise KeyError(name)

    def highest_at(self, share: float) -> int:
        """Return the highest stage that may be used when `share` of the budget is spent."""
        reached = [step for step in self.step_down if share >= step.at_share]
        if not reached:
            return len(self.stages) - 1
        return self.stage_named(max(reached, key=lambda step: step.at_share).highest)
