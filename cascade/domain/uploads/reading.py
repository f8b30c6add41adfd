"""An uploaded file is known by its first row and read to trials, or refused line by line. Pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any, BinaryIO, NoReturn

from cascade.domain.trial import Outcome, Trial
from cascade.domain.uploads import own, shapes
from cascade.domain.uploads.lines import (
    MOST_BYTES,
    MOST_FAULTS,
    Fault,
    Row,
    UploadFaulty,
    Wrong,
    lines,
)

MOST_TRIALS = 200_000
Numbered = Iterator[tuple[int, Mapping[str, Any]]]
Reader = Callable[[Row, int], Trial]


class Shape(StrEnum):
    """Which files are known."""

    OWN_JSON = "own lines of JSON"
    OWN_CSV = "own CSV"
    ROUTELLM_CSV = "RouteLLM, CSV"
    ROUTELLM_JSONL = "RouteLLM, lines of JSON"
    ZEROEVAL = "ZeroEval"
    BFCL = "function calling leaderboard"
    MTBENCH = "MT-Bench judgements"


READERS: Mapping[Shape, Reader] = {
    Shape.OWN_JSON: own.from_json,
    Shape.OWN_CSV: own.from_csv,
    Shape.ROUTELLM_CSV: shapes.routellm_csv,
    Shape.ROUTELLM_JSONL: shapes.routellm_jsonl,
    Shape.ZEROEVAL: shapes.zeroeval,
    Shape.BFCL: shapes.bfcl,
    Shape.MTBENCH: shapes.mtbench,
}
# What the first row of each shape must have, the most telling first.
_TELLING: tuple[tuple[Shape, frozenset[str]], ...] = (
    (Shape.OWN_JSON, frozenset({"trial_id", "outcomes"})),
    (Shape.OWN_CSV, frozenset(own.NEEDED)),
    (Shape.ROUTELLM_JSONL, frozenset({"prompt", "weak_correct", "weak_response"})),
    (Shape.ZEROEVAL, frozenset({"id", "question", "models"})),
    (Shape.BFCL, frozenset({"category", "idx", "question", "models"})),
    (Shape.MTBENCH, frozenset({"question_id", "turns", "scores"})),
)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file's trials, the models that answered them, and how often each was judged."""

    shape: Shape
    trials: tuple[Trial, ...]
    judged: Mapping[str, int]


def read(
    stream: BinaryIO, *, most_bytes: int = MOST_BYTES, most_trials: int = MOST_TRIALS
) -> Uploaded:
    """Return the trials of a file (seekable, gzipped or not). Raises UploadFaulty."""
    rows = _rows(lines(stream, most_bytes=most_bytes))
    first = next(rows, None)
    if first is None:
        raise UploadFaulty(Fault(1, "The file is empty; a trial on each line is expected."))
    shape = _shape(first[1])
    trials = _trials(shape, chain([first], rows), most=most_trials)
    judged: dict[str, int] = {}
    for trial in trials:
        for model, outcome in trial.outcomes.items():
            judged[model] = judged.get(model, 0) + (outcome.quality is not None)
    return Uploaded(shape, trials, judged)


def with_texts(
    trials: Iterable[Trial], stream: BinaryIO, *, most_bytes: int = MOST_BYTES
) -> tuple[Trial, ...]:
    """Return trials with the whole answers of a companion file. Raises UploadFaulty.

    ZeroEval's holds `id` and `texts` by model; the function calling leaderboard's holds `category`,
    `idx`, the offered functions and `outputs` by model.
    """
    found: dict[str, tuple[Mapping[str, Any], object]] = {}
    for number, values in _rows(lines(stream, most_bytes=most_bytes)):
        row = Row(values)
        try:
            if "texts" in values:
                found[row.text("id", longest=200)] = (row.inner("texts"), None)
            else:
                found[shapes.bfcl_id(row)] = (row.inner("outputs"), values.get("function"))
        except Wrong as wrong:
            raise UploadFaulty(Fault(number, str(wrong))) from None
    return tuple(_with_text(trial, *found.get(trial.trial_id, ({}, None))) for trial in trials)


def renamed(trials: Iterable[Trial], names: Mapping[str, str]) -> tuple[Trial, ...]:
    """Return trials whose models bear these names: so an old model's outcomes stand for a stage's.

    Models that `names` does not have keep their own.
    """
    return tuple(
        replace(
            trial,
            outcomes={
                names.get(model, model): _renamed(each, names)
                for model, each in trial.outcomes.items()
            },
        )
        for trial in trials
    )


def _renamed(outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """Return an outcome that speaks of other models by these names, too."""
    return replace(
        outcome,
        heard=tuple(names.get(model, model) for model in outcome.heard),
        like={names.get(model, model): each for model, each in outcome.like.items()},
    )


def _with_text(trial: Trial, texts: Mapping[str, Any], functions: object) -> Trial:
    outcomes: dict[str, Outcome] = {
        model: replace(each, text=texts[model]) if isinstance(texts.get(model), str) else each
        for model, each in trial.outcomes.items()
    }
    schema = {"functions": functions} if functions else trial.schema
    return replace(trial, outcomes=outcomes, schema=schema)


def _trials(shape: Shape, rows: Numbered, *, most: int) -> tuple[Trial, ...]:
    faults: list[Fault] = []
    found = tuple(_read_each(shape, rows, faults, most=most))
    if faults:
        raise UploadFaulty(*faults)
    return tuple(own.joined(found)) if shape is Shape.OWN_CSV else found


def _read_each(shape: Shape, rows: Numbered, faults: list[Fault], *, most: int) -> Iterator[Trial]:
    seen: set[str] = set()
    last = ""
    for count, (number, values) in enumerate(rows, start=1):
        if count > most:
            faults.append(Fault(number, f"There are more than {most:,} rows; upload fewer."))
            return
        try:
            trial = READERS[shape](Row(values), count)
            if trial.trial_id in seen and not (shape is Shape.OWN_CSV and trial.trial_id == last):
                raise Wrong(f"The trial {trial.trial_id!r} stood above already; each comes once.")
        except Wrong as wrong:
            faults.append(Fault(number, str(wrong)))
            if len(faults) >= MOST_FAULTS:
                return
            continue
        last = trial.trial_id
        seen.add(last)
        yield trial


def _shape(first: Mapping[str, Any]) -> Shape:
    names = set(first)
    for shape, telling in _TELLING:
        if telling <= names:
            return shape
    if "prompt" in names and any(name.startswith("weak_") for name in names):
        return Shape.ROUTELLM_CSV
    shown = ", ".join(sorted(map(str, names))[:12])
    raise UploadFaulty(
        Fault(
            1,
            f"It has {shown}. Known are our export (trial_id and outcomes, or a CSV with "
            f"{', '.join(own.NEEDED)}), RouteLLM (prompt, weak_..., strong_...), ZeroEval (id, "
            "question, models), the function calling leaderboard (category, idx, question, models) "
            "and MT-Bench (question_id, turns, scores).",
        )
    )


def _rows(texts: Iterator[str]) -> Numbered:
    """Yield numbered rows of JSON or CSV, whichever the first line is. Raises UploadFaulty."""
    first = next((text for text in texts if text.strip()), None)
    if first is None:
        return iter(())
    if first.lstrip().startswith("{"):
        return _json_rows(chain([first], texts))
    return _csv_rows(chain([first], texts))


def _json_rows(texts: Iterable[str]) -> Numbered:
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            values = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as wrong:
            words = f"It is not JSON ({wrong}); a trial is one JSON object on one line."
            raise UploadFaulty(Fault(number, words[:300])) from None
        if not isinstance(values, Mapping):
            raise UploadFaulty(Fault(number, "It is no JSON object; a trial is one object."))
        yield number, values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _csv_rows(texts: Iterable[str]) -> Numbered:
    reader = csv.reader(texts, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                words = f"It has {len(row)} fields and the header {len(header)}; quote commas."
                raise UploadFaulty(Fault(reader.line_num, words))
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as wrong:
        words = f"It is not CSV ({wrong}); separate by commas and quote texts."
        raise UploadFaulty(Fault(reader.line_num, words)) from None
