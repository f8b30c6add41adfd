"""A model in memory that answers probes: passes the same contract as the real one, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deployments.domain.probing import Ask, Heard, Outcome

WORDS = {
    Outcome.THROTTLED: "Too many requests, please wait before trying again.",
    Outcome.FAILED: "The provided model identifier is invalid.",
    Outcome.LOST: "The stream broke.",
}


@dataclass(slots=True)
class PretendProber:
    """Answers the models it knows, each request with the next latency in turn.

    `outcomes` come first, one a request; `longest` is the most output a model gives.
    """

    known: frozenset[str]
    first_token_ms: Sequence[float] = (400.0,)
    tokens_per_s: float = 100.0
    longest: int = 4_000
    outcomes: list[Outcome] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Heard:
        """Answer, or do what is next in `outcomes`."""
        self.asked.append(ask)
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome.ANSWERED
        if ask.invoke_id not in self.known or ask.output_tokens > self.longest:
            outcome = Outcome.FAILED
        if outcome is not Outcome.ANSWERED:
            return Heard(outcome, words=WORDS[outcome])
        first = self.first_token_ms[(len(self.asked) - 1) % len(self.first_token_ms)]
        return Heard(
            outcome,
            first_token_ms=first,
            answer_ms=first + ask.output_tokens / self.tokens_per_s * 1000,
            tokens_per_s=self.tokens_per_s,
            input_tokens=ask.input_tokens,
            output_tokens=ask.output_tokens,
        )
