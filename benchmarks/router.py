"""The router before the call: what it recovers of a strong model on RouteLLM's data, and its cost.

Trained on buckets 0 to 4, tested on 5 and 6. Every choice (features, penalty, scales) was made by
five-fold cross-validation over 0 to 4, whose figures are printed beside. RouteLLM's own best, on
all rows, with about 1,500 gold labels: MMLU 0.603 / 35.4 % / 70.3 %, GSM8K 0.622 / 33.6 / 63.3.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import outcomes
from benchmarks.figures import Figure
from benchmarks.outcomes import TESTING, TRAINING, Pair
from benchmarks.router_metrics import Routed, resampled, routed
from cascade.domain.router import Router, gain, p_right
from cascade.domain.training import Example, Trained, train

STAGES = ("weak", "strong")
# APGR >= 0.70: at most 30 % short of the whole gap.
MOST_SHORT, MOST_CPT50, MOST_CPT80 = 30.0, 25.0, 55.0
MOST_MICROSECONDS = 50.0
# facts: scikit-learn's TF-IDF and logistic regression on one text, measured 2026-11-20.
RECORDED_PEER_MICROSECONDS = 410.0
SPLITS = 3


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Train, route the rows kept apart, resample them, and time one text."""
    if not outcomes.is_here():
        print("router: the recorded outcomes are not beside this checkout; skipped", flush=True)
        return ()
    mmlu, gsm8k = outcomes.routellm_mmlu(), outcomes.routellm_gsm8k()
    trained, found = _set("MMLU", mmlu, limits=(MOST_SHORT, MOST_CPT50, MOST_CPT80))
    _, prompt_only = _set("GSM8K prompt only", gsm8k, limits=(None, None, None))
    return (*found, *_other_splits(mmlu), *prompt_only, *_fits(trained), *_cost(trained.router))


def _set(
    name: str, pairs: Sequence[Pair], *, limits: tuple[float | None, float | None, float | None]
) -> tuple[Trained, Sequence[Figure]]:
    learnt = [pair for pair in pairs if pair.bucket in TRAINING]
    asked = [pair for pair in pairs if pair.bucket in TESTING]
    trained = _trained(learnt)
    scores, weak, strong = _scores(trained.router, asked)
    found = routed(scores, weak, strong)
    finest = routed(scores, weak, strong, bins=len(asked))
    low, high = np.quantile(resampled(scores, weak, strong, seed=1), [0.025, 0.975], axis=0)
    folds = _cross_validated(learnt)
    told = [
        f"95 % {low[at]:.3f} to {high[at]:.3f}; each score its own threshold {fine:.3f}; "
        f"cross-validated on 0 to 4 {fold:.3f}"
        for at, (fine, fold) in enumerate(zip(_triple(finest), _triple(folds), strict=True))
    ]
    return trained, (
        Figure(
            f"{name} APGR, short of 1",
            (1 - found.apgr) * 100,
            "%",
            limits[0],
            f"APGR {found.apgr:.3f} on {len(asked)} rows; {told[0]}",
            noise=1,
        ),
        Figure(f"{name} CPT50", found.cpt50 * 100, "%", limits[1], told[1], noise=1),
        Figure(f"{name} CPT80", found.cpt80 * 100, "%", limits[2], told[2], noise=1),
    )


def _triple(found: Routed) -> tuple[float, float, float]:
    return found.apgr, found.cpt50, found.cpt80


def _trained(pairs: Sequence[Pair]) -> Trained:
    examples = [Example(pair.prompt, (float(pair.weak), float(pair.strong))) for pair in pairs]
    return train(examples, stages=STAGES, version="benchmark")


def _scores(router: Router, pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([gain(router, text=pair.prompt) for pair in pairs]),
        np.array([pair.weak for pair in pairs], float),
        np.array([pair.strong for pair in pairs], float),
    )


def _cross_validated(pairs: Sequence[Pair]) -> Routed:
    """Return the mean of five folds, each scored by what the four others teach."""
    found = []
    for bucket in sorted(TRAINING):
        router = _trained([pair for pair in pairs if pair.bucket != bucket]).router
        held_out = _scores(router, [pair for pair in pairs if pair.bucket == bucket])
        found.append(_triple(routed(*held_out)))
    return Routed(*np.mean(found, axis=0).tolist())


def _other_splits(pairs: Sequence[Pair]) -> Iterator[Figure]:
    """Draw which five sevenths are learnt from: how far the figures hang on the split."""
    random = np.random.default_rng(2026)
    found = []
    for _ in range(SPLITS):
        is_learnt = random.random(len(pairs)) < 5 / 7
        router = _trained([pair for pair, one in zip(pairs, is_learnt, strict=True) if one]).router
        held_out = [pair for pair, one in zip(pairs, is_learnt, strict=True) if not one]
        found.append(_triple(routed(*_scores(router, held_out))))
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    for at, name in enumerate(("APGR", "CPT50", "CPT80")):
        yield Figure(
            f"MMLU {name}, other splits",
            mean[at] * 100,
            "%",
            None,
            f"mean of {SPLITS} random splits 5:2, standard deviation {spread[at] * 100:.1f}",
        )


def _fits(trained: Trained) -> Iterator[Figure]:
    for fit in trained.fits:
        yield Figure(
            f"MMLU AUC {fit.stage}",
            (fit.auc or 0) * 100,
            "%",
            None,
            f"held-out folds; Brier {fit.brier:.3f} (base rate {fit.base_brier:.3f}), "
            f"log-loss {fit.log_loss:.3f} ({fit.base_log_loss:.3f}), {fit.labels} labels",
        )
    yield Figure("router's bytes", len(trained.router.to_bytes()) / 1024, "KiB", None, "two stages")


def _cost(router: Router) -> Iterator[Figure]:
    texts = [asked.text for asked in outcomes.support() if asked.source != "tau2"][::40]
    length = sum(map(len, texts)) / len(texts)
    mean = _microseconds(lambda text: p_right(router, text=text), texts)
    yield Figure(
        "classifier, a support query",
        mean,
        "us",
        MOST_MICROSECONDS,
        f"CPU mean over {len(texts)} texts of {length:.0f} characters, best of 7 passes",
    )
    for size in (600, 4_000, 10_000_000):
        text = " ".join(texts * (1 + size // 5_000))
        text = (text * (1 + size // len(text)))[:size]
        many = [text] * (200 if size < 10_000 else 20)
        took = _microseconds(lambda given: p_right(router, text=given), many)
        yield Figure(f"classifier, {size:,} characters", took, "us", None, "CPU mean")
    yield Figure("peer: TF-IDF and logistic regression", *_peer())


def _microseconds(ask: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return the CPU time of one text; the best of passes, as other work shares the machine."""
    taken = []
    for _ in range(7):
        began = time.process_time()
        for text in texts:
            ask(text)
        taken.append((time.process_time() - began) / len(texts) * 1e6)
    return min(taken)


def _peer() -> tuple[float, str, None, str]:
    if importlib.util.find_spec("sklearn") is None:
        recorded = "recorded 2026-11-20; scikit-learn is not installed here"
        return RECORDED_PEER_MICROSECONDS, "us", None, recorded
    # A process of its own: the peer is no dependency of this project.
    script = Path(__file__).with_name("router_peer.py")
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{script.stem}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parents[1],
    )
    return float(ran.stdout), "us", None, "scikit-learn, the same texts, CPU mean"
