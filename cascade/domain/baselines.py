"""What a cascade must beat: every single model, and models mixed at random at the same cost. Pure.

Most claimed savings of cascades are those of a better cheap model (FrugalGPT's own tables), so the
best single cheaper model always stands beside a policy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cascade.domain.policy import Policy
from cascade.domain.trial import Trial


@dataclass(frozen=True, slots=True)
class Baseline:
    """A rival over the same trials: a sum in pico-dollars, quality as a mean from 0 to 1.

    `quality` is None when nobody judged its answers.
    """

    name: str
    words: str
    pico: int
    quality: float | None


@dataclass(slots=True)
class Totals:
    """Weighted sums of one model, kept while trials stream by."""

    pico: float = 0.0
    trials: int = 0
    quality: float = 0.0
    weight: float = 0.0
    judged: int = 0

    @property
    def mean(self) -> float | None:
        """Return the mean quality."""
        return self.quality / self.weight if self.weight else None


@dataclass(slots=True)
class Tally:
    """Counts what each model alone would have cost and got right, trial by trial."""

    trials: int = 0
    judged: int = 0
    models: dict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))

    def spend(self, costs: Mapping[str, int], *, weight: float) -> None:
        """Add a trial's cost (pico-dollars) with each model that could have answered it."""
        self.trials += 1
        for model, pico in costs.items():
            totals = self.models[model]
            totals.pico += weight * pico
            totals.trials += 1

    def judge(self, trial: Trial) -> None:
        """Add a judged trial's quality to every model whose answer was judged."""
        self.judged += 1
        for model, outcome in trial.outcomes.items():
            if outcome.quality is not None:
                totals = self.models[model]
                totals.quality += trial.weight * outcome.quality
                totals.weight += trial.weight
                totals.judged += 1

    def complete(self) -> Mapping[str, Totals]:
        """Return the models that answer all trials, and judged ones as often as any.

        Only those can be compared.
        """
        return {
            name: each
            for name, each in self.models.items()
            if each.trials == self.trials > 0 and each.judged == self.judged
        }


def baselines(found: Tally, *, policy: Policy, at_pico: int) -> tuple[Baseline, ...]:
    """Return the rivals of a policy that costs `at_pico`: single models and a random mix.

    Empty when no trial could be answered by the strongest stage alone.
    """
    known = found.complete()
    singles = {
        name: Baseline(f"all {name}", f"Every request to {name}.", round(each.pico), each.mean)
        for name, each in known.items()
    }
    strongest = singles.get(policy.stages[-1].target.model)
    if strongest is None:
        return ()
    named = [
        singles[stage.target.model]
        for stage in reversed(policy.stages)
        if stage.target.model in singles
    ]
    cheaper = [each for each in singles.values() if each.pico < strongest.pico]
    return (*named, *_best_cheaper(cheaper), *_mixes(cheaper, strongest, at_pico=at_pico))


def _best_cheaper(cheaper: Sequence[Baseline]) -> tuple[Baseline, ...]:
    judged = [(each.quality, -each.pico, each) for each in cheaper if each.quality is not None]
    if not judged:
        return ()
    *_, best = max(judged, key=lambda each: each[:2])
    words = f"{best.name.removeprefix('all ')}: the best model that is cheaper than the strongest."
    return (Baseline("best single cheaper model", words, best.pico, best.quality),)


def _mixes(
    cheaper: Sequence[Baseline], strongest: Baseline, *, at_pico: int
) -> tuple[Baseline, ...]:
    """Return the strongest and the cheapest mixed by a coin so that the cost is the policy's."""
    weakest = min(cheaper, key=lambda each: each.pico, default=None)
    if weakest is None or weakest.quality is None or strongest.quality is None:
        return ()
    span = strongest.pico - weakest.pico
    share = min(1.0, max(0.0, (at_pico - weakest.pico) / span))
    quality = weakest.quality + share * (strongest.quality - weakest.quality)
    words = (
        f"{share:.0%} of requests, drawn at random, to {strongest.name.removeprefix('all ')}, "
        f"the rest to {weakest.name.removeprefix('all ')}."
    )
    pico = weakest.pico + round(share * span)
    return (Baseline("random mix at equal cost", words, pico, quality),)
