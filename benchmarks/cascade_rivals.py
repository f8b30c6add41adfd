"""Recorded answers as trials, price tables by ratio, and policies over them: what figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade.domain.calibration.paths import Columns, columns
from cascade.domain.policy import Kind, Policy, Stage, Target
from cascade.domain.prices import PICO, PriceTable, Tariff
from cascade.domain.replay.ground import Ground
from cascade.domain.replay.senses import Senses, beside, no_forecast
from cascade.domain.trial import Trial

Numbers = NDArray[np.float64]
# Output tokens cost five times input tokens at each of these models.
OUTPUT = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """Trials with P(right) by model before the call (`pre`) and after it (`post`), by trial.

    Every figure is out of fold: the model that gave it has not seen the trial's bucket.
    """

    trials: tuple[Trial, ...]
    pre: Mapping[str, Numbers]
    post: Mapping[str, Numbers]

    def senses(self, models: Sequence[str], *, has_router: bool) -> Senses:
        """Return router and gate as they were recorded here."""
        place = {trial.trial_id: at for at, trial in enumerate(self.trials)}
        chances = np.array([self.pre[model] for model in models]).T.tolist()
        post = {model: found.tolist() for model, found in self.post.items()}

        def foresee(trial: Trial) -> tuple[float, ...]:
            return tuple(chances[place[trial.trial_id]])

        def score(trial: Trial, model: str, earlier: tuple[str, ...]) -> float | None:
            alone = post[model][place[trial.trial_id]] if model in post else None
            return None if alone is None else beside(trial, model, earlier, alone)

        return Senses(foresee=foresee if has_router else no_forecast, score=score)

    def only(self, kept: NDArray[np.bool_]) -> Scored:
        """Return the trials at these places."""
        return Scored(
            trials=tuple(each for each, is_kept in zip(self.trials, kept, strict=True) if is_kept),
            pre={model: found[kept] for model, found in self.pre.items()},
            post={model: found[kept] for model, found in self.post.items()},
        )

    @property
    def buckets(self) -> NDArray[np.int64]:
        """Return each trial's bucket."""
        return np.array([trial.bucket for trial in self.trials])


def cascade_of(models: Sequence[str], **more) -> Policy:
    """Return a policy of these models from the cheapest to the strongest; nothing is shadowed."""
    stages = tuple(
        Stage(
            name=model,
            target=Target(kind=Kind.BEDROCK, model=model, address=model),
            threshold=0.8,
        )
        for model in models
    )
    return Policy(stages=stages, **{"shadow_share": 0.0, **more})


def table(models: Sequence[str], ratios: Sequence[float]) -> PriceTable:
    """Return prices in these ratios, a dollar for a million input tokens at 1."""
    return PriceTable(
        version=":".join(f"{ratio:g}" for ratio in ratios),
        region="us-east-1",
        as_of="2026-11-20",
        tariffs={
            model: Tariff(round(ratio * PICO), round(ratio * OUTPUT * PICO), round(ratio * PICO))
            for model, ratio in zip(models, ratios, strict=True)
        },
    )


def walked(policy: Policy, scored: Scored, prices: PriceTable, *, has_router: bool) -> Columns:
    """Walk a policy over all trials."""
    models = [stage.target.model for stage in policy.stages]
    senses = scored.senses(models, has_router=has_router)
    return columns(Ground(policy, prices, senses), scored.trials)


def single(model: str, scored: Scored, prices: PriceTable) -> Columns:
    """Give every trial to one model."""
    return walked(cascade_of([model]), scored, prices, has_router=False)


def levels(scored: Scored, models: Sequence[str], *, steps: int) -> tuple[float, ...]:
    """Return thresholds that let through ever larger shares of the gated models' answers."""
    scores = np.concatenate([scored.post[model] for model in models[:-1]])
    return (1.0, *np.unique(np.quantile(scores, np.linspace(0, 1, steps)))[::-1].tolist())


def at(policy: Policy, threshold: float) -> Policy:
    """Return a policy with one threshold at all stages but the last."""
    gated = tuple(replace(stage, threshold=threshold) for stage in policy.stages[:-1])
    return replace(policy, stages=(*gated, policy.stages[-1]))
