"""Our own export of trials, as lines of JSON or as CSV, there and back. Pure.

JSON holds a trial on a line. CSV holds a trial's model on a line; lines of one trial follow each
other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial
from cascade.domain.uploads.lines import Row, Wrong

TRIAL = ("trial_id", "prompt", "intent", "bucket", "weight", "at")
OUTCOME = (
    "quality",
    "score",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "latency_s",
    "failed",
    "text",
    "alone",
    "heard",
    "like",
)
INNER = ("heard", "like")
COLUMNS = (*TRIAL, "model", *OUTCOME)
NEEDED = ("trial_id", "model", "input_tokens", "output_tokens")
_MOST_SECONDS = 86_400.0
_MOST_WEIGHT = 1e6
_MOST_LIKE = 16

Inner = TypeVar("Inner", dict[str, Any], list[Any])
# A spreadsheet would take a text that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def from_json(row: Row, number: int) -> Trial:
    """Read a trial from a line of JSON. Raises Wrong."""
    outcomes = {}
    for model, each in row.inner("outcomes").items():
        if not isinstance(each, Mapping):
            raise Wrong(f"outcomes.{model} must be an object.")
        outcomes[str(model)[:120]] = _outcome(Row(each))
    return _trial(row, outcomes)


def from_csv(row: Row, number: int) -> Trial:
    """Read a trial with one outcome from a line of CSV. Raises Wrong."""
    model = row.text("model", longest=120)
    if not model:
        raise Wrong("model is empty; it names the model that answered.")
    return _trial(row, {model: _outcome(row)})


def joined(trials: Iterable[Trial]) -> Iterator[Trial]:
    """Join neighbours of one name to one trial with all their outcomes."""
    held: Trial | None = None
    for trial in trials:
        if held is not None and held.trial_id == trial.trial_id:
            held = replace(held, outcomes={**held.outcomes, **trial.outcomes})
            continue
        if held is not None:
            yield held
        held = trial
    if held is not None:
        yield held


def as_jsonl(trials: Iterable[Trial]) -> Iterator[str]:
    """Yield trials as lines of JSON."""
    for trial in trials:
        outcomes = {model: _flat(each) for model, each in trial.outcomes.items()}
        yield json.dumps({**_head(trial), "outcomes": outcomes}, ensure_ascii=False) + "\n"


def as_csv(trials: Iterable[Trial]) -> Iterator[str]:
    """Yield trials as lines of CSV, the header first; texts that look like formulas are quoted."""
    yield _line(COLUMNS)
    for trial in trials:
        for model, outcome in trial.outcomes.items():
            row = {**_head(trial), "model": model, **_flat(outcome)}
            row |= {name: json.dumps(row[name]) if row[name] else "" for name in INNER}
            yield _line([_safe(row[name]) for name in COLUMNS])


def _trial(row: Row, outcomes: Mapping[str, Outcome]) -> Trial:
    name = row.text("trial_id", longest=200)
    if not name:
        raise Wrong("trial_id is empty; each trial has its own.")
    return Trial(
        trial_id=name,
        prompt=_unquoted(row.text("prompt", usual="")),
        outcomes=outcomes,
        intent=row.text("intent", usual="", longest=200),
        bucket=row.count("bucket", usual=0),
        weight=row.number("weight", least=0.001, most=_MOST_WEIGHT, usual=1.0),
        at=_moment(row),
    )


def _outcome(row: Row) -> Outcome:
    used = row.count("input_tokens")
    cached = row.count("cached_tokens", usual=0)
    if cached > used:
        raise Wrong(f"cached_tokens is {cached}; at most the {used} input tokens can be cached.")
    like = _like(row)
    return Outcome(
        quality=_maybe(row, "quality", 1.0),
        tokens=Tokens(input=used, output=row.count("output_tokens"), cached=cached),
        latency_s=_maybe(row, "latency_s", _MOST_SECONDS),
        text=_unquoted(row.text("text", usual="")),
        score=_maybe(row, "score", 1.0),
        failed=row.text("failed", usual="", longest=40),
        alone=_maybe(row, "alone", 1.0),
        heard=_heard(row, like),
        like=like,
    )


def _heard(row: Row, like: Mapping[str, Agreement]) -> tuple[str, ...]:
    """Read whose answers are in the score. Raises Wrong."""
    heard = _inner(row, "heard", [], example='["small"]')
    if not all(isinstance(each, str) for each in heard):
        raise Wrong("heard must hold names of models.")
    if heard and _maybe(row, "alone", 1.0) is None:
        raise Wrong("heard names models; alone must say what the score was without them.")
    if unknown := [each for each in heard if each not in like]:
        raise Wrong(f"heard names {unknown[0]!r}; like must say how alike its answer is.")
    return tuple(heard)


def _like(row: Row) -> dict[str, Agreement]:
    """Read how alike an answer is to others: {model: [degree, kind]}."""
    given = _inner(row, "like", {}, example='{"small": [1.0, "number"]}')
    return {str(model)[:120]: _agreement(found) for model, found in given.items()}


def _inner(row: Row, name: str, empty: Inner, *, example: str) -> Inner:
    """Return a list or an object, which in CSV is JSON text. Raises Wrong."""
    given = row.values.get(name) or empty
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, type(empty)) or len(given) > _MOST_LIKE:
        raise Wrong(f"{name} must be as in {example}, {_MOST_LIKE} entries at most.")
    return given


def _agreement(found: object) -> Agreement:
    match found:
        case [float() | int() as degree, str() as kind] if (
            not isinstance(degree, bool) and 0 <= degree <= 1 and kind in list(Kind)
        ):
            return Agreement(Kind(kind), float(degree))
    kinds = ", ".join(Kind)
    raise Wrong(f"like holds {found!r:.60}; it must be [a degree from 0 to 1, one of {kinds}].")


def _maybe(row: Row, name: str, most: float) -> float | None:
    if row.values.get(name) in (None, ""):
        return None
    return row.number(name, most=most)


def _moment(row: Row) -> datetime | None:
    text = row.text("at", usual="", longest=40)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Wrong(f"at is {text!r}; it must be a moment like 2026-11-20T10:00:00+00:00.")
    return found


def _head(trial: Trial) -> dict[str, Any]:
    return {
        "trial_id": trial.trial_id,
        "prompt": trial.prompt,
        "intent": trial.intent,
        "bucket": trial.bucket,
        "weight": trial.weight,
        "at": trial.at.isoformat() if trial.at else "",
    }


def _flat(outcome: Outcome) -> dict[str, Any]:
    return {
        "quality": outcome.quality,
        "score": outcome.score,
        "input_tokens": outcome.tokens.input,
        "output_tokens": outcome.tokens.output,
        "cached_tokens": outcome.tokens.cached,
        "latency_s": outcome.latency_s,
        "failed": outcome.failed,
        "text": outcome.text,
        "alone": outcome.alone,
        "heard": list(outcome.heard),
        "like": {name: [each.degree, str(each.kind)] for name, each in outcome.like.items()},
    }


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith((*_FORMULA, "'")):
        return f"'{value}"
    return "" if value is None else value


def _unquoted(text: str) -> str:
    is_quoted = text.startswith("'") and text[1:].startswith((*_FORMULA, "'"))
    return text[1:] if is_quoted else text


def _line(values: Iterable[object]) -> str:
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerow(values)
    return held.getvalue()
