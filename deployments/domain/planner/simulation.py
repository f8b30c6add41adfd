"""Percentiles of one copy under random arrivals, by discrete-event simulation. Pure.

Continuous batching as serving engines do it: every running request decodes one token a step, the
rest of the step's token budget prefills waiting prompts in chunks, first come first served, while
their cache fits. Steps in which nothing arrives, ends or prefills are taken in one go. The same
seed gives the same answer.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from deployments.domain.planner.speed import Speed

NORMAL = NormalDist()
P95_SIGMAS = NORMAL.inv_cdf(0.95)
SHARES = (0.50, 0.95, 0.99)
LEAST_TOKENS = 1.0
CUT_MATTERS_WITHIN = 2.0  # of p95
CUT_POINTS = 200


@dataclass(frozen=True, slots=True)
class Spread:
    """Lengths of requests: lognormal by mean and p95, cut at `most`."""

    mean: float
    p95: float
    most: float | None = None

    def at(self, share: float) -> float:
        """Return the length that `share` of requests do not exceed (0 < share < 1)."""
        sigma = self._sigma()
        middle = math.log(max(self.mean, LEAST_TOKENS)) - sigma * sigma / 2
        length = math.exp(middle + sigma * NORMAL.inv_cdf(share))
        return max(min(length, self.most or length), LEAST_TOKENS)

    def evenly(self, count: int) -> list[int]:
        """Return so many lengths, one from each equal share of the distribution."""
        sigma = self._sigma()
        middle = math.log(max(self.mean, LEAST_TOKENS)) - sigma * sigma / 2
        most = self.most or math.inf
        found = (math.exp(middle + sigma * deviation) for deviation in _deviations(count))
        return [round(max(min(length, most), LEAST_TOKENS)) for length in found]

    def mean_within(self) -> float:
        """Return the mean of what is left after the cut."""
        if self.most is None or self.most >= self.p95 * CUT_MATTERS_WITHIN:
            return self.mean
        return sum(self.evenly(CUT_POINTS)) / CUT_POINTS

    def _sigma(self) -> float:
        """Solve p95 / mean = exp(1.645 s - s^2 / 2) for the smaller s; at most where it peaks."""
        ratio = math.log(max(self.p95 / max(self.mean, LEAST_TOKENS), 1.0))
        inside = P95_SIGMAS * P95_SIGMAS - 2 * ratio
        return P95_SIGMAS - math.sqrt(max(inside, 0.0))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one copy may hold: sequences, tokens a step, tokens of cache."""

    sequences: int
    step_tokens: int
    cache_tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of a simulation: arrivals a second, lengths, and how many."""

    rate: float
    prompts: Spread
    outputs: Spread
    cached: float
    requests: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds at p50, p95 and p99; `tpot_s` is the mean over requests."""

    ttft_s: tuple[float, ...]
    e2e_s: tuple[float, ...]
    e2e_mean_s: float
    tpot_s: float


class _Request:
    __slots__ = ("arrived", "begun", "left", "output", "prompt")

    def __init__(self, arrived: float, prompt: float, fresh: float, output: float) -> None:
        self.arrived, self.prompt, self.left, self.output = arrived, prompt, fresh, output
        self.begun = 0.0


def run(*, speed: Speed, load: Load, limits: Limits, seed: int = 1) -> Percentiles:
    """Return the percentiles of `load.requests` requests, the first tenth left out as warm-up."""
    engine = _Engine(speed, limits, _requests(load, seed))
    while engine.is_busy():
        engine.advance()
    kept = [each for each in engine.done if each[0] >= engine.warm]
    first, whole = sorted(each[1] for each in kept), sorted(each[2] for each in kept)
    pace = [(each[2] - each[1]) / max(each[3] - 1, 1.0) for each in kept if each[3] > 1]
    return Percentiles(
        ttft_s=tuple(_rank(first, share) for share in SHARES),
        e2e_s=tuple(_rank(whole, share) for share in SHARES),
        e2e_mean_s=sum(whole) / len(whole),
        tpot_s=sum(pace) / len(pace) if pace else 0.0,
    )


class _Engine:
    """One copy while it runs; `clock` in seconds, `steps` counts decode steps."""

    def __init__(self, speed: Speed, limits: Limits, requests: deque[_Request]) -> None:
        self.speed, self.limits, self.coming = speed, limits, requests
        self.warm = requests[len(requests) // 10].arrived
        self.waiting: deque[_Request] = deque()
        self.filling: deque[_Request] = deque()
        self.ending: list[tuple[float, int, _Request]] = []  # by the step of its last token
        self.done: list[tuple[float, float, float, float]] = []
        self.clock, self.steps, self.cache, self.held, self.serial = 0.0, 0.0, 0.0, 0.0, 0

    def is_busy(self) -> bool:
        return bool(self.coming or self.waiting or self.filling or self.ending)

    def advance(self) -> None:
        """One step, or many alike."""
        if not (self.waiting or self.filling or self.ending):
            self.clock = max(self.clock, self.coming[0].arrived)
        while self.coming and self.coming[0].arrived <= self.clock:
            self.waiting.append(self.coming.popleft())
        self._admit()
        if self.filling:
            self._fill()
        else:
            self._decode()
        self._finish()

    def _admit(self) -> None:
        while self.waiting and len(self.filling) + len(self.ending) < self.limits.sequences:
            size = self.waiting[0].prompt + self.waiting[0].output
            if self.held and self.held + size > self.limits.cache_tokens:
                return
            self.held += size
            self.filling.append(self.waiting.popleft())

    def _fill(self) -> None:
        decoding = len(self.ending)
        budget = max(self.limits.step_tokens - decoding, 1.0)
        tokens = seen = 0.0
        ready: list[_Request] = []
        while self.filling and budget > 0:
            one = self.filling[0]
            chunk = min(budget, one.left)
            one.left -= chunk
            budget -= chunk
            tokens += chunk
            seen += chunk * (one.prompt - one.left)
            if one.left > 0:
                break
            ready.append(self.filling.popleft())
        self.clock += self.speed.mixed_step_s(decoding, self.cache, tokens, seen / tokens)
        self.steps += 1 if decoding else 0
        self.cache += decoding
        for one in ready:
            one.begun = self.clock + self.speed.first_token_s
            self.serial += 1
            self.cache += one.prompt + 1
            heapq.heappush(self.ending, (self.steps + one.output - 1, self.serial, one))

    def _decode(self) -> None:
        """Take all steps until the next end or arrival in one go: the cache grows evenly."""
        decoding = len(self.ending)
        many = max(self.ending[0][0] - self.steps, 1.0)
        first = self.speed.mixed_step_s(decoding, self.cache, 0.0, 0.0)
        if self.coming:
            many = min(many, max(math.ceil((self.coming[0].arrived - self.clock) / first), 1.0))
        middle = self.cache + decoding * (many - 1) / 2
        self.clock += many * self.speed.mixed_step_s(decoding, middle, 0.0, 0.0)
        self.steps += many
        self.cache += decoding * many

    def _finish(self) -> None:
        while self.ending and self.ending[0][0] <= self.steps:
            one = heapq.heappop(self.ending)[2]
            self.cache -= one.prompt + one.output
            self.held -= one.prompt + one.output
            end = max(self.clock + self.speed.first_token_s, one.begun)
            self.done.append((one.arrived, one.begun - one.arrived, end - one.arrived, one.output))


def _requests(load: Load, seed: int) -> deque[_Request]:
    """Lengths evenly from their distributions, in random order; arrivals of a Poisson process."""
    chance = random.Random(seed)  # noqa: S311 (a simulation, not a secret)
    prompts, outputs = load.prompts.evenly(load.requests), load.outputs.evenly(load.requests)
    chance.shuffle(prompts)
    chance.shuffle(outputs)
    clock, found = 0.0, deque[_Request]()
    for prompt, output in zip(prompts, outputs, strict=True):
        clock += chance.expovariate(load.rate)
        found.append(_Request(clock, prompt, max(prompt * (1 - load.cached), 1.0), output))
    return found


@cache
def _deviations(count: int) -> tuple[float, ...]:
    """Standard deviations from the mean at the middle of each of `count` equal shares."""
    return tuple(NORMAL.inv_cdf((place + 0.5) / count) for place in range(count))


def _rank(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
