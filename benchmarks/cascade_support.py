"""A support mix by difficulty, replayed with every overhead against all-Opus.

Nobody published outcomes of real support chats. Recorded answers stand in for them by difficulty: a
question is easy when at least 90 % of the models that are no stage here answered it right, hard
when fewer than half did, medium between; rows are weighted so that the classes have the shares of
the mix. The classes are never shown to router, gate or policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from benchmarks.cascade_rivals import Numbers, Scored, cascade_of, levels, single, table, walked
from benchmarks.figures import Figure
from cascade.domain.policy import Judge, Kind, Policy, Target
from cascade.domain.replay.replaying import replay
from cascade.domain.replay.senses import Overheads

MIXES = ((70, 20, 10), (80, 10, 10))
RATIOS = (1, 3, 5)
EASY, HARD = 0.9, 0.5
LEAST_SAVED, MOST_LOST = 65.0, 1.0
GAINS = (0.0, 0.05, 0.15, 0.3)
STEPS = 10
SHADOWED, JUDGED, RETRIED = 0.01, 0.01, 0.01


def figures(learn: Scored, fresh: Scored, models: Sequence[str]) -> list[Figure]:
    """Return saved and lost by mix, the policy chosen on `learn` and measured on `fresh`."""
    found = []
    for mix in MIXES:
        shares = "/".join(map(str, mix))
        seen, unseen = mixed(learn, mix, models), mixed(fresh, mix, models)
        policy = _chosen(seen, models)
        prices = table(models, RATIOS)
        made = replay(
            policy,
            unseen.trials,
            prices=prices,
            senses=unseen.senses([stage.target.model for stage in policy.stages], has_router=True),
            overheads=Overheads(retried_share=RETRIED),
            seed=1,
        )
        saved, lost = made.saved, made.lost
        asides = sum(each for role, each in made.by_role.items() if role != "stage")
        rivals = ", ".join(
            f"{_short(model)} alone saves {100 * (1 - cost):.0f} % and loses {100 * worse:.1f}"
            for model, cost, worse in _alone(unseen, models)
        )
        spent = 100 - 100 * saved.value
        found += [
            Figure(
                f"spent of all-Opus, {shares}",
                spent,
                "%",
                100 - LEAST_SAVED,
                f"saves {100 * saved.value:.1f} [{100 * saved.low:.1f}, {100 * saved.high:.1f}]; "
                f"judge, retries and shadow {100 * asides / made.pico:.1f} % of it; {rivals}",
                noise=1.0,
            ),
            Figure(
                f"points lost to all-Opus, {shares}",
                100 * lost.value,
                "pt",
                MOST_LOST,
                f"[{100 * lost.low:.1f}, {100 * lost.high:.1f}] on {made.trials} rows; "
                f"{made.escalations} escalations",
                noise=1.0,
            ),
        ]
    return found


def mixed(scored: Scored, mix: Sequence[int], models: Sequence[str]) -> Scored:
    """Return the trials weighted so that easy, medium and hard have the shares of the mix."""
    classes = difficulty(scored, models)
    weights = np.zeros(len(classes))
    for place, share in enumerate(mix):
        of_class = classes == place
        weights[of_class] = share / 100 * len(classes) / max(1, of_class.sum())
    trials = tuple(
        replace(trial, weight=float(weight), intent=("easy", "medium", "hard")[place])
        for trial, weight, place in zip(scored.trials, weights, classes, strict=True)
    )
    return Scored(trials, scored.pre, scored.post)


def difficulty(scored: Scored, models: Sequence[str]) -> np.ndarray:
    """Return 0 for easy, 1 for medium, 2 for hard, by models that are no stage of the cascade."""
    right = np.array(
        [
            np.mean([each.quality for name, each in trial.outcomes.items() if name not in models])
            for trial in scored.trials
        ]
    )
    return np.where(right >= EASY, 0, np.where(right >= HARD, 1, 2))


def _chosen(learn: Scored, models: Sequence[str]) -> Policy:
    """Return the policy that saves most while it loses at most the allowed on these trials."""
    prices = table(models, RATIOS)
    weight = np.array([trial.weight for trial in learn.trials])
    strongest = single(models[-1], learn, prices)
    best, least = cascade_of(models[-1:]), float((weight * strongest.pico).sum())
    for policy in _policies(learn, models):
        walk = walked(policy, learn, prices, has_router=True)
        lost = float(np.average(strongest.quality - walk.quality, weights=weight))
        spent = float((weight * walk.pico).sum())
        if 100 * lost <= MOST_LOST and spent < least:
            best, least = policy, spent
    judge = Target(kind=Kind.BEDROCK, model=models[0], address=models[0])
    return replace(
        best,
        shadow_share=SHADOWED,
        judge=Judge(target=judge, low=0.0, high=0.0, sample_share=JUDGED),
    )


def _policies(learn: Scored, models: Sequence[str]) -> Iterator[Policy]:
    for some in (models, (models[0], models[-1])):
        grid = levels(learn, some, steps=STEPS)
        for gain, *thresholds in product(GAINS, *[grid] * (len(some) - 1)):
            policy = cascade_of(some, scorer="learned", skip_gain=gain)
            stages = tuple(
                replace(stage, threshold=level)
                for stage, level in zip(policy.stages, (*thresholds, 0.0), strict=True)
            )
            yield replace(policy, stages=stages)


def _alone(fresh: Scored, models: Sequence[str]) -> Iterator[tuple[str, float, float]]:
    """Yield each cheaper model alone: its cost over the strongest's, and the quality it loses."""
    prices = table(models, RATIOS)
    weight = np.array([trial.weight for trial in fresh.trials])
    strongest = single(models[-1], fresh, prices)
    for model in models[:-1]:
        found = single(model, fresh, prices)
        lost: Numbers = strongest.quality - found.quality
        cost = (weight * found.pico).sum() / (weight * strongest.pico).sum()
        yield model, float(cost), float(np.average(lost, weights=weight))


def _short(model: str) -> str:
    return model.removeprefix("claude-3-").split("-2")[0]
