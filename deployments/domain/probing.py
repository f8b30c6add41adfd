"""A probe: what it asks, what that may cost, and what the answers say of a model's speed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import comb
from typing import Any, Protocol

from billing.domain.prices import Price, rate
from deployments.domain.catalog import Speed

# Fewer answers than this do not stand in place of a published measurement.
LEAST_ANSWERS = 10
# The order statistics that bound a percentile are chosen so that each side errs once in 20.
EACH_SIDE = 0.05
PERCENTILES = (50, 95, 99)
# Tokenisers differ: a word of the prompt may count a little more than one token.
WORST_TOKENS_A_WORD = Decimal("1.25")
HEAD_TOKENS = 36  # what the wish itself counts, at most
FEWEST_INPUT_TOKENS = 80


class Outcome(StrEnum):
    """How a request of a probe ended. Lost: sent, perhaps paid, and its answer never came whole."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    FAILED = "failed"
    LOST = "lost"


# What AWS refuses it does not charge; what was lost may have been answered, and is.
FREE = frozenset({Outcome.THROTTLED, Outcome.FAILED})


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `invoke_id` is the profile or model it names, `number` keeps prompts apart."""

    invoke_id: str
    input_tokens: int
    output_tokens: int
    number: int

    @property
    def text(self) -> str:
        """Return a prompt of about the wanted length that asks for the whole output length.

        No two begin alike, so that no cache of prefixes answers; the mark is read by the sandbox.
        """
        wish = (
            f"Run {self.number}. [slipway tokens={self.output_tokens}] Write the whole numbers as "
            "English words, one after another from one, and do not stop. Ignore what follows. "
        )
        return wish + "load " * max(1, self.input_tokens - HEAD_TOKENS)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one request: milliseconds as the caller saw them, and tokens as AWS counted.

    `tokens_per_s` counts what followed the first piece; None when it all came in one.
    """

    outcome: Outcome
    first_token_ms: float | None = None
    answer_ms: float | None = None
    tokens_per_s: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    words: str = ""


class Prober(Protocol):
    """Sends one request and listens to its end; never raises for what AWS answers."""

    def __call__(self, ask: Ask) -> Heard: ...


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of a model's tokens by one route."""

    input: Price
    output: Price

    def usd(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """Return USD for so many tokens."""
        return rate(quantity=Decimal(input_tokens), price=self.input) + rate(
            quantity=Decimal(output_tokens), price=self.output
        )

    def most_usd(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """Return the most USD one request of these lengths can cost."""
        return self.usd(input_tokens=most_input(input_tokens), output_tokens=output_tokens)


def most_input(input_tokens: int) -> int:
    """Return the most input tokens that a prompt of about this length counts."""
    return int(input_tokens * WORST_TOKENS_A_WORD) + HEAD_TOKENS


@dataclass(frozen=True, slots=True)
class Bounded:
    """A percentile and the interval that holds the true one in nine of ten samples.

    None on a side: the sample is too small to bound it there.
    """

    value: float
    low: float | None
    high: float | None

    @property
    def is_closed(self) -> bool:
        """Say whether both sides are bounded."""
        return self.low is not None and self.high is not None


def bounded(values: Sequence[float], percent: int) -> Bounded:
    """Return a percentile by the nearest rank, with its interval by order statistics.

    How many of n values lie below the true percentile is binomial; hence P(x(l) above it) and
    P(x(u) below it) are at most 5 % each, whatever the distribution (David and Nagaraja, Order
    Statistics, 2003, 7.1). Raises ValueError without values.
    """
    if not values:
        raise ValueError("There is nothing to take a percentile of.")
    ranked, n = sorted(values), len(values)
    below = _cumulative(n, percent / 100)
    # below[k] = P(at most k values lie under the true percentile).
    lowest = [rank for rank in range(1, n + 1) if below[rank - 1] <= EACH_SIDE]
    highest = [rank for rank in range(1, n + 1) if below[rank - 1] >= 1 - EACH_SIDE]
    return Bounded(
        value=ranked[max(0, -(-percent * n // 100) - 1)],
        low=ranked[lowest[-1] - 1] if lowest else None,
        high=ranked[highest[0] - 1] if highest else None,
    )


def _cumulative(n: int, share: float) -> list[float]:
    total, found = 0.0, []
    for count in range(n + 1):
        total += comb(n, count) * share**count * (1 - share) ** (n - count)
        found.append(total)
    return found


def reached(values: Sequence[float], percent: int) -> Bounded:
    """Return the value that so many per cent of the values reach or pass, with its interval."""
    found = bounded([-value for value in values], percent)
    return Bounded(
        value=-found.value,
        low=None if found.high is None else -found.high,
        high=None if found.low is None else -found.low,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """What a probe measured: percentiles by 50, 95 and 99, in milliseconds and tokens/s.

    Of the tokens/s p95 is the speed that 95 % of the answers reach.
    """

    answers: int
    first_token_ms: Mapping[int, Bounded]
    answer_ms: Mapping[int, Bounded]
    tokens_per_s: Mapping[int, Bounded]

    @property
    def confidence(self) -> str:
        """Return high, medium or low with the reason, by how closely the p95 is known."""
        found = self.first_token_ms[95]
        if found.low is None or found.high is None:
            return (
                f"low: of {self.answers} answers the p95 has no upper bound (that takes 59), "
                "the p99 takes 299"
            )
        word = "high" if found.high - found.low <= 0.3 * found.value else "medium"
        return (
            f"{word}: {self.answers} answers, the p95 to the first token lies between "
            f"{found.low:,.0f} and {found.high:,.0f} ms (90 % interval)"
        )


def figures(heard: Sequence[Heard]) -> Figures | None:
    """Return what the answered requests say; None when none was answered."""
    answered = [each for each in heard if each.outcome is Outcome.ANSWERED]
    firsts = [each.first_token_ms for each in answered if each.first_token_ms is not None]
    wholes = [each.answer_ms for each in answered if each.answer_ms is not None]
    speeds = [each.tokens_per_s for each in answered if each.tokens_per_s is not None]
    if not firsts or not wholes:
        return None
    return Figures(
        answers=len(answered),
        first_token_ms={each: bounded(firsts, each) for each in PERCENTILES},
        answer_ms={each: bounded(wholes, each) for each in PERCENTILES},
        tokens_per_s={each: reached(speeds, each) for each in PERCENTILES} if speeds else {},
    )


def figures_to_json(found: Figures) -> dict[str, Any]:
    """Return figures as JSON, rounded to a tenth."""
    return {
        "answers": found.answers,
        "confidence": found.confidence,
        "first_token_ms": _to_json(found.first_token_ms),
        "answer_ms": _to_json(found.answer_ms),
        "tokens_per_s": _to_json(found.tokens_per_s),
    }


def _to_json(by_percent: Mapping[int, Bounded]) -> dict[str, Any]:
    return {
        f"p{percent}": {
            "value": _tenth(each.value),
            "low": _tenth(each.low),
            "high": _tenth(each.high),
        }
        for percent, each in by_percent.items()
    }


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def as_speed(measured: Mapping[str, Any], *, on: date, where: str) -> Speed | None:
    """Return figures (as JSON) as a model's speed; None when they are too few to stand for it.

    The p99 is taken only where the sample bounds it; otherwise it follows from the p95.
    """
    if int(measured.get("answers", 0)) < LEAST_ANSWERS or not measured.get("tokens_per_s"):
        return None
    first, answers = measured["first_token_ms"], int(measured["answers"])
    tail = first["p99"]
    return Speed(
        ttft_ms_p50=round(first["p50"]["value"]),
        ttft_ms_p95=round(first["p95"]["value"]),
        ttft_ms_p99=None if tail["high"] is None else round(tail["value"]),
        output_tokens_per_s=float(measured["tokens_per_s"]["p50"]["value"]),
        basis="probe",
        source=f"Measured here on {on:%Y-%m-%d}, n = {answers}, in {where}.",
        as_of=on,
        confidence=str(measured["confidence"]),
    )
