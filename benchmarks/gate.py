"""The gate on the answer: what it recovers, keeps and saves on recorded answers, and its cost.

Trained on buckets 0 to 4; every choice (features, penalty, scales) was made by cross-validation
over them, and thresholds are taken there. "In folds" is measured as the baselines beside it were
(out-of-fold scores of 0 to 4, the threshold chosen on them); "kept apart" uses that threshold on
buckets 5 and 6, which nothing was chosen on. Intervals: 95 %, paired bootstrap.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import gate_answers, outcomes
from benchmarks.figures import Figure
from benchmarks.gate_answers import Numbers, Tier
from benchmarks.outcomes import OPUS, Question
from benchmarks.router_metrics import resampled, routed
from cascade.domain.gate.agreement import agree
from cascade.domain.gate.assessing import assess
from cascade.domain.gate.learning import Example, train
from cascade.domain.request import Answer, Stop, Tokens
from cascade.domain.training import auc

CHEAP = ("gemini-1.5-flash", "gpt-4o-mini-2024-07-18")
RESAMPLES = 1_000
# An agreement counts when the answers are the same, not merely alike.
SAME = 0.999


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Train, gate the rows kept apart, resample them, and time one answer."""
    if not outcomes.is_here():
        print("gate: the recorded outcomes are not beside this checkout; skipped", flush=True)
        return ()
    math = outcomes.zeroeval()
    return (
        *_recovered(gate_answers.word_problems(outcomes.routellm_gsm8k())),
        *_claude(gate_answers.claude(math, ratio=60)),
        *_agreed(math),
        *_called(outcomes.bfcl()),
        *_cost(gate_answers.calls(outcomes.bfcl(), ratio=60)),
    )


def _recovered(tier: Tier) -> Sequence[Figure]:
    """APGR, CPT50 and CPT80 on GSM8K with the weak answer in the gate."""
    gains = tier.gains()
    learnt, apart = tier.buckets < 5, tier.buckets >= 5
    folds = routed(gains[learnt], tier.weak[learnt], tier.strong[learnt])
    found = routed(gains[apart], tier.weak[apart], tier.strong[apart])
    drawn = resampled(gains[apart], tier.weak[apart], tier.strong[apart], seed=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)

    def told(place: int, fold: float, base: float) -> str:
        return f"{low[place]:.3f} to {high[place]:.3f}; in folds {fold:.3f}; baseline {base:.3f}"

    name, rows = "GSM8K with the answer", int(apart.sum())
    return (
        Figure(
            f"{name}: APGR, short of 1",
            (1 - found.apgr) * 100,
            "%",
            20.0,
            f"APGR {found.apgr:.3f} on {rows} rows kept apart, {told(0, folds.apgr, 0.779)}",
            noise=1,
        ),
        Figure(f"{name}: CPT50", found.cpt50 * 100, "%", 18.0, told(1, folds.cpt50, 0.191), 1),
        Figure(f"{name}: CPT80", found.cpt80 * 100, "%", 36.0, told(2, folds.cpt80, 0.38), 1),
    )


def _claude(tier: Tier) -> Sequence[Figure]:
    gains = tier.gains()
    return _saved(
        "Haiku, rules and scorer, then Opus (1:60)",
        tier,
        gains,
        0.99,
        50.0,
        "41 % with three tiers",
    )


def _called(questions: Sequence[Question]) -> Sequence[Figure]:
    dear = gate_answers.calls(questions, ratio=60)
    chances, strong = dear.chances(dear.weak), dear.chances(dear.strong)
    apart = dear.buckets >= 5
    seen = apart & np.array([bool(answer.text) for _, answer in dear.said])
    found = auc(chances[apart], dear.weak[apart])
    low, high = _interval(lambda rows: auc(chances[rows], dear.weak[rows]), np.flatnonzero(apart))
    fold = auc(chances[~apart], dear.weak[~apart])
    area = Figure(
        "BFCL gate: AUC, short of 1",
        (1 - found) * 100,
        "%",
        12.0,
        f"AUC {found:.3f} on {apart.sum()} rows kept apart ({low:.3f} to {high:.3f}); in folds "
        f"{fold:.3f}; {auc(chances[seen], dear.weak[seen]):.3f} on the {seen.sum()} whose answers "
        "were recorded; baseline 0.842",
        noise=1,
    )
    gains = gate_answers.STRONG_WEIGHT * strong - chances
    cheap = gate_answers.calls(questions, ratio=5)
    return (
        area,
        *_saved("BFCL, Haiku then Opus (1:60)", dear, gains, 0.98, 30.0, "69.5 %"),
        *_saved("BFCL, Haiku then Opus (1:5)", cheap, gains, 0.98, 48.0, "51.1 %"),
    )


def _saved(
    name: str, tier: Tier, gains: Numbers, share: float, most_spent: float, baseline: str
) -> Sequence[Figure]:
    """Return what is spent at the threshold that keeps a share of the strong model's quality."""
    learnt, apart = np.flatnonzero(tier.buckets < 5), np.flatnonzero(tier.buckets >= 5)
    threshold = _threshold(tier, gains, learnt, share)

    def spent(rows: NDArray[np.int64]) -> float:
        return _outcome(tier, gains[rows] > threshold, rows)[1]

    def kept(rows: NDArray[np.int64]) -> float:
        return _outcome(tier, gains[rows] > threshold, rows)[0]

    quality = kept(learnt)
    costs, qualities = _interval(spent, apart), _interval(kept, apart)
    return (
        Figure(
            f"{name}: spent at {share:.0%}",
            spent(learnt) * 100,
            "%",
            most_spent,
            f"in folds, {quality:.1%} of the strong model's quality, {1 - spent(learnt):.1%} saved "
            f"with the rejected answers paid; baseline {baseline} saved",
            noise=1,
        ),
        Figure(
            f"{name}: kept apart",
            spent(apart) * 100,
            "%",
            most_spent,
            f"{costs[0]:.1%} to {costs[1]:.1%} spent, at the threshold from the folds",
            noise=1,
        ),
        Figure(
            f"{name}: quality lost apart",
            (1 - kept(apart)) * 100,
            "%",
            (1 - share) * 100,
            f"{kept(apart):.1%} of the strong model's ({qualities[0]:.1%} to {qualities[1]:.1%}) "
            f"on {apart.size} rows",
            noise=1,
        ),
    )


def _threshold(tier: Tier, gains: Numbers, rows: NDArray[np.int64], share: float) -> float:
    """Return the threshold that spends least while these rows keep the share of quality."""
    best, least = -np.inf, np.inf
    for threshold in (-np.inf, *np.sort(gains[rows])):
        quality, cost = _outcome(tier, gains[rows] > threshold, rows)
        if quality >= share and cost < least:
            best, least = float(threshold), cost
    return best


def _outcome(
    tier: Tier, escalated: NDArray[np.bool_], rows: NDArray[np.int64]
) -> tuple[float, float]:
    """Return quality and cost as shares of sending everything to the strong model."""
    right = np.where(escalated, tier.strong[rows], tier.weak[rows]).sum()
    cost = tier.weak_cost[rows].sum() + tier.strong_cost[rows][escalated].sum()
    return right / tier.strong[rows].sum(), cost / tier.strong_cost[rows].sum()


def _agreed(questions: Sequence[Question]) -> Sequence[Figure]:
    """Two cheap models at Haiku's price each; where they differ, Opus answers."""
    agreed = np.array([_is_same(each) for each in questions])
    first = np.array([each.models[CHEAP[0]].is_right for each in questions], np.float64)
    strong = np.array([each.models[OPUS].is_right for each in questions], np.float64)
    cheap, dear = np.zeros(len(questions)), np.zeros(len(questions))
    for place, each in enumerate(questions):
        outputs = [each.models[name].characters for name in CHEAP]
        cheap[place] = 2 * each.prompt_characters + gate_answers.OUTPUT * sum(outputs)
        said = each.models[OPUS].characters
        dear[place] = 60 * (each.prompt_characters + gate_answers.OUTPUT * said)

    def kept(rows: NDArray[np.int64]) -> float:
        return float(np.where(agreed, first, strong)[rows].sum() / strong[rows].sum())

    def spent(rows: NDArray[np.int64]) -> float:
        return float((cheap + dear * ~agreed)[rows].sum() / dear[rows].sum())

    every = np.arange(len(questions))
    low, high = _interval(kept, every)
    costs = _interval(spent, every)
    right = first[agreed].mean()
    return (
        Figure(
            "Two cheap models agree, else Opus: quality lost",
            (1 - kept(every)) * 100,
            "%",
            0.0,
            f"{kept(every):.1%} of Opus ({low:.1%} to {high:.1%}); same on {agreed.mean():.1%}"
            f", {right:.1%} of that is right; nothing is fitted; baseline 102.5 %",
            noise=1,
        ),
        Figure(
            "Two cheap models agree, else Opus: spent",
            spent(every) * 100,
            "%",
            25.0,
            f"{costs[0]:.1%} to {costs[1]:.1%}; {1 - spent(every):.1%} saved; baseline 75.6 %",
            noise=1,
        ),
    )


def _is_same(question: Question) -> bool:
    one, other = (Answer(question.models[name].answer, Stop.END, Tokens()) for name in CHEAP)
    if not one.text.strip() or not other.text.strip():
        return False
    return agree(gate_answers.chat(question.prompt), one, other).degree >= SAME


def _interval(
    measure: Callable[[NDArray[np.int64]], float], rows: NDArray[np.int64]
) -> tuple[float, float]:
    """Return 95 % of a measure over rows drawn with replacement."""
    random = np.random.default_rng(1)
    drawn = [measure(random.choice(rows, rows.size)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _cost(tier: Tier) -> Sequence[Figure]:
    """Return the CPU time of one verdict on a tool call: rules alone, and with a trained scorer."""
    labels = tier.weak.tolist()
    examples = [Example(*said, right) for said, right in zip(tier.said, labels, strict=True)][:400]
    scorer = train(examples, version="figures").scorer
    found = []
    for name, used in (("rules", None), ("rules and scorer", scorer)):
        began = time.process_time()
        for one in examples:
            assess(one.chat, one.answer, scorer=used)
        took = (time.process_time() - began) / len(examples) * 1e6
        remark = "mean over 400 recorded function calls; nothing else runs between call and client"
        found.append(Figure(f"One verdict, {name}", took, "us", None, remark))
    return found
