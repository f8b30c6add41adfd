"""Claude's three tiers: the cheapest answers first, each answer heard beside the one before.

Thresholds are chosen on buckets 0 to 4, where scores are out of fold, and measured there and on
buckets 5 and 6, which nothing was chosen on. Rejected answers are paid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.cascade_rivals import Numbers, Scored, cascade_of, single, table, walked
from benchmarks.figures import Figure
from cascade.domain.calibration.paths import path
from cascade.domain.policy import Policy
from cascade.domain.replay.intervals import Interval, ratio

RATIOS = (1, 12, 60)
GOALS = {0.99: 50.0, 0.98: 40.0}
STEPS = 80
# What is asked for on the rows that choose, beyond the share itself: their luck is in the choice.
MARGIN = 0.005


def figures(learn: Scored, fresh: Scored, models: Sequence[str]) -> list[Figure]:
    """Return what is spent of the strongest alone, and the quality kept, by the share asked for."""
    found = []
    for share, most in GOALS.items():
        hearing = _chosen(learn, models, share, hears=True)
        deaf = _chosen(learn, models, share, hears=False)
        found += _told(hearing, deaf, learn, fresh, models, share, most)
    return found


def _chosen(learn: Scored, models: Sequence[str], share: float, *, hears: bool) -> Policy:
    """Return the policy that spends least while it keeps the share and a margin on these trials."""
    policy, prices = cascade_of(models, hears_earlier=hears), table(models, RATIOS)
    senses = learn.senses(models, has_router=False)
    wanted = (share + MARGIN) * single(models[-1], learn, prices).quality.sum()
    candidates = path(policy, learn.trials, prices=prices, senses=senses, steps=STEPS)
    walks = [
        (walked(each.policy, learn, prices, has_router=False), each.policy) for each in candidates
    ]
    good = [each for each in walks if each[0].quality.sum() >= wanted]
    return min(good, key=lambda each: float(each[0].pico.sum()))[1]


def _told(
    policy: Policy,
    deaf: Policy,
    learn: Scored,
    fresh: Scored,
    models: Sequence[str],
    share: float,
    most: float,
) -> list[Figure]:
    gates = " and ".join(f"{stage.threshold:.2f}" for stage in policy.stages[:-1])
    folds, apart = (_measured(policy, rows, models) for rows in (learn, fresh))
    unheard = _measured(deaf, fresh, models)
    name = f"haiku > sonnet > opus, each heard, 1:12:60, {share:.0%}"
    return [
        Figure(
            f"spent in folds, {name}",
            100 * folds[0].value,
            "%",
            most,
            f"at {folds[1].value:.1%} of the quality, accepting from {gates}; saves "
            f"{100 * (1 - folds[0].value):.1f} %, a simple baseline 41 at 99 and 52 at 98 %",
            noise=1.0,
        ),
        Figure(
            f"spent apart, {name}",
            100 * apart[0].value,
            "%",
            most,
            f"saves {100 * (1 - apart[0].value):.1f} [{100 * (1 - apart[0].high):.1f}, "
            f"{100 * (1 - apart[0].low):.1f}]; where no answer is heard beside another "
            f"{100 * (1 - unheard[0].value):.1f} at {unheard[1].value:.1%}",
            noise=1.0,
        ),
        Figure(
            f"quality lost apart, {name}",
            100 * (1 - apart[1].value),
            "%",
            100 * (1 - share),
            f"{apart[1].value:.1%} [{apart[1].low:.1%}, {apart[1].high:.1%}] of the strongest's "
            f"on {len(fresh.trials)} trials",
            noise=1.0,
        ),
    ]


def _measured(policy: Policy, rows: Scored, models: Sequence[str]) -> tuple[Interval, Interval]:
    """Return cost and quality as shares of the strongest alone."""
    prices = table(models, RATIOS)
    walk = walked(policy, rows, prices, has_router=False)
    strongest = single(models[-1], rows, prices)
    ones: Numbers = np.ones(len(walk.pico))
    return (
        ratio(walk.pico, strongest.pico, ones, seed=1),
        ratio(walk.quality, strongest.quality, ones, seed=1),
    )
