"""P(right) of recorded answers, before and after the call, each from models that never saw them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks import gate_answers, outcomes
from benchmarks.cascade_rivals import Numbers, Scored
from benchmarks.gate_answers import Tier
from benchmarks.outcomes import HAIKU, ROOT, Question
from cascade.domain.gate.agreement import agree
from cascade.domain.gate.signs import spoken
from cascade.domain.request import Answer, Chat
from cascade.domain.router import p_right
from cascade.domain.training import examples_of, train
from cascade.domain.trial import Trial
from cascade.domain.uploads.reading import read, with_texts


@cache
def zeroeval() -> tuple[Trial, ...]:
    """Return GSM8K and CRUX with the whole answers of the Claude models."""
    found: list[Trial] = []
    for task in ("gsm", "crux"):
        found += _with_texts(f"zeroeval/{task}_dev", f"zeroeval/{task}_claude_texts_dev")
    return tuple(found)


@cache
def bfcl() -> tuple[Trial, ...]:
    """Return function calls with the raw outputs."""
    return _with_texts("bfcl/bfcl_dev", "bfcl/bfcl_outputs_dev")


def scored(trials: Sequence[Trial], models: Sequence[str]) -> Scored:
    """Return P(right) of each trial by model: from the router, and from a scorer of answers.

    Both are trained on buckets 0 to 4 without the trial's own; buckets 5 and 6 are judged by what
    all of 0 to 4 teach. The trials say how alike the models' answers are, where both were recorded.
    """
    asked = {one.id: one for one in (*outcomes.zeroeval(), *outcomes.bfcl())}
    questions = [asked[trial.trial_id] for trial in trials]
    tiers = {model: _tier(questions, model) for model in models}
    said = [
        dict(zip(models, row, strict=True))
        for row in zip(*(tiers[model].said for model in models), strict=True)
    ]
    return Scored(
        tuple(_likened(*pair) for pair in zip(trials, said, strict=True)),
        forecast(trials, models),
        {model: tier.chances(tier.weak) for model, tier in tiers.items()},
    )


def _tier(questions: Sequence[Question], model: str) -> Tier:
    """Return a model's answers, with how right they are as `weak`."""
    # The tiers of the gate's figures hold Haiku's answers: the model's stand in their place.
    given = [replace(one, models={**one.models, HAIKU: one.models[model]}) for one in questions]
    made = gate_answers.calls if questions[0].functions else gate_answers.claude
    return made(given, ratio=1)


def _likened(trial: Trial, said: Mapping[str, tuple[Chat, Answer]]) -> Trial:
    """Return a trial that says of each answer how alike it is to those of the models before."""
    outcomes, before = dict(trial.outcomes), []
    for model, (chat, answer) in said.items():
        if not spoken(answer):
            continue
        like = {name: agree(chat, answer, other) for name, other in before}
        outcomes[model] = replace(outcomes[model], like=like)
        before.append((model, answer))
    return replace(trial, outcomes=outcomes)


def forecast(trials: Sequence[Trial], models: Sequence[str]) -> dict[str, Numbers]:
    """Return the router's P(right) of each trial by model, trained as `scored` says."""
    pre = {model: np.zeros(len(trials)) for model in models}
    for learn, fresh in _folds(trials):
        known = [trial for trial, is_known in zip(trials, learn, strict=True) if is_known]
        examples = examples_of(map(_whole, known), models=models)
        made = train(examples, stages=models, version="figures")
        for at in np.flatnonzero(fresh):
            chances = p_right(made.router, text=_whole(trials[at]).prompt)
            for model, chance in zip(models, chances, strict=True):
                pre[model][at] = chance
    return pre


def _folds(trials: Sequence[Trial]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield which trials teach and which are judged by what they taught."""
    buckets = np.array([trial.bucket for trial in trials])
    for fold in range(5):
        yield (buckets < 5) & (buckets != fold), buckets == fold
    yield buckets < 5, buckets >= 5


def auc(scores: Numbers, right: Numbers) -> float:
    """Return the chance that a right answer scores above a wrong one."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    good = right.sum()
    return float((ranks[right == 1].sum() - good * (good + 1) / 2) / (good * (len(right) - good)))


def _whole(trial: Trial) -> Trial:
    """Return a trial whose prompt holds the offered functions too, as a gateway sees them."""
    if not trial.schema:
        return trial
    return replace(trial, prompt=f"{trial.prompt}\n{json.dumps(trial.schema)}")


def right_of(trials: Sequence[Trial], model: str) -> Numbers:
    """Return how right a model was, by trial."""
    return np.array([trial.outcomes[model].quality for trial in trials], dtype=np.float64)


def _with_texts(main: str, texts: str) -> tuple[Trial, ...]:
    with (ROOT / f"{main}.jsonl.gz").open("rb") as file:
        trials = read(file).trials
    with (ROOT / f"{texts}.jsonl.gz").open("rb") as file:
        return with_texts(trials, file)
