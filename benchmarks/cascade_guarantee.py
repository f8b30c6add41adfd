"""How often a promised quality is missed: by a lower bound, by the mean, and by one who knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cascade_rivals import (
    Columns,
    Numbers,
    Scored,
    cascade_of,
    table,
    walked,
)
from benchmarks.figures import Figure
from cascade.domain.calibration.bounds import NORMAL
from cascade.domain.calibration.choosing import Target, tested
from cascade.domain.calibration.paths import path

RESAMPLES = 1_000
STEPS = 40
QUALITY = 0.98
CONFIDENCE = 0.9
MOST_MISSED, MOST_LOST = 10.0, 20.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Each level of a path over all trials: cost and quality, beside the strongest's."""

    walks: tuple[Columns, ...]
    strongest: Columns

    def saved(self, level: int, kept: np.ndarray) -> float:
        """Return the share saved on some trials."""
        return 1 - self.walks[level].pico[kept].sum() / self.strongest.pico[kept].sum()

    def margin(self, level: int, kept: np.ndarray) -> Numbers:
        """Return quality less the target on some trials."""
        return self.walks[level].quality[kept] - QUALITY * self.strongest.quality[kept]


def curve(scored: Scored, models: Sequence[str], ratios: Sequence[float]) -> Curve:
    """Walk every step of a plain cascade in which earlier answers count."""
    prices, policy = table(models, ratios), cascade_of(models, hears_earlier=True)
    senses = scored.senses(models, has_router=False)
    walks = [
        walked(each.policy, scored, prices, has_router=False)
        for each in path(policy, scored.trials, prices=prices, senses=senses, steps=STEPS)
    ]
    alone = walked(cascade_of(models[-1:]), scored, prices, has_router=False)
    return Curve(tuple(walks), alone)


def figures(
    name: str, scored: Scored, models: Sequence[str], ratios: Sequence[float]
) -> list[Figure]:
    """Return missed targets and what the certainty costs, over halves and over draws."""
    found = curve(scored, models, ratios)
    count = len(scored.trials)
    rng = np.random.default_rng(2026)
    halves = [np.array_split(rng.permutation(count), 2) for _ in range(RESAMPLES)]
    whole = np.arange(count)
    draws = [(rng.integers(0, count, count), whole) for _ in range(RESAMPLES)]
    label = f"{name} {':'.join(f'{ratio:g}' for ratio in ratios)}"
    return [
        *_missed(f"{label}, halves", found, halves, ahead=count - count // 2),
        *_missed(f"{label}, draws", found, draws, ahead=None),
    ]


def _missed(
    label: str, found: Curve, splits: Sequence[tuple[np.ndarray, np.ndarray]], *, ahead: int | None
) -> list[Figure]:
    target = Target(QUALITY, CONFIDENCE, ahead)
    safe = [(_bounded(found, seen, target), fresh) for seen, fresh in splits]
    mean = [(_by_mean(found, seen), fresh) for seen, fresh in splits]
    missed, saved = _outcome(found, safe)
    missed_by_mean, saved_by_mean = _outcome(found, mean)
    knows = _knowing(found, ahead)
    lost = 100 * (1 - saved / saved_by_mean) if saved_by_mean > 0 else 100.0
    # One who knows the true curve gives up so much to keep the target on nine fresh sets in ten.
    floor = 100 * (1 - knows / _knowing(found, None)) if ahead else 0.0
    return [
        Figure(
            f"target missed, {label}",
            100 * missed,
            "%",
            MOST_MISSED,
            f"{_interval(missed)}; by the mean {100 * missed_by_mean:.0f} %",
            noise=1.0,
        ),
        Figure(
            f"savings given up, {label}",
            lost,
            "%",
            MOST_LOST,
            f"saves {100 * saved:.1f} %, the mean {100 * saved_by_mean:.1f} %; "
            f"who knows the truth gives up {floor:.0f} %",
            noise=1.0,
        ),
    ]


def _bounded(found: Curve, seen: np.ndarray, target: Target) -> int:
    """Return the boldest level before the first whose bound fails; -1: the strongest alone."""
    best, most = -1, 0.0
    weight = np.ones(len(seen))
    for level, walk in enumerate(found.walks):
        bound, _ = tested(
            walk.quality[seen], found.strongest.quality[seen], weight, target, target.confidence
        )
        if bound < 0:
            break
        if found.saved(level, seen) > most:
            best, most = level, found.saved(level, seen)
    return best


def _by_mean(found: Curve, seen: np.ndarray) -> int:
    good = [level for level in range(len(found.walks)) if found.margin(level, seen).mean() >= 0]
    best = max(good, key=lambda level: found.saved(level, seen), default=-1)
    return best if best >= 0 and found.saved(best, seen) > 0 else -1


def _knowing(found: Curve, ahead: int | None) -> float:
    """Return what is saved by who knows every level's true quality and wants it kept."""
    whole = np.arange(len(found.strongest.pico))
    most = 0.0
    for level in range(len(found.walks)):
        margin = found.margin(level, whole)
        luck = NORMAL.inv_cdf(CONFIDENCE) * margin.std() / np.sqrt(ahead) if ahead else 0.0
        if margin.mean() >= luck:
            most = max(most, found.saved(level, whole))
    return most


def _outcome(found: Curve, chosen: Sequence[tuple[int, np.ndarray]]) -> tuple[float, float]:
    """Return the share of sets that missed the target, and the mean share saved."""
    missed = [level >= 0 and found.margin(level, fresh).mean() < 0 for level, fresh in chosen]
    saved = [found.saved(level, fresh) if level >= 0 else 0.0 for level, fresh in chosen]
    return float(np.mean(missed)), float(np.mean(saved))


def _interval(share: float) -> str:
    spread = 1.96 * np.sqrt(max(share * (1 - share), 1 / RESAMPLES) / RESAMPLES)
    return f"95 %: {100 * max(0, share - spread):.1f} to {100 * (share + spread):.1f}"
