"""The boldest policy whose quality is certain enough, and the curve it was chosen from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cascade.domain.calibration.bounds import Evidence, labels_needed, lower_bound, weigh
from cascade.domain.calibration.feasibility import Feasibility, feasibility
from cascade.domain.calibration.paths import (
    STEPS,
    Candidate,
    Columns,
    Labelled,
    labelled,
    narrowed,
    path,
    tried,
)
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.intervals import Interval, Numbers, quick_ratio
from cascade.domain.replay.senses import Overheads, Senses
from cascade.domain.trial import Trial

FEWEST_LABELS = 30
# Of fewer labelled trials with likeness, more is lost by leaving the others out than is heard.
LEAST_HEARD = 0.5
UNHEARD = (
    " Earlier answers do not count here: of too few labelled trials it is known whether two stages "
    "said the same. Their texts would tell."
)


@dataclass(frozen=True, slots=True)
class Target:
    """The promise: `quality` as a share of the strongest stage's, kept with this `confidence`.

    `ahead` makes it a promise about the next so many requests, whose own luck then counts too;
    None: about the mean of all requests there will ever be.
    """

    quality: float = 0.98
    confidence: float = 0.9
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A candidate with what was seen of it; `levels` are the thresholds of its gates, in order.

    `margin` is its quality less the target (absolute), `bound` the margin's lower bound;
    `is_safe` says that it and every safer one before it passed. `labels` would show that it is
    safe, None when it seems to miss the target.
    """

    family: str
    levels: tuple[float, ...]
    accepted: float
    saved: Interval
    quality: Interval
    margin: float
    bound: float
    is_safe: bool
    labels: int | None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration: `policy` to propose (None: only the strongest alone is safe), and why.

    `tempting` is what the mean alone would have chosen: such thresholds miss their target about
    every second time.
    """

    target: Target
    labels: int
    points: tuple[Point, ...]
    chosen: Point | None
    tempting: Point | None
    policy: Policy | None
    feasibility: Feasibility
    words: str


def calibrate(
    policy: Policy,
    trials: Sequence[Trial],
    *,
    prices: PriceTable,
    target: Target | None = None,
    families: Sequence[Policy] = (),
    senses: Senses | None = None,
    overheads: Overheads | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> Calibrated:
    """Return the thresholds that save most while the target's quality is certain enough.

    `families` are other shapes that may be chosen instead (stages left out); the confidence is
    shared between them and the policy's own; each is tried at `steps` levels. Trials that lack a
    judged answer of any stage are not used; each counts by its weight. Where earlier answers count
    and too few trials say how alike answers are, a policy is proposed in which they do not. Raises
    Incomplete when a trial lacks a score.
    """
    senses, overheads = senses or Senses(), overheads or Overheads()
    target = target or Target()
    shapes, known, remark = _usable((policy, *families), trials, prices)
    walks: list[tuple[Candidate, Columns]] = []
    for shape in shapes:
        told = narrowed(senses, policy, shape)
        walks += [
            (
                each,
                tried(
                    each, known.trials, prices=prices, senses=told, overheads=overheads, seed=seed
                ),
            )
            for each in path(shape, known.trials, prices=prices, senses=told, steps=steps)
        ]
    points = judged(walks, known, target=target)
    chosen, tempting = choose(points), tempted(points)
    kept = next((each.policy for each, _ in walks if chosen and _is(each, chosen)), None)
    return Calibrated(
        target=target,
        labels=len(known.trials),
        points=points,
        chosen=chosen,
        tempting=tempting,
        policy=kept,
        feasibility=_feasible(known, target),
        words=_words(points, chosen, target, labels=len(known.trials)) + remark,
    )


def _usable(
    shapes: tuple[Policy, ...], trials: Sequence[Trial], prices: PriceTable
) -> tuple[tuple[Policy, ...], Labelled, str]:
    """Return the shapes to try, the trials to try them on, and what there is to say of it."""
    known = labelled(shapes[0], trials, prices=prices)
    if not shapes[0].hears_earlier:
        return shapes, known, ""
    deaf = tuple(replace(shape, hears_earlier=False) for shape in shapes)
    every = labelled(deaf[0], trials, prices=prices)
    if len(known.trials) >= LEAST_HEARD * len(every.trials):
        return shapes, known, ""
    return deaf, every, UNHEARD


def judged(
    walks: Sequence[tuple[Candidate, Columns]], known: Labelled, *, target: Target
) -> tuple[Point, ...]:
    """Return each candidate's point, family by family, each tested until its first failure."""
    families = {candidate.family for candidate, _ in walks}
    confidence = 1 - (1 - target.confidence) / max(1, len(families))
    points: list[Point] = []
    failed: set[str] = set()
    for candidate, walk in walks:
        bound, evidence = tested(walk.quality, known.strongest, known.weight, target, confidence)
        if bound < 0:
            failed.add(candidate.family)
        points.append(
            Point(
                family=candidate.family,
                levels=candidate.levels,
                accepted=float(np.average(walk.accepted, weights=known.weight))
                if len(known.weight)
                else 0.0,
                saved=_saved(walk.pico, known),
                quality=quick_ratio(walk.quality, np.ones_like(walk.quality), known.weight),
                margin=evidence.mean,
                bound=bound,
                is_safe=candidate.family not in failed,
                labels=labels_needed(evidence, confidence=confidence),
            )
        )
    return tuple(points)


def tested(
    quality: Numbers, strongest: Numbers, weight: Numbers, target: Target, confidence: float
) -> tuple[float, Evidence]:
    """Return the lower bound on quality - target x strongest, and the evidence for it.

    The bound is -1, the worst there is, of fewer than `FEWEST_LABELS` labels.
    """
    margins = quality - target.quality * strongest
    evidence = weigh(margins, weight)
    if evidence.trials < FEWEST_LABELS:
        return -1.0, evidence
    careful = weigh(margins, weight, worst=-target.quality)
    return lower_bound(careful, confidence=confidence, ahead=target.ahead), evidence


def choose(points: Sequence[Point]) -> Point | None:
    """Return the safe point that saves most; None when none saves anything."""
    safe = [point for point in points if point.is_safe and point.saved.value > 0]
    return max(safe, key=lambda point: point.saved.value, default=None)


def tempted(points: Sequence[Point]) -> Point | None:
    """Return what the means alone would choose."""
    seeming = [point for point in points if point.margin >= 0 and point.saved.value > 0]
    return max(seeming, key=lambda point: point.saved.value, default=None)


def _is(candidate: Candidate, point: Point) -> bool:
    return (candidate.family, candidate.levels) == (point.family, point.levels)


def _saved(pico: Numbers, known: Labelled) -> Interval:
    spent = quick_ratio(pico, known.strongest_pico, known.weight)
    if spent.value == 0:
        return spent
    return Interval(1 - spent.value, 1 - spent.high, 1 - spent.low)


def _feasible(known: Labelled, target: Target) -> Feasibility:
    return feasibility(
        cheapest_quality=weigh(known.cheapest, known.weight).mean,
        strongest_quality=weigh(known.strongest, known.weight).mean,
        target=target.quality,
        cost_share=float((known.cheapest_pico * known.weight).sum())
        / (float((known.strongest_pico * known.weight).sum()) or 1.0),
    )


def _from(point: Point) -> str:
    names = point.family.split(" > ")
    if len(point.levels) == 1:
        return f"from {point.levels[0]:.2f}"
    each = [f"{name} from {level:.2f}" for name, level in zip(names, point.levels, strict=False)]
    return f"{', '.join(each[:-1])} and {each[-1]}"


def _words(points: Sequence[Point], chosen: Point | None, target: Target, *, labels: int) -> str:
    promise = f"{target.quality:.0%} of the strongest model's quality"
    if labels < FEWEST_LABELS:
        return f"{labels} labels are too few to promise anything; {FEWEST_LABELS} are the least."
    wanted = [p for p in points if p.labels and not p.is_safe and p.saved.value > 0]
    saved = chosen.saved.value if chosen else 0.0
    bolder = [p for p in wanted if p.saved.value > saved + 0.01]
    more = ""
    if bolder:
        least = min(bolder, key=lambda point: point.labels or 0)
        more = f" With about {least.labels:,} labels {least.saved.value:.0%} might be saved."
    if chosen is None:
        return f"No cheaper way keeps {promise} for certain on {labels:,} labels.{more}"
    return (
        f"Accepting {_from(chosen)} keeps {promise} with {target.confidence:.0%} "
        f"confidence and saves {chosen.saved.value:.0%}.{more}"
    )
