"""The policies a calibration may choose from, in a fixed order from the safest to the boldest.

Pure. The order must not depend on labels: then testing them one after another until the first
failure needs no correction for how many there are (fixed-sequence testing; Learn then Test,
arXiv:2110.01052).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cascade.domain.calibration import frontier
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.following import follow
from cascade.domain.replay.ground import Ground, Incomplete
from cascade.domain.replay.intervals import Numbers
from cascade.domain.replay.senses import Overheads, Senses, compared
from cascade.domain.trial import Trial

STEPS = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy on a path; `levels` are the thresholds of its stages, but for the last one."""

    family: str
    levels: tuple[float, ...]
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


def path(
    policy: Policy,
    trials: Sequence[Trial],
    *,
    prices: PriceTable,
    senses: Senses,
    steps: int = STEPS,
) -> tuple[Candidate, ...]:
    """Return a policy with its thresholds moved from where nothing passes to everything.

    A single gate's are quantiles of its scores, so that each step lets through an equal share.
    """
    family = " > ".join(stage.name for stage in policy.stages)
    gates = len(policy.stages) - 1
    if gates > 1 and trials:
        outlook = frontier.outlook_of(policy, trials, prices=prices, senses=senses)
        levels = frontier.thresholds(outlook, steps=steps)
    else:
        levels = tuple((level,) * gates for level in _quantiles(policy, trials, senses, steps))
    return tuple(Candidate(family, each, at_levels(policy, each)) for each in levels)


def _quantiles(
    policy: Policy, trials: Sequence[Trial], senses: Senses, steps: int
) -> tuple[float, ...]:
    model = policy.stages[0].target.model
    scores = [senses.score(trial, model, ()) for trial in trials]
    known = [score for score in scores if score is not None]
    if not known:
        return (frontier.NEVER,)
    shares = np.linspace(1.0, 0.0, steps + 1)[1:]
    found = {round(float(each), 4) for each in np.quantile(known, shares)}
    return (frontier.NEVER, *sorted(found, reverse=True))


def at_levels(policy: Policy, levels: Sequence[float]) -> Policy:
    """Return the policy with these thresholds at its stages but the last."""
    gated = zip(policy.stages, levels, strict=False)
    stages = tuple(replace(stage, threshold=level) for stage, level in gated)
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
    """Return the trials of which every stage's answer is known, judged and priced.

    Where earlier answers count, it must be known how alike they are, too.
    """
    models = [stage.target.model for stage in policy.stages]
    kept = tuple(
        trial
        for trial in trials
        if all(
            model in trial.outcomes and trial.outcomes[model].quality is not None
            for model in models
        )
    )
    if policy.hears_earlier:
        kept = tuple(found for trial in kept if (found := compared(trial, models[:-1])) is not None)
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
