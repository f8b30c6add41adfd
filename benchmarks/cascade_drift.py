"""How soon harder traffic is noticed, and how often usual traffic rings by mistake."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.cascade_rivals import Scored
from benchmarks.figures import Figure
from cascade.domain.drift import BETWEEN_FALSE_ALARMS, Watch, observe, reference

REFERENCE = 20_000
LABELS = 2_000
SHIFTED = 0.2
RUNS = 100
QUIET = 1_000_000
MOST_REQUESTS = 1_000
THRESHOLD = 0.8


def figures(name: str, scored: Scored, models: Sequence[str]) -> list[Figure]:
    """Return the requests until an alarm after a fifth turned hard, and the false alarms.

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
    usual = rng.integers(0, len(pre), REFERENCE)
    labels = usual[:LABELS]
    known = labels[right[labels] < 0.5]
    watches = (
        Watch("P(right)", reference(pre[usual], hard=pre[known]), worse_when_low=True, watches=3),
        Watch("score", reference(post[usual], hard=post[known]), worse_when_low=True, watches=3),
        Watch("escalations", reference(_escalated(post[usual])), worse_when_low=False, watches=3),
    )
    columns = (pre, post, _escalated(post))
    waits = []
    for _ in range(RUNS):
        drawn = rng.integers(0, len(pre), 10 * MOST_REQUESTS)
        shifted = rng.random(len(drawn)) < SHIFTED
        drawn[shifted] = rng.choice(hard, int(shifted.sum()))
        waits.append(
            min(
                _until(watch, column[drawn]) for watch, column in zip(watches, columns, strict=True)
            )
        )
    quiet = rng.integers(0, len(pre), QUIET)
    false = sum(
        _alarms(watch, column[quiet]) for watch, column in zip(watches, columns, strict=True)
    )
    late = float(np.quantile(waits, 0.95))
    remark = f"median {np.median(waits):.0f}, latest {max(waits):.0f} of {RUNS} runs"
    each = false * BETWEEN_FALSE_ALARMS / QUIET
    return [
        Figure(
            f"requests until a 20 % shift rings, p95, {name}", late, "", MOST_REQUESTS, remark, 1.0
        ),
        Figure(
            f"false alarms in 100,000 requests, {name}",
            each,
            "",
            1.0,
            f"{false} in {QUIET:,} usual requests of three watches",
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
