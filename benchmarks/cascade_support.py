"""A support mix by difficulty, replayed with every overhead against all-Opus.

How the mix is made stands in `support_mix`. The gate's score of a recorded answer is that of its
own question, brought to the mix by what the router says of the customer's text; classes are never
shown to router, gate or policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from benchmarks.cascade_rivals import Numbers, Scored, cascade_of, levels, single, table, walked
from benchmarks.cascade_scores import forecast, right_of
from benchmarks.figures import Figure
from benchmarks.support_mix import EIGHTY, SEVENTY, Mixed, support_mix
from cascade.domain.gate.agreement import Agreement
from cascade.domain.hashing import Hashed
from cascade.domain.logistic import fit_logistic, rows_of, sigmoid
from cascade.domain.policy import Judge, Kind, Policy, Target
from cascade.domain.replay.replaying import replay
from cascade.domain.replay.senses import Overheads
from cascade.domain.trial import Trial

MIXES = {"70/20/10": SEVENTY, "80/10/10": EIGHTY}
RATIOS = (1, 3, 5)
LEAST_SAVED, MOST_LOST = 65.0, 1.0
GAINS = (0.0, 0.05, 0.15, 0.3)
# Thresholds that are tried: of each of two gates, and of a single one.
STEPS = {2: 10, 1: 40}
SHADOWED, JUDGED, RETRIED = 0.01, 0.01, 0.01


def figures(origins: Sequence[Scored], models: Sequence[str]) -> list[Figure]:
    """Return saved and lost by mix: chosen on buckets 0 to 4, measured on 5 and 6."""
    found = []
    for name, shares in MIXES.items():
        mix = mixed(support_mix(shares), origins, models)
        learn, fresh = mix.only(mix.buckets < 5), mix.only(mix.buckets >= 5)
        found += _measured(name, _chosen(learn, models), fresh, models)
    return found


def _measured(name: str, policy: Policy, fresh: Scored, models: Sequence[str]) -> list[Figure]:
    made = replay(
        policy,
        fresh.trials,
        prices=table(models, RATIOS),
        senses=fresh.senses([stage.target.model for stage in policy.stages], has_router=True),
        overheads=Overheads(retried_share=RETRIED),
        seed=1,
    )
    saved, lost = made.saved, made.lost
    asides = sum(each for role, each in made.by_role.items() if role != "stage")
    rivals = ", ".join(
        f"{_short(model)} alone saves {100 * (1 - cost):.0f} % and loses {100 * worse:.1f}"
        for model, cost, worse in _alone(fresh, models)
    )
    told = (
        f"saves {100 * saved.value:.1f} [{100 * saved.low:.1f}, {100 * saved.high:.1f}]; judge, "
        f"retries and shadow {100 * asides / made.pico:.1f} % of it; {rivals}; one who knows every "
        f"outcome saves {100 * _knowing(fresh, models):.0f} % and loses nothing"
    )
    of_quality = (
        f"[{100 * lost.low:.1f}, {100 * lost.high:.1f}] on {made.trials} requests; "
        f"{made.escalations} escalations"
    )
    spent = 100 - 100 * saved.value
    return [
        Figure(f"spent of all-Opus, {name}", spent, "%", 100 - LEAST_SAVED, told, noise=1.0),
        Figure(
            f"points lost to all-Opus, {name}",
            100 * lost.value,
            "pt",
            MOST_LOST,
            of_quality,
            noise=1.0,
        ),
    ]


def mixed(mix: Sequence[Mixed], origins: Sequence[Scored], models: Sequence[str]) -> Scored:
    """Return the requests of a mix with router and gate of their own."""
    like = {
        trial.trial_id: {model: found.like for model, found in trial.outcomes.items()}
        for scored in origins
        for trial in scored.trials
    }
    trials = tuple(_heard(each.trial, like[each.origin]) for each in mix)
    pre, post = forecast(trials, models), {}
    learn = np.array([trial.bucket < 5 for trial in trials])
    for model in models:
        known = {
            trial.trial_id: score
            for scored in origins
            for trial, score in zip(scored.trials, scored.post[model], strict=True)
        }
        of_answer = np.array([known[each.origin] for each in mix])
        both = rows_of(
            [
                Hashed(np.arange(2, dtype=np.int32), np.array(pair, dtype=np.float32))
                for pair in zip(_odds(of_answer), _odds(pre[model]), strict=True)
            ],
            columns=2,
        )
        right = right_of(trials, model)
        fit = fit_logistic(both.kept(learn), right[learn], counts=2, count_scale=1.0)
        post[model] = np.asarray(sigmoid(fit.log_odds(both)))
    return Scored(trials, pre, post)


def _heard(trial: Trial, like: Mapping[str, Mapping[str, Agreement]]) -> Trial:
    """Return a trial whose answers are as alike as those of the question it stands for."""
    outcomes = {model: replace(found, like=like[model]) for model, found in trial.outcomes.items()}
    return replace(trial, outcomes=outcomes)


def _odds(chances: Numbers) -> Numbers:
    held = np.clip(chances, 1e-3, 1 - 1e-3)
    return np.log(held / (1 - held))


def _knowing(fresh: Scored, models: Sequence[str]) -> float:
    """Return what is saved by asking, of each request, the cheapest that is as good as the top."""
    prices = table(models, RATIOS)
    walks = [single(model, fresh, prices) for model in models]
    good = np.array([walk.quality >= walks[-1].quality for walk in walks])
    costs = np.where(good, np.array([walk.pico for walk in walks]), np.inf)
    return float(1 - costs.min(axis=0).sum() / walks[-1].pico.sum())


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
        grid = levels(learn, some, steps=STEPS[len(some) - 1])
        for gain, *thresholds in product(GAINS, *[grid] * (len(some) - 1)):
            policy = cascade_of(some, scorer="learned", skip_gain=gain, hears_earlier=True)
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
