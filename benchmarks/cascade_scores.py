"""P(right) of recorded answers, before and after the call, each from models that never saw them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.cascade_rivals import Numbers, Scored
from benchmarks.outcomes import ROOT
from cascade.domain.hashing import DIMENSIONS, Hashed, features
from cascade.domain.logistic import Rows, fit_logistic, rows_of, sigmoid
from cascade.domain.router import p_right
from cascade.domain.training import examples_of, train
from cascade.domain.trial import Trial
from cascade.domain.uploads.reading import read, with_texts

# The checks on an answer stand first, then the prompt's features, then the answer's.
_CHECKS = 16
_CALL = re.compile(r"([\w.]+)\(")
_ARGUMENT = re.compile(r"(\w+)\s*=\s*('[^']*'|\"[^\"]*\"|[^,)\]]+)")
_SUM = re.compile(r"(\d[\d,.]*)\s*([-+*x/])\s*\$?(\d[\d,.]*)\s*=\s*\$?(\d[\d,.]*)")
_ANSWER = re.compile(r'"answer":\s*(.*)', re.DOTALL)


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
    all of 0 to 4 teach.
    """
    post = {model: np.zeros(len(trials)) for model in models}
    for model in models:
        rows, right = _rows(trials, model), right_of(trials, model)
        for learn, fresh in _folds(trials):
            post[model][fresh] = _after(rows, right, learn, fresh)
    return Scored(tuple(trials), forecast(trials, models), post)


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


def _after(rows: Rows, right: Numbers, learn: np.ndarray, fresh: np.ndarray) -> Numbers:
    fit = fit_logistic(rows.kept(learn), right[learn], counts=_CHECKS, count_scale=0.3)
    return np.asarray(sigmoid(fit.log_odds(rows.kept(fresh))))


def _with_texts(main: str, texts: str) -> tuple[Trial, ...]:
    with (ROOT / f"{main}.jsonl.gz").open("rb") as file:
        trials = read(file).trials
    with (ROOT / f"{texts}.jsonl.gz").open("rb") as file:
        return with_texts(trials, file)


def _rows(trials: Sequence[Trial], model: str) -> Rows:
    found = [_features(trial, model) for trial in trials]
    return rows_of(found, columns=_CHECKS + 2 * DIMENSIONS)


def _features(trial: Trial, model: str) -> Hashed:
    text = trial.outcomes[model].text
    checks = np.array(_call_checks(trial, text) if trial.schema else _text_checks(trial, text))
    prompt, answer = features(_whole(trial).prompt), features(text)
    indices = np.concatenate(
        [
            np.arange(len(checks)),
            prompt.indices + _CHECKS,
            answer.indices + _CHECKS + DIMENSIONS,
        ]
    )
    values = np.concatenate([checks, prompt.values, answer.values])
    return Hashed(indices.astype(np.int32), values.astype(np.float32))


def _text_checks(trial: Trial, text: str) -> list[float]:
    sums, wrong = _arithmetic(text)
    found = _ANSWER.search(text)
    last = found.group(1)[:200] if found else ""
    is_code = trial.intent == "crux"
    return [
        float(is_code),
        len(trial.prompt) / 1000,
        len(text) / 1000,
        len(text) / 1000 * is_code,
        sums / 5,
        wrong,
        float(wrong > 0),
        float(found is None),
        len(last) / 50,
        float("." in last),
        len(re.findall(r"\d", last)) / 5,
        trial.prompt.count("for ") * is_code,
        trial.prompt.count("%") + trial.prompt.count("/"),
        len(re.findall(r"\d+", trial.prompt)) / 10,
    ]


def _arithmetic(text: str) -> tuple[int, float]:
    """Return how many sums an answer works out, and how many of them wrong."""
    wrong = count = 0
    for one, sign, other, result in _SUM.findall(text):
        try:
            left, right, said = (
                float(part.replace(",", "").rstrip(".")) for part in (one, other, result)
            )
            true = {"+": left + right, "-": left - right}.get(sign)
            if true is None:
                true = left / right if sign == "/" else left * right
        except (ValueError, ZeroDivisionError):
            continue
        count += 1
        wrong += abs(true - said) > 0.02 * max(1.0, abs(said))
    return count, float(wrong)


def _call_checks(trial: Trial, text: str) -> list[float]:
    offered = trial.schema.get("functions")
    functions = offered if isinstance(offered, list) else []
    names = {each.get("name") for each in functions}
    called, given = _CALL.findall(text), _ARGUMENT.findall(text)
    properties: set[str] = set()
    needed: set[str] = set()
    for each in functions:
        parameters = each.get("parameters") or {}
        properties |= set(parameters.get("properties") or {})
        if each.get("name") in called:
            needed |= set(parameters.get("required") or [])
    said = trial.prompt.lower()
    grounded = [value.strip("'\" ").lower() in said for _, value in given]
    return [
        len(functions),
        len(properties) / 10,
        len(called),
        float(not called),
        float(bool(called) and all(name in names for name in called)),
        len(given) / 5,
        float(np.mean(grounded)) if grounded else 0.0,
        len(grounded) - sum(grounded),
        sum(name not in properties for name, _ in given),
        len(needed - {name for name, _ in given}),
        max(0, len(given) - len(needed)),
        len(text) / 200,
        float(text.strip().startswith("[")),
        float("{" in text),
        float(not trial.prompt),
        float(trial.intent == "relevance") * (1.0 if called else -1.0),
    ]
