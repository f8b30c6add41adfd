"""Traffic that is no longer what a policy was calibrated on is noticed, and thresholds tightened.

Pure. Distances (PSI, KS) say how far a window of requests lies from the reference; sequential
tests (CUSUM of log likelihood ratios) say when it left. Their heights are set by Siegmund's formula
(Sequential Analysis, 1985, 10.17) so that all of them together ring by mistake less than once in
100,000 requests.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from cascade.domain.policy import Policy

# At most, and of at least so many requests each: finer bins notice sooner, but err more.
BINS = 80
OF_A_BIN = 50
FEWEST = 200
FEWEST_HARD = 10
BETWEEN_FALSE_ALARMS = 100_000
# How steep a shift is looked for, on ranks from 0 to 1; the first that the reference can tell.
STEEPNESS = (0.7, 1.5)
# The share of requests turned hard that is looked for where it is known what hard looks like.
HARD_SHARE = 0.2
# What is asked of the formula beyond the promise, as steps are far from normal.
MARGIN = 4
# How far the reference may err, in standard errors of a mean over it, without a false alarm.
ERRORS = 2.0
# Standard deviation of a rank between 0 and 1.
_RANK_SPREAD = 1 / math.sqrt(12)
# PSI by common usage: below 0.1 alike, above 0.25 another population.
PSI_ALIKE, PSI_OTHER = 0.1, 0.25
STEP = 0.02


class ReferenceThin(ValueError):
    """Too few values to say what is usual."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is usual of a value: the edges between its bins, each bin's share, and of how many.

    `hard` holds the shares of requests known to be hard (answered wrong), empty when none are.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    count: int
    hard: tuple[float, ...] = ()

    def place(self, value: float) -> int:
        """Return a value's bin."""
        return bisect_right(self.edges, value)


@dataclass(frozen=True, slots=True)
class Watch:
    """A value under watch: `worse_when_low` for P(right) and scores, not for escalations.

    `sums` are the tests' states, to be kept between runs; `watches` is how many values are watched
    together, so that all of them raise the promised number of false alarms, not each.
    """

    name: str
    reference: Reference
    worse_when_low: bool
    watches: int = 1
    sums: tuple[float, ...] = ()
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A watch went off after `seen` values since it was reset."""

    name: str
    seen: int
    words: str


@dataclass(frozen=True, slots=True)
class Tightened:
    """A policy one step stricter, and the sentence that says so."""

    policy: Policy
    words: str


def reference(values: Iterable[float], *, hard: Sequence[float] = ()) -> Reference:
    """Return what is usual of values, in bins of about equal share. Raises ReferenceThin.

    `hard` are the values of labelled requests that were answered wrong: then the shift towards
    those is looked for as well, which is noticed soonest; fewer than FEWEST_HARD tell too little.
    """
    known = np.asarray(list(values), dtype=np.float64)
    if len(known) < FEWEST:
        raise ReferenceThin(f"{len(known)} requests are too few to compare with: {FEWEST} needed.")
    bins = max(2, min(BINS, len(known) // OF_A_BIN))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    edges = edges[edges > known.min()]
    if not len(edges):  # Nearly all are the same, as where few requests escalate.
        edges = np.unique(known)[1:][-1:]
    plain = Reference(tuple(map(float, edges)), (0.0,) * (len(edges) + 1), len(known))
    usual = replace(plain, shares=tuple(_shares(plain, known.tolist())))
    return replace(usual, hard=_shrunk(usual, hard)) if len(hard) >= FEWEST_HARD else usual


def psi(usual: Reference, values: Sequence[float]) -> float:
    """Return the population stability index of values against what is usual."""
    now = _shares(usual, values)
    return float(
        sum((new - old) * math.log(new / old) for new, old in zip(now, usual.shares, strict=True))
    )


def ks(usual: Reference, values: Sequence[float]) -> float:
    """Return the Kolmogorov-Smirnov distance at the bins' edges, 0 to 1."""
    apart = np.cumsum(_shares(usual, values)) - np.cumsum(usual.shares)
    return float(np.max(np.abs(apart)))


def observe(watch: Watch, values: Iterable[float]) -> tuple[Watch, Alarm | None]:
    """Return the watch after these values, up to the first alarm; then it begins anew."""
    found = ratios(watch)
    heights = [_height(watch.reference, step, tests=len(found) * watch.watches) for step in found]
    steps = [_allowing(watch.reference, step) for step in found]
    sums = list(watch.sums) if len(watch.sums) == len(steps) else [0.0] * len(steps)
    seen = watch.seen
    for value in values if steps else ():
        seen += 1
        place = watch.reference.place(value)
        for which, step in enumerate(steps):
            sums[which] = max(0.0, sums[which] + step[place])
            if sums[which] > heights[which]:
                return replace(watch, sums=(), seen=0), _alarm(watch, seen)
    return replace(watch, sums=tuple(sums), seen=seen), None


def _allowing(usual: Reference, step: tuple[float, ...]) -> tuple[float, ...]:
    """Return a test that stays down where the reference is ERRORS standard errors too hopeful."""
    mean = float(np.dot(usual.shares, step))
    spread = math.sqrt(float(np.dot(usual.shares, np.square(step))) - mean**2)
    allowed = ERRORS * spread / math.sqrt(usual.count)
    return tuple(each - allowed for each in step)


def _height(usual: Reference, step: tuple[float, ...], *, tests: int) -> float:
    """Return how high a test may climb before it rings: exp(x) - x - 1 = runs x drift, x the
    height with Siegmund's correction for what the last step overshoots.
    """
    drift = -float(np.dot(usual.shares, step))
    spread = math.sqrt(float(np.dot(usual.shares, np.square(step))) - drift**2)
    wanted = BETWEEN_FALSE_ALARMS * MARGIN * tests * drift
    height = math.log1p(wanted)
    for _ in range(8):
        height = math.log1p(wanted + height)
    return max(1.0, height - 1.166 * spread)


def ratios(watch: Watch) -> list[tuple[float, ...]]:
    """Return each test's log likelihood ratio by bin: the usual shares tilted towards the worse.

    A shift that the reference itself is too small to tell from its own error is not looked for.
    """
    usual = watch.reference
    ends = np.cumsum(usual.shares)
    ranks = ends - np.asarray(usual.shares) / 2
    worse = 0.5 - ranks if watch.worse_when_low else ranks - 0.5
    spread = float(np.sqrt(np.dot(usual.shares, worse**2)))
    if spread <= 0:
        return []
    found = []
    for steepness in STEEPNESS:
        tilt = steepness * _RANK_SPREAD / spread
        if tilt * spread * math.sqrt(usual.count) < 8:
            continue
        whole = float(np.dot(usual.shares, np.exp(tilt * worse)))
        found.append(tuple(float(each) for each in tilt * worse - math.log(whole)))
        break
    if usual.hard:
        mixed = (1 - HARD_SHARE) + HARD_SHARE * np.asarray(usual.hard) / np.asarray(usual.shares)
        found.append(tuple(float(each) for each in np.log(mixed)))
    return found


def tighten(policy: Policy, *, why: str, levels: Sequence[Sequence[float]] = ()) -> Tightened:
    """Return the policy with every gate's threshold one step higher.

    `levels` are those of the last calibration, gate by gate, so that a step is one that was
    measured; without them it is `STEP`. A stage without a gate (threshold 0) stays as it is.
    """
    stages, said = [], []
    for stage, measured in zip_longest(policy.stages[:-1], levels[: len(policy.stages) - 1]):
        higher = _higher(stage.threshold, measured or ())
        if stage.threshold > 0 and higher != stage.threshold:
            said.append(f"{stage.name} from {stage.threshold:.2f} to {higher:.2f}")
            stage = replace(stage, threshold=higher)
        stages.append(stage)
    tighter = replace(policy, stages=(*stages, *policy.stages[-1:]))
    if not said:
        return Tightened(tighter, f"{why} No threshold can be raised any further.")
    return Tightened(tighter, f"{why} Thresholds were raised one step: {', '.join(said)}.")


def _higher(threshold: float, levels: Sequence[float]) -> float:
    above = [level for level in levels if level > threshold]
    return min(above) if above else min(1.0, round(threshold + STEP, 6))


def _alarm(watch: Watch, seen: int) -> Alarm:
    words = f"{watch.name}: since {seen:,} requests or less traffic is harder than it was."
    return Alarm(watch.name, seen, words)


def _shrunk(usual: Reference, hard: Sequence[float]) -> tuple[float, ...]:
    """Return the shares of hard requests, drawn towards the usual ones when they are few."""
    counts = np.bincount([usual.place(value) for value in hard], minlength=len(usual.shares))
    prior = len(usual.shares) * np.asarray(usual.shares)
    return tuple(float(each) for each in (counts + prior) / (len(hard) + len(usual.shares)))


def _shares(usual: Reference, values: Sequence[float]) -> list[float]:
    counts = np.bincount(
        [usual.place(value) for value in values], minlength=len(usual.shares)
    ).astype(np.float64)
    counts += 0.5
    return [float(each) for each in counts / counts.sum()]
