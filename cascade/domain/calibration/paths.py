"""The policies a calibration may choose from, in a fixed order from the safest to the boldest.

Pure. The order must not depend on labels: then testing them one after another until the first
failure needs no correction for how many there are (fixed-sequence testing; Learn then Test,
arXiv:2110.01052).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.following import Ground, Incomplete, follow
from cascade.domain.replay.intervals import Numbers
from cascade.domain.replay.senses import Overheads, Senses
from cascade.domain.trial import Trial

STEPS = 40
NEVER = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy on a path; `level` is the threshold its gated stages share."""

    family: str
    level: float
    policy: Policy


@dataclass(frozen=True, slots=True)
class Columns:
    """What a candidate made of each labelled trial, as arrays by trial; costs in pico-dollars."""

    pico: Numbers
    quality: Numbers
    accepted: Numbers


@dataclass(frozen=True, slots=True)
class Labelled:
    """The trials that every candidate can be tried on, with what the strongest made of them."""

    trials: tuple[Trial, ...]
    weight: Numbers
    strongest_pico: Numbers
    strongest: Numbers
    cheapest_pico: Numbers
    cheapest: Numbers


def path(policy: Policy, *, scores: Iterable[float], steps: int = STEPS) -> tuple[Candidate, ...]:
    """Return a policy with its thresholds moved together from where nothing passes to everything.

    The levels are quantiles of the gate's scores, so that each step lets through an equal share.
    """
    family = " > ".join(stage.name for stage in policy.stages)
    known = np.asarray(list(scores), dtype=np.float64)
    if not len(known):
        return (Candidate(family, NEVER, at_level(policy, NEVER)),)
    shares = np.linspace(1.0, 0.0, steps + 1)[1:]
    levels = [NEVER, *sorted({round(float(each), 4) for each in np.quantile(known, shares)})[::-1]]
    return tuple(Candidate(family, level, at_level(policy, level)) for level in levels)


def at_level(policy: Policy, level: float) -> Policy:
    """Return the policy with this threshold at every stage but the last."""
    stages = tuple(replace(stage, threshold=level) for stage in policy.stages[:-1])
    return replace(policy, stages=(*stages, policy.stages[-1]))


def without(policy: Policy, *places: int) -> Policy:
    """Return the policy without these stages: a family of its own."""
    kept = tuple(stage for at, stage in enumerate(policy.stages) if at not in places)
    return replace(policy, stages=kept)


def narrowed(senses: Senses, policy: Policy, family: Policy) -> Senses:
    """Return what is foreseen for a policy's stages as what is foreseen for some of them."""
    if len(family.stages) == len(policy.stages):
        return senses
    places = [policy.stage_named(stage.name) for stage in family.stages]

    def foresee(trial: Trial) -> tuple[float, ...]:
        found = senses.foresee(trial)
        return tuple(found[place] for place in places) if len(found) > max(places) else ()

    return replace(senses, foresee=foresee)


def labelled(policy: Policy, trials: Sequence[Trial], *, prices: PriceTable) -> Labelled:
    """Return the trials of which every stage's answer is known, judged and priced."""
    models = [stage.target.model for stage in policy.stages]
    kept = tuple(
        trial
        for trial in trials
        if all(
            model in trial.outcomes and trial.outcomes[model].quality is not None
            for model in models
        )
    )
    ends = Ground(without(policy, *range(len(models) - 1)), prices)
    starts = Ground(replace(policy, stages=policy.stages[:1]), prices)
    strongest, cheapest = columns(ends, kept), columns(starts, kept)
    return Labelled(
        trials=kept,
        weight=np.array([trial.weight for trial in kept]),
        strongest_pico=strongest.pico,
        strongest=strongest.quality,
        cheapest_pico=cheapest.pico,
        cheapest=cheapest.quality,
    )


def scores_of(policy: Policy, trials: Iterable[Trial], senses: Senses) -> list[float]:
    """Return the gate's scores of all stages but the last."""
    found = []
    for trial in trials:
        for stage in policy.stages[:-1]:
            score = senses.score(trial, stage.target.model)
            if score is not None:
                found.append(score)
    return found


def tried(
    candidate: Candidate,
    trials: Sequence[Trial],
    *,
    prices: PriceTable,
    senses: Senses,
    overheads: Overheads,
    seed: int,
) -> Columns:
    """Return what a candidate makes of each trial. Raises Incomplete when one lacks a score."""
    return columns(Ground(candidate.policy, prices, senses, overheads, seed), trials)


def columns(ground: Ground, trials: Sequence[Trial]) -> Columns:
    """Walk every trial through a policy. Raises Incomplete."""
    stages = ground.policy.stages
    pico, quality, accepted = [], [], []
    for trial in trials:
        found = follow(ground, trial)
        outcome = None if found.stage is None else trial.outcomes[stages[found.stage].target.model]
        pico.append(found.pico)
        quality.append(_quality(outcome.quality) if outcome else 0.0)
        accepted.append(found.stage is not None and found.stage < len(stages) - 1)
    return Columns(
        np.array(pico, dtype=np.float64),
        np.array(quality, dtype=np.float64),
        np.array(accepted, dtype=np.float64),
    )


def _quality(quality: float | None) -> float:
    if quality is None:
        raise Incomplete("An answer that would be given was never judged.")
    return quality
