"""How soon harder traffic is noticed, and how often usual traffic rings by mistake."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.cascade_rivals import Scored
from benchmarks.figures import Figure
from cascade.domain.drift import BETWEEN_FALSE_ALARMS, Watch, observe, reference

# What a policy begins with, and the most that is taken in; one of ten is labelled.
REFERENCES = (1_000, 20_000)
LABELLED = 0.1
REDRAWN = 5
SHIFTED = 0.2
RUNS = 40
QUIET = 200_000
MOST_REQUESTS = 1_000
THRESHOLD = 0.8


def figures(name: str, scored: Scored, models: Sequence[str]) -> list[Figure]:
    """Return the requests until an alarm after a fifth turned hard, and the false alarms."""
    return [figure for size in REFERENCES for figure in _with_reference(name, scored, models, size)]


def _with_reference(name: str, scored: Scored, models: Sequence[str], size: int) -> list[Figure]:
    """Return them for references of a size: REDRAWN, as a reference that errs errs for long.

    Hard are requests that most of the models answered wrong; traffic is drawn from all rows, and
    what the first model's answers to some labelled ones looked like is known.
    """
    rng = np.random.default_rng(7)
    right = np.array(
        [[trial.outcomes[model].quality for model in models] for trial in scored.trials]
    ).mean(axis=1)
    hard = np.flatnonzero(right < 0.5)
    model = models[0]
    pre, post = scored.pre[model], scored.post[model]
    columns = (pre, post, _escalated(post))
    waits, false = [], []
    for _ in range(REDRAWN):
        usual = rng.integers(0, len(pre), size)
        labels = usual[: int(LABELLED * size)]
        known = labels[right[labels] < 0.5]
        watches = (
            Watch("P(right)", reference(pre[usual], hard=pre[known]), True, watches=3),
            Watch("score", reference(post[usual], hard=post[known]), True, watches=3),
            Watch("escalations", reference(_escalated(post[usual])), False, watches=3),
        )
        for _ in range(RUNS):
            drawn = rng.integers(0, len(pre), 10 * MOST_REQUESTS)
            shifted = rng.random(len(drawn)) < SHIFTED
            drawn[shifted] = rng.choice(hard, int(shifted.sum()))
            waits.append(
                min(
                    _until(one, column[drawn]) for one, column in zip(watches, columns, strict=True)
                )
            )
        quiet = rng.integers(0, len(pre), QUIET)
        false.append(
            sum(_alarms(one, column[quiet]) for one, column in zip(watches, columns, strict=True))
        )
    told = f"reference of {size:,}, {name}"
    whole = REDRAWN * QUIET
    limit = MOST_REQUESTS if size == max(REFERENCES) else None
    return [
        Figure(
            f"requests until a 20 % shift rings, p95, {told}",
            float(np.quantile(waits, 0.95)),
            "",
            limit,
            f"median {np.median(waits):.0f}, latest {max(waits):.0f} of {len(waits)} runs",
            1.0,
        ),
        Figure(
            f"false alarms in 100,000 requests, {told}",
            sum(false) * BETWEEN_FALSE_ALARMS / whole,
            "",
            1.0,
            f"{sum(false)} in {whole:,} usual requests of three watches; "
            f"{max(false)} with the worst of {REDRAWN} references",
            1.0,
        ),
    ]


def _escalated(scores: np.ndarray) -> np.ndarray:
    return (scores < THRESHOLD).astype(np.float64)


def _until(watch: Watch, values: np.ndarray) -> int:
    _, alarm = observe(watch, values.tolist())
    return alarm.seen if alarm else len(values)


def _alarms(watch: Watch, values: np.ndarray) -> int:
    rest, count = values.tolist(), 0
    while rest:
        watch, alarm = observe(watch, rest)
        if alarm is None:
            return count
        count += 1
        # The watch began anew, and its own count says where.
        rest = rest[alarm.seen :]
    return count
