"""The recorded outcomes of real models that benchmarks read: who got which question right.

Third-party files outside of the project (`../shared/data/router`, or where `OUTCOMES` points);
their README names source, commit and licence of each. Nothing of them is kept here.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("OUTCOMES") or Path(__file__).parents[2] / "shared/data/router")
TRAINING = frozenset(range(5))
TESTING = frozenset((5, 6))

HAIKU = "claude-3-haiku-20240307"
SONNET = "claude-3-sonnet-20240229"
OPUS = "claude-3-opus-20240229"


@dataclass(frozen=True, slots=True)
class Pair:
    """A question put to a weak and a strong model; answers are "" where they were not kept."""

    prompt: str
    weak: bool
    strong: bool
    bucket: int
    domain: str = ""
    weak_answer: str = ""
    strong_answer: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one model made of a question; tokens and seconds only where they were measured."""

    is_right: bool
    answer: str = ""
    text: str = ""
    characters: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question of ZeroEval (`gsm`, `crux`) or BFCL (its categories), by model name."""

    id: str
    task: str
    prompt: str
    bucket: int
    models: Mapping[str, Answered]
    prompt_characters: int = 0
    functions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer wrote, with its intent; nobody recorded a model's answer to it."""

    text: str
    intent: str
    source: str
    facts: Mapping[str, int] = field(default_factory=dict)


def is_here() -> bool:
    """Say whether the files are on this machine."""
    return (ROOT / "README.md").is_file()


@cache
def routellm_mmlu() -> tuple[Pair, ...]:
    """Read RouteLLM's MMLU: Mixtral 8x7B against GPT-4-1106, prompts only."""
    rows = csv.DictReader(io.StringIO(_text("routellm/mmlu_dev.csv.gz")))
    return tuple(
        Pair(
            prompt=row["prompt"],
            weak=row["weak_mixtral8x7b_correct"] == "1",
            strong=row["strong_gpt4_1106_correct"] == "1",
            bucket=int(row["bucket"]),
            domain=row["domain"],
        )
        for row in rows
    )


@cache
def routellm_gsm8k() -> tuple[Pair, ...]:
    """Read RouteLLM's GSM8K with the texts of both answers."""
    return tuple(
        Pair(
            prompt=row["prompt"],
            weak=bool(row["weak_correct"]),
            strong=bool(row["strong_correct"]),
            bucket=row["bucket"],
            weak_answer=row["weak_response"],
            strong_answer=row["strong_response"],
        )
        for row in _lines("routellm/gsm8k_dev.jsonl.gz")
    )


@cache
def zeroeval() -> tuple[Question, ...]:
    """Read GSM8K and CRUX of ZeroEval: 16 models, whole answers of the Claude models."""
    return tuple(question for task in ("gsm", "crux") for question in _zeroeval(task))


def _zeroeval(task: str) -> Iterator[Question]:
    texts = {
        row["id"]: row["texts"] for row in _lines(f"zeroeval/{task}_claude_texts_dev.jsonl.gz")
    }
    for row in _lines(f"zeroeval/{task}_dev.jsonl.gz"):
        said = texts.get(row["id"], {})
        yield Question(
            id=row["id"],
            task=task,
            prompt=row["question"],
            bucket=row["bucket"],
            models={
                name: Answered(
                    is_right=bool(given["correct"]),
                    answer=str(given["answer"]),
                    text=said.get(name, ""),
                    characters=given["out_chars"],
                )
                for name, given in row["models"].items()
            },
            prompt_characters=row["prompt_chars"],
        )


@cache
def bfcl() -> tuple[Question, ...]:
    """Read BFCL's function calls: 12 models with tokens and seconds; some rows lack raw outputs.

    The REST questions (`rest`) were kept without their text: their prompt is "".
    """
    outputs = {
        (row["category"], row["idx"]): row for row in _lines("bfcl/bfcl_outputs_dev.jsonl.gz")
    }
    return tuple(
        _called(row, outputs.get((row["category"], row["idx"]), {}))
        for row in _lines("bfcl/bfcl_dev.jsonl.gz")
    )


def _called(row: Mapping[str, Any], said: Mapping[str, Any]) -> Question:
    texts = said.get("outputs", {})
    return Question(
        id=f"{row['category']}-{row['idx']}",
        task=row["category"],
        prompt=row["question"] or "",
        bucket=row["bucket"],
        models={
            name: Answered(
                is_right=bool(given["correct"]),
                text=texts.get(name) or "",
                input_tokens=given["in_tok"],
                output_tokens=given["out_tok"],
                latency_s=given["latency_s"],
            )
            for name, given in row["models"].items()
        },
        functions=tuple(said.get("function", ())),
    )


@cache
def support() -> tuple[Asked, ...]:
    """Read what customers wrote: Banking77, CLINC150, Bitext, and tau2's retail and airline."""
    return (*_banking(), *_clinc(), *_bitext(), *_tau2("retail"), *_tau2("airline"))


def _banking() -> Iterator[Asked]:
    for part in ("train", "test"):
        for row in _rows(f"support/banking77_{part}.csv"):
            yield Asked(row["text"], row["category"], "banking77")


def _clinc() -> Iterator[Asked]:
    for part in json.loads(_text("support/clinc150_in_scope.json.gz")).values():
        for text, intent in part:
            yield Asked(text, intent, "clinc150")


def _bitext() -> Iterator[Asked]:
    for row in _rows("support/bitext_customer_service_8k.csv"):
        yield Asked(row["utterance"], row["intent"], "bitext")


def _tau2(domain: str) -> Iterator[Asked]:
    for task in json.loads(_text(f"support/tau2_{domain}_tasks.json.gz")):
        told = task["user_scenario"]["instructions"]
        parts = (told[name] for name in ("reason_for_call", "known_info", "task_instructions"))
        actions = (task["evaluation_criteria"] or {}).get("actions") or ()
        yield Asked(
            "\n".join(part for part in parts if part),
            domain,
            "tau2",
            {"actions": len(actions)},
        )


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(_text(name)))


def _lines(name: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in _text(name).split("\n") if line.strip())


def _text(name: str) -> str:
    path = ROOT / name
    if not path.is_file():
        message = (
            f"{name} is not in {ROOT}: these benchmarks replay recorded outcomes of real models. "
            "Put the files there, or point OUTCOMES at their folder."
        )
        raise FileNotFoundError(message)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as file:
        return file.read()
