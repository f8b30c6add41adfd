"""Mean times of one copy under a load: users who wait for their answers, or arrivals. Pure.

Closed form, for the search; the simulation answers for the few configurations that are left.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployments.domain.planner.speed import Speed

ROUNDS = 14  # of the fixed point between batch and answer time
MOST_PREFILLING = 0.9  # share of time; beyond it the queue in front of prefill has no bound


@dataclass(frozen=True, slots=True)
class Lengths:
    """Mean tokens of a request; `cached` is the share of the prompt that needs no prefill."""

    prompt: float
    output: float
    cached: float = 0.0

    @property
    def prefilled(self) -> float:
        """Prompt tokens that are worked on."""
        return max(self.prompt * (1 - self.cached), 1.0)


@dataclass(frozen=True, slots=True)
class Times:
    """Mean seconds of one copy at one load."""

    ttft_s: float
    tpot_s: float
    e2e_s: float
    output_tokens_per_s: float
    batch: float
    waiting_s: float  # part of the first token's time that is other people's prompts


def closed(*, speed: Speed, lengths: Lengths, users: float, fits: float) -> Times:
    """Return times with `users` requests always under way, of which `fits` are in memory."""
    batch = max(min(users, fits), 1.0)
    coefficient, exponent = speed.queue
    ahead = coefficient * float(max(batch - 1, 0.0) ** exponent)
    waiting = max(users - batch, 0.0) / _rate(speed, lengths, batch)
    return _times(speed, lengths, batch, ahead, waiting, users)


def arriving(*, speed: Speed, lengths: Lengths, rate: float, fits: float) -> Times:
    """Return times with `rate` requests/s arriving at random; never more than `fits` at once."""
    share = min(rate * speed.mixed_prefill_s(lengths.prefilled) / speed.groups, MOST_PREFILLING)
    ahead = 0.5 * share / (1 - share)
    batch = 1.0
    for _ in range(ROUNDS):
        found = _times(speed, lengths, batch, ahead, 0.0, batch)
        batch = 0.5 * batch + 0.5 * min(max(rate * found.e2e_s, 1.0), max(fits, 1.0))
    return _times(speed, lengths, batch, ahead, 0.0, batch)


def at_batch(*, speed: Speed, lengths: Lengths, batch: float) -> Times:
    """Return times with `batch` requests under way on average, arriving at random."""
    alone = _times(speed, lengths, batch, 0.0, 0.0, batch)
    busy = batch / alone.e2e_s * speed.mixed_prefill_s(lengths.prefilled) / speed.groups
    share = min(busy, MOST_PREFILLING)
    return _times(speed, lengths, batch, 0.5 * share / (1 - share), 0.0, batch)


def offline(*, speed: Speed, lengths: Lengths, fits: float) -> float:
    """Return output tokens/s with memory always full."""
    return _rate(speed, lengths, max(fits, 1.0)) * lengths.output


def static(*, speed: Speed, lengths: Lengths, batch: float, fits: float) -> Times:
    """Return times of one batch that starts together and ends together."""
    held = max(min(batch, fits), 1.0)
    rounds = max(1.0, batch / held)
    first = speed.prefill_s(held * lengths.prefilled)
    token = speed.decode_s(held, lengths.prompt + lengths.output / 2)
    whole = rounds * (first + (lengths.output - 1) * token)
    return Times(first, token, whole, batch * lengths.output / whole, held, 0.0)


def saturation_rps(*, speed: Speed, lengths: Lengths, fits: float) -> float:
    """Return the most requests/s with `fits` requests in memory."""
    return _rate(speed, lengths, max(fits, 1.0))


def _rate(speed: Speed, lengths: Lengths, batch: float) -> float:
    token = speed.decode_s(batch, lengths.prompt + lengths.output / 2)
    prompts = batch / speed.groups * speed.mixed_prefill_s(lengths.prefilled)
    return batch / (prompts + max(lengths.output - 1, 1.0) * token + speed.step_s)


def _times(
    speed: Speed, lengths: Lengths, batch: float, ahead: float, waiting: float, users: float
) -> Times:
    following = max(lengths.output - 1, 0.0)
    mixed = speed.mixed_prefill_s(lengths.prefilled)
    step = speed.decode_s(batch, lengths.prompt + lengths.output / 2)
    others = max(batch / speed.groups - 1, 0.0) * mixed / max(following, 1.0)
    queued = ahead * mixed / speed.groups + waiting
    first = speed.first_token_s + 0.5 * step + speed.prefill_s(lengths.prefilled) + queued
    whole = first + following * (step + others)
    return Times(first, step + others, whole, users * lengths.output / whole, batch, queued)
