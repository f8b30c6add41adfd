"""One request to a running deployment, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt of about `input_tokens` that asks for `output_tokens`."""

    input_tokens: int
    output_tokens: int
    images: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller saw: the outcome, milliseconds until the last byte, and AWS's words."""

    outcome: Outcome
    latency_ms: int
    words: str = ""


class Invoker(Protocol):
    """Sends one request to one deployment; never raises for what AWS answers."""

    def __call__(self, request: Request) -> Answer: ...


def percentiles(latencies_ms: Sequence[int]) -> Mapping[str, int]:
    """Return p50, p95 and p99 by the nearest-rank method; empty when there are none."""
    ranked = sorted(latencies_ms)
    if not ranked:
        return {}
    return {
        f"p{percent}": ranked[max(0, -(-percent * len(ranked) // 100) - 1)]
        for percent in (50, 95, 99)
    }


# A common English word is close to one token in every current tokeniser, a short sentence is not;
# one word per token keeps the prompt's length readable in logs.
WORD = "load "


def prompt(request: Request) -> str:
    """Return text of about the wanted length that asks the sandbox for the wanted answer length.

    The bracketed wish is a plain sentence to a real model; the sandbox reads it.
    """
    wish = f"[slipway tokens={request.output_tokens}] Summarise the following. "
    return wish + WORD * max(1, request.input_tokens - 12)
