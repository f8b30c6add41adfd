"""Rows of published evaluations as trials, one function for each shape. Pure.

Where a file has no token counts, characters stand for them: 3.8 to a token is the mean of English
text in these sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial
from cascade.domain.uploads.lines import Row, Wrong

CHARACTERS_A_TOKEN = 3.8
WEAK, STRONG = "mixtral-8x7b", "gpt-4-1106"
# MMLU's answers are one letter; that is what the file's models were asked for.
_LETTER = 4
_MOST_SECONDS = 86_400.0


def routellm_csv(row: Row, number: int) -> Trial:
    """Read a row of RouteLLM's MMLU: a question and whether two models were right."""
    prompt = row.text("prompt")
    weak, strong = (_column(row, start) for start in ("weak_", "strong_"))
    tokens = Tokens(input=tokens_of(prompt), output=_LETTER)
    outcomes = {
        model: Outcome(quality=row.share(name), tokens=tokens)
        for model, name in ((WEAK, weak), (STRONG, strong))
    }
    return Trial(
        trial_id=f"routellm-{number}",
        prompt=prompt,
        outcomes=outcomes,
        intent=row.text("domain", usual="", longest=200),
        bucket=row.count("bucket", usual=0),
    )


def routellm_jsonl(row: Row, number: int) -> Trial:
    """Read a line of RouteLLM's GSM8K: a question, two answers and whether they were right."""
    prompt = row.text("prompt")
    outcomes = {}
    for model, name in ((WEAK, "weak"), (STRONG, "strong")):
        text = row.text(f"{name}_response")
        tokens = Tokens(input=tokens_of(prompt), output=tokens_of(text))
        outcomes[model] = Outcome(quality=row.share(f"{name}_correct"), tokens=tokens, text=text)
    return Trial(
        trial_id=f"routellm-{number}",
        prompt=prompt,
        outcomes=outcomes,
        bucket=row.count("bucket", usual=0),
    )


def zeroeval(row: Row, number: int) -> Trial:
    """Read a line of ZeroEval: a task and the answers of many models."""
    prompt = row.text("question")
    used = row.count("prompt_chars", usual=len(prompt))
    outcomes = {}
    for model, each in _models(row):
        outcomes[model] = Outcome(
            quality=each.share("correct"),
            tokens=Tokens(
                input=round(used / CHARACTERS_A_TOKEN),
                output=round(each.count("out_chars", usual=0) / CHARACTERS_A_TOKEN),
            ),
            text=each.text("answer", usual=""),
        )
    return Trial(
        trial_id=row.text("id", longest=200),
        prompt=prompt,
        outcomes=outcomes,
        intent=row.text("task", usual="", longest=200),
        bucket=row.count("bucket", usual=0),
    )


def bfcl(row: Row, number: int) -> Trial:
    """Read a line of the function calling leaderboard: real tokens and latencies."""
    outcomes = {}
    for model, each in _models(row):
        seconds = each.number("latency_s", most=_MOST_SECONDS, usual=-1.0)
        outcomes[model] = Outcome(
            quality=each.share("correct"),
            tokens=Tokens(input=each.count("in_tok"), output=each.count("out_tok")),
            latency_s=None if seconds < 0 else seconds,
        )
    return Trial(
        trial_id=bfcl_id(row),
        prompt=row.text("question", usual=""),
        outcomes=outcomes,
        intent=row.text("category", longest=200),
        bucket=row.count("bucket", usual=0),
    )


def mtbench(row: Row, number: int) -> Trial:
    """Read a question of MT-Bench: a judge's marks from 1 to 10, as shares of 10."""
    turns = row.values.get("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(each, str) for each in turns):
        raise Wrong("turns must be a list of texts.")
    prompt = "\n".join(turns)
    outcomes = {}
    for model, marks in row.inner("scores").items():
        if not isinstance(marks, Mapping) or not marks:
            raise Wrong(f"scores of {model} must be an object of turn and mark.")
        read = Row(marks)
        quality = fmean(read.number(turn, most=10.0) for turn in marks) / 10
        outcomes[str(model)] = Outcome(quality=quality, tokens=Tokens(input=tokens_of(prompt)))
    return Trial(
        trial_id=f"mtbench-{row.count('question_id')}",
        prompt=prompt,
        outcomes=outcomes,
        intent=row.text("category", usual="", longest=200),
    )


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has."""
    return round(len(text) / CHARACTERS_A_TOKEN)


def bfcl_id(row: Row) -> str:
    """Return the name of a function calling task, the same in both of its files."""
    return f"{row.text('category', longest=200)}-{row.count('idx')}"


def _models(row: Row) -> list[tuple[str, Row]]:
    found = []
    for model, each in row.inner("models").items():
        if not isinstance(each, Mapping):
            raise Wrong(f"models.{model} must be an object.")
        found.append((str(model)[:120], Row(each)))
    return found


def _column(row: Row, start: str) -> str:
    for name in row.values:
        if name.startswith(start) and name.endswith("_correct"):
            return name
    raise Wrong(f"A column {start}..._correct is missing; it says 1 for right and 0 for wrong.")
