"""Trials in, figures out: one pass, a few numbers kept for each trial. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from cascade.domain.baselines import Tally, baselines
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.figures import IntentFigures, Replayed, StageFigures
from cascade.domain.replay.following import Followed, Role, follow
from cascade.domain.replay.ground import Ground, Incomplete, alone, price
from cascade.domain.replay.intervals import NOTHING, Interval, Numbers, mean, percentile, ratio
from cascade.domain.replay.senses import Overheads, Senses
from cascade.domain.replay.sums import Columns, IntentSums, StageSums
from cascade.domain.trial import Trial

MOST_TRIALS = 500_000
MOST_INTENTS = 200
OTHERS = "all others"


def replay(
    policy: Policy,
    trials: Iterable[Trial],
    *,
    prices: PriceTable,
    senses: Senses | None = None,
    overheads: Overheads | None = None,
    seed: int = 0,
    budget_share: float = 0.0,
    supposes: bool = False,
) -> Replayed:
    """Return what the policy would have cost and got right; the same for the same seed.

    `budget_share` is how much of the month's budget counts as spent (it moves the policy down its
    stages). Trials of which something needed is not known are left out and counted, unless the
    replay `supposes` it (see Ground): then costs are sums over all trials, each once, and only
    quality is drawn from those that were judged, by their weight. At most `MOST_TRIALS` are read.
    """
    ground = Ground(
        policy=policy,
        prices=prices,
        senses=senses or Senses(),
        overheads=overheads or Overheads(),
        seed=seed,
        budget_share=budget_share,
        supposes=supposes,
    )
    count = _Count(ground)
    for trial in trials:
        count.add(trial)
        if count.read >= MOST_TRIALS:
            break
    return count.figures()


def what_if(
    policy: Policy,
    trials: Sequence[Trial],
    *,
    tables: Sequence[PriceTable],
    senses: Senses | None = None,
    overheads: Overheads | None = None,
    seed: int = 0,
) -> tuple[Replayed, ...]:
    """Return the replay under each price table: plans are made anew by its prices."""
    return tuple(
        replay(policy, trials, prices=table, senses=senses, overheads=overheads, seed=seed)
        for table in tables
    )


class _Count:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.read = 0
        self.left_out: Counter[str] = Counter()
        self.by_role: dict[str, float] = {role.value: 0.0 for role in Role}
        self.counts: Counter[str] = Counter()
        self.stages = [StageSums() for _ in ground.policy.stages]
        self.intents: dict[str, IntentSums] = {}
        self.columns = Columns()
        self.tally = Tally()

    def add(self, trial: Trial) -> None:
        """Follow a trial and count it, or count why it is left out."""
        self.read += 1
        try:
            found = follow(self.ground, trial)
            costs = self._alone(trial)
        except Incomplete as lacking:
            self.left_out[str(lacking)] += 1
            return
        self.counts["trials"] += 1
        self.counts["escalations"] += found.escalations
        self.counts["short"] += found.end.is_short
        self.counts["failed"] += found.stage is None
        self.counts["supposed"] += found.is_supposed
        self.counts["unheard"] += found.is_unheard
        strongest = costs[self.ground.policy.stages[-1].target.model]
        self.tally.spend(costs, weight=self._counts_as(trial))
        self._money(found, strongest)
        self._quality(found, strongest)
        self._stages(found)

    def _money(self, found: Followed, strongest: int) -> None:
        weight, columns = self._counts_as(found.trial), self.columns
        for call in found.calls:
            self.by_role[call.role.value] += weight * call.pico
            self.stages[call.stage].pico += weight * call.pico
        columns.weight.append(weight)
        columns.pico.append(found.pico)
        columns.strongest_pico.append(strongest)
        if found.latency_s is not None and found.stage is not None:
            columns.latency_s.append(found.latency_s)
            columns.latency_weight.append(weight)

    def _alone(self, trial: Trial) -> dict[str, int]:
        """Return what a trial would cost with each model alone. Raises Incomplete."""
        ground, costs = self.ground, {}
        for stage in ground.policy.stages:
            model = stage.target.model
            costs[model] = price(ground.prices, model, alone(ground, trial, model).tokens)
        for model in trial.outcomes.keys() - costs.keys():
            if ground.prices.find(model) is not None:
                costs[model] = price(ground.prices, model, trial.outcomes[model].tokens)
        return costs

    def _counts_as(self, trial: Trial) -> float:
        """Return how many requests a trial's costs stand for."""
        return 1.0 if self.ground.supposes else trial.weight

    def _quality(self, found: Followed, strongest_pico: int) -> None:
        trial, columns = found.trial, self.columns
        name = trial.intent
        if name not in self.intents and len(self.intents) >= MOST_INTENTS:
            name = OTHERS
        intent = self.intents.setdefault(name, IntentSums())
        weight = self._counts_as(trial)
        intent.trials += 1
        intent.weight += weight
        intent.pico += weight * found.pico
        intent.strongest_pico += weight * strongest_pico
        intent.escalated += weight * (found.escalations > 0)
        quality, strongest = self._qualities(found)
        if quality is None or strongest is None:
            return
        self.tally.judge(trial)
        columns.judged_weight.append(trial.weight)
        columns.quality.append(quality)
        columns.strongest.append(strongest)
        intent.judged += trial.weight
        intent.quality += trial.weight * quality
        intent.strongest += trial.weight * strongest

    def _qualities(self, found: Followed) -> tuple[float | None, float | None]:
        """Return the quality of what was given (nothing is worth nothing) and the strongest's."""
        if found.is_supposed:
            return None, None
        stages = self.ground.policy.stages
        strongest = self._judged(found.trial, len(stages) - 1)
        return 0.0 if found.stage is None else self._judged(found.trial, found.stage), strongest

    def _judged(self, trial: Trial, place: int) -> float | None:
        outcome = trial.outcomes.get(self.ground.policy.stages[place].target.model)
        return None if outcome is None else outcome.quality

    def _stages(self, found: Followed) -> None:
        for tried in found.tried:
            stage = self.stages[tried.stage]
            stage.asked += 1
            stage.failed += tried.score is None
            stage.rejected += tried.score is not None and tried.stage != found.stage
        if found.stage is None:
            return
        answering = self.stages[found.stage]
        answering.answered += 1
        quality = self._judged(found.trial, found.stage)
        if quality is not None:
            answering.quality += found.trial.weight * quality
            answering.judged += found.trial.weight

    def figures(self) -> Replayed:
        """Return everything counted."""
        seed, columns = self.ground.seed, self.columns
        weight, pico, strongest_pico = map(
            _numbers, (columns.weight, columns.pico, columns.strongest_pico)
        )
        judged, quality, strongest = map(
            _numbers, (columns.judged_weight, columns.quality, columns.strongest)
        )
        latency, latency_weight = map(_numbers, (columns.latency_s, columns.latency_weight))
        total = round(float((weight * pico).sum()))
        return Replayed(
            trials=self.counts["trials"],
            left_out=dict(self.left_out),
            judged=len(judged),
            pico=total,
            strongest_pico=round(float((weight * strongest_pico).sum())),
            by_role={role: round(found) for role, found in self.by_role.items() if found},
            saved=_saved(ratio(pico, strongest_pico, weight, seed=seed)),
            quality=mean(quality, judged, seed=seed),
            strongest_quality=mean(strongest, judged, seed=seed),
            lost=mean(strongest - quality, judged, seed=seed),
            escalations=self.counts["escalations"],
            short=self.counts["short"],
            failed=self.counts["failed"],
            supposed=self.counts["supposed"],
            unheard=self.counts["unheard"],
            latency_p50_s=percentile(latency, latency_weight, 50),
            latency_p95_s=percentile(latency, latency_weight, 95),
            stages=tuple(map(self._stage_figures, range(len(self.stages)))),
            intents=tuple(
                _intent_figures(name, each) for name, each in sorted(self.intents.items())
            ),
            baselines=baselines(self.tally, policy=self.ground.policy, at_pico=total),
            price_version=self.ground.prices.version,
            seed=seed,
        )

    def _stage_figures(self, place: int) -> StageFigures:
        stage, found = self.ground.policy.stages[place], self.stages[place]
        return StageFigures(
            stage=stage.name,
            model=stage.target.model,
            asked=found.asked,
            answered=found.answered,
            rejected=found.rejected,
            failed=found.failed,
            pico=round(found.pico),
            quality=found.quality / found.judged if found.judged else None,
        )


def _intent_figures(name: str, found: IntentSums) -> IntentFigures:
    return IntentFigures(
        intent=name,
        trials=found.trials,
        pico=round(found.pico),
        saved=1 - found.pico / found.strongest_pico if found.strongest_pico else 0.0,
        quality=found.quality / found.judged if found.judged else None,
        strongest_quality=found.strongest / found.judged if found.judged else None,
        escalated=found.escalated / found.weight if found.weight else 0.0,
    )


def _saved(spent: Interval) -> Interval:
    if spent == NOTHING:
        return NOTHING
    return Interval(1 - spent.value, 1 - spent.high, 1 - spent.low)


def _numbers(column: array[float]) -> Numbers:
    return np.frombuffer(column, dtype=np.float64) if column else np.empty(0)
