"""What a cascade must beat: every single model, and models mixed at random at the same cost. Pure.

Most claimed savings of cascades are those of a better cheap model (FrugalGPT's own tables), so the
best single cheaper model always stands beside a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable, cost_pico
from cascade.domain.trial import Trial


@dataclass(frozen=True, slots=True)
class Baseline:
    """A rival over the same trials: sums in pico-dollars, quality as a mean from 0 to 1."""

    name: str
    words: str
    pico: int
    quality: float


@dataclass(slots=True)
class Totals:
    """Weighted sums of one model over judged trials, kept while trials stream by."""

    pico: float = 0.0
    quality: float = 0.0
    weight: float = 0.0
    trials: int = 0

    @property
    def mean(self) -> float:
        """Return the mean quality."""
        return self.quality / self.weight if self.weight else 0.0


@dataclass(slots=True)
class Tally:
    """Counts what each model alone would have cost and got right, trial by trial."""

    prices: PriceTable
    trials: int = 0
    models: dict[str, Totals] = field(default_factory=dict)

    def count(self, trial: Trial) -> None:
        """Add a trial to every model that answered it and was judged."""
        self.trials += 1
        for model, outcome in trial.outcomes.items():
            tariff = self.prices.find(model)
            if outcome.quality is None or tariff is None:
                continue
            totals = self.models.setdefault(model, Totals())
            totals.pico += trial.weight * cost_pico(tariff, outcome.tokens)
            totals.quality += trial.weight * outcome.quality
            totals.weight += trial.weight
            totals.trials += 1

    def complete(self) -> Mapping[str, Totals]:
        """Return the models that answered every trial: only those can be compared."""
        return {name: each for name, each in self.models.items() if each.trials == self.trials}


def tally(trials: Iterable[Trial], *, prices: PriceTable) -> Tally:
    """Count trials that stream by."""
    found = Tally(prices)
    for trial in trials:
        found.count(trial)
    return found


def baselines(found: Tally, *, policy: Policy, at_pico: int) -> tuple[Baseline, ...]:
    """Return the rivals of a policy that costs `at_pico`: single models and a random mix.

    Empty when no model answered, priced and judged, every trial.
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


def cheapest_single(singles: Sequence[Baseline], *, quality: float) -> Baseline | None:
    """Return the cheapest single model of at least this quality; None when none reaches it."""
    good = [each for each in singles if each.quality >= quality]
    return min(good, key=lambda each: each.pico, default=None)


def _best_cheaper(cheaper: Sequence[Baseline]) -> tuple[Baseline, ...]:
    if not cheaper:
        return ()
    best = max(cheaper, key=lambda each: (each.quality, -each.pico))
    words = f"{best.name.removeprefix('all ')}: the best model that is cheaper than the strongest."
    return (Baseline("best single cheaper model", words, best.pico, best.quality),)


def _mixes(
    cheaper: Sequence[Baseline], strongest: Baseline, *, at_pico: int
) -> tuple[Baseline, ...]:
    """Return the strongest and the cheapest mixed by a coin so that the cost is the policy's."""
    weakest = min(cheaper, key=lambda each: each.pico, default=None)
    if weakest is None:
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
