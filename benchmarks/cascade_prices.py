"""Whether a policy planned by prices ever loses to the best single model at its quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.cascade_rivals import (
    Columns,
    Scored,
    at,
    cascade_of,
    levels,
    single,
    table,
    walked,
)
from benchmarks.figures import Figure
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable
from cascade.domain.replay.intervals import ratio

RATIOS = ((1, 12, 60), (1, 3, 5), (1, 20, 40))
QUALITIES = (1.0, 0.99, 0.98, 0.95)
GAINS = (0.0, 0.05, 0.15)
STEPS = 16
MOST_WORSE = 1.0
# A cascade that seems to save less than this on the training rows is not worth its complexity.
LEAST_SAVED = 0.03


@dataclass(frozen=True, slots=True)
class Choice:
    """A policy chosen on the training rows: its cost and quality there."""

    policy: Policy
    has_router: bool
    pico: float
    quality: float


def figures(learn: Scored, fresh: Scored, models: Sequence[str]) -> list[Figure]:
    """Return by price table how much worse than the best single model, at each quality."""
    found = []
    for ratios in RATIOS:
        prices = table(models, ratios)
        choices = list(_choices(learn, models, prices))
        worst, remarks = -100.0, []
        for quality in QUALITIES:
            worse, remark = _against_single(learn, fresh, models, prices, choices, quality)
            worst = max(worst, worse)
            remarks.append(f"{quality:.0%}: {remark}")
        named = f"worse than the best single model, {prices.version}"
        found.append(Figure(named, worst, "%", MOST_WORSE, "; ".join(remarks), noise=1.0))
        naive = _naive(learn, fresh, models, prices)
        remark = "every stage in turn, one threshold for 98 %"
        found.append(Figure(f"a naive cascade instead, {prices.version}", naive, "%", None, remark))
    return found


def _against_single(
    learn: Scored,
    fresh: Scored,
    models: Sequence[str],
    prices: PriceTable,
    choices: Sequence[Choice],
    quality: float,
) -> tuple[float, str]:
    wanted = quality * single(models[-1], learn, prices).quality.mean()
    alone = [(model, single(model, learn, prices)) for model in models]
    reached = [(each.pico.sum(), model) for model, each in alone if each.quality.mean() >= wanted]
    cost, model = min(reached)
    good = [each for each in choices if each.quality >= wanted]
    best = min(good, key=lambda each: each.pico)
    if best.pico > (1 - LEAST_SAVED) * cost:
        return 0.0, f"{_short(model)} alone"
    rival = single(model, fresh, prices)
    walk = walked(best.policy, fresh, prices, has_router=best.has_router)
    ones = np.ones(len(walk.pico))
    spent = ratio(walk.pico, rival.pico, ones, seed=1)
    gained = 100 * (walk.quality.mean() - rival.quality.mean())
    remark = (
        f"saves {100 * (1 - spent.value):.0f} % [{100 * (1 - spent.high):.0f}, "
        f"{100 * (1 - spent.low):.0f}] of {_short(model)} alone at {gained:+.1f} points"
    )
    return 100 * (spent.value - 1), remark


def _choices(learn: Scored, models: Sequence[str], prices: PriceTable) -> Iterator[Choice]:
    """Yield policies of one, two and all models, with the router's plan and without."""
    for count in range(1, len(models) + 1):
        for some in combinations(models, count):
            plain = cascade_of(some)
            if count == 1:
                yield _choice(plain, learn, prices, has_router=False)
                continue
            for level in levels(learn, some, steps=STEPS):
                yield _choice(at(plain, level), learn, prices, has_router=False)
                for gain in GAINS:
                    planned = cascade_of(some, scorer="learned", skip_gain=gain)
                    yield _choice(at(planned, level), learn, prices, has_router=True)


def _choice(policy: Policy, learn: Scored, prices: PriceTable, *, has_router: bool) -> Choice:
    found: Columns = walked(policy, learn, prices, has_router=has_router)
    return Choice(policy, has_router, float(found.pico.sum()), float(found.quality.mean()))


def _naive(learn: Scored, fresh: Scored, models: Sequence[str], prices: PriceTable) -> float:
    """Return how much more every stage in turn costs than the strongest alone, at 98 %."""
    wanted = 0.98 * single(models[-1], learn, prices).quality.mean()
    ladder = cascade_of(models, may_skip=False)
    choices = [
        _choice(at(ladder, level), learn, prices, has_router=False)
        for level in levels(learn, models, steps=STEPS)
    ]
    good = [each for each in choices if each.quality >= wanted]
    best = min(good, key=lambda each: each.pico)
    walk = walked(best.policy, fresh, prices, has_router=False)
    return 100 * (walk.pico.sum() / single(models[-1], fresh, prices).pico.sum() - 1)


def _short(model: str) -> str:
    return model.removeprefix("claude-3-").split("-2")[0]
