"""Cascades over recorded answers of real models: promises, prices, a support mix, drift, pace."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from benchmarks import (
    cascade_drift,
    cascade_guarantee,
    cascade_prices,
    cascade_scores,
    cascade_support,
    cascade_tiers,
)
from benchmarks.cascade_rivals import Scored, cascade_of, table
from benchmarks.cascade_scores import auc
from benchmarks.figures import Figure
from benchmarks.outcomes import HAIKU, OPUS, SONNET, is_here
from cascade.domain.planning import plan
from cascade.domain.replay.replaying import replay
from cascade.domain.trial import Trial

CLAUDE = (HAIKU, SONNET, OPUS)
PLANS = 20_000
MOST_PLAN_US = 50.0
TRIALS = 100_000
MOST_REPLAY_S = 20.0


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Return every figure; none where the recorded answers are not beside the checkout."""
    if not is_here():
        print("cascade: the recorded answers are not beside this checkout; skipped", flush=True)
        return []
    calls = cascade_scores.scored(cascade_scores.bfcl(), CLAUDE)
    reasoning = cascade_scores.scored(cascade_scores.zeroeval(), CLAUDE)
    learn, fresh = (reasoning.only(kept) for kept in (reasoning.buckets < 5, reasoning.buckets > 4))
    return [
        *_gates("bfcl", calls, HAIKU),
        *_gates("gsm+crux", reasoning, HAIKU),
        *cascade_guarantee.figures("bfcl haiku > opus", calls, (HAIKU, OPUS), (1, 60)),
        *cascade_guarantee.figures("bfcl haiku > opus", calls, (HAIKU, OPUS), (1, 5)),
        *cascade_guarantee.figures("gsm+crux haiku > opus", reasoning, (HAIKU, OPUS), (1, 60)),
        *cascade_guarantee.figures("gsm+crux, three tiers", reasoning, CLAUDE, (1, 12, 60)),
        *cascade_tiers.figures(learn, fresh, CLAUDE),
        *cascade_prices.figures(learn, fresh, CLAUDE),
        *cascade_support.figures((reasoning, calls), CLAUDE),
        *cascade_drift.figures("gsm+crux", reasoning, CLAUDE),
        *cascade_drift.figures("bfcl", calls, (HAIKU, OPUS)),
        *_pace(reasoning),
    ]


def _gates(name: str, scored: Scored, model: str) -> list[Figure]:
    """Return how well the scores the figures rest on tell right answers from wrong: only told."""
    fresh = scored.buckets >= 5
    right = np.array([trial.outcomes[model].quality for trial in scored.trials])[fresh]
    post, pre = (auc(found[model][fresh], right) for found in (scored.post, scored.pre))
    remark = f"on buckets 5 and 6; prompt alone {pre:.3f}"
    return [Figure(f"AUC of the answer gate x 1000, {name}", 1000 * post, "", None, remark)]


def _pace(scored: Scored) -> list[Figure]:
    """Return what a plan costs in the request path, and a replay of very many trials."""
    policy, prices = cascade_of(CLAUDE, scorer="learned"), table(CLAUDE, (1, 3, 5))
    began = time.process_time()
    for _ in range(PLANS):
        plan(
            policy,
            p_right=(0.7, 0.8, 0.9),
            prices=prices,
            input_tokens=900,
            output_tokens=200,
            highest=2,
        )
    plan_us = (time.process_time() - began) / PLANS * 1e6
    many: list[Trial] = [scored.trials[at % len(scored.trials)] for at in range(TRIALS)]
    senses = scored.senses(CLAUDE, has_router=True)
    began = time.process_time()
    replay(policy, many, prices=prices, senses=senses)
    replay_s = time.process_time() - began
    return [
        Figure("plan of a request, CPU", plan_us, "us", MOST_PLAN_US),
        Figure("replay of 100,000 trials, CPU", replay_s, "s", MOST_REPLAY_S),
    ]
