"""A day of support, constructed: what customers wrote, with recorded outcomes of like difficulty.

Nobody published which model answers which support query right. So texts of support (Banking77,
CLINC150, Bitext, tau2) are matched with questions of which the outcomes are known (GSM8K and CRUX
of ZeroEval, function calls of BFCL), level by level:

- How hard an outcome is, is said by the models that are NOT its stages (13 at ZeroEval, 9 at BFCL):
  easy where all of them are right, hard where at most half are, middle between. The stages' own
  outcomes never choose a row, so each tier keeps its true rate of errors within a level.
- How hard a text is, is said by its form: tau2's tasks of several actions are hard, a message of at
  most 12 words is easy, a longer one is middle.
- A text meets an outcome of its own bucket only (texts get one of seven by CRC-32), so that what is
  learnt on buckets 0 to 4 has seen neither text nor outcome of 5 and 6. No outcome is used twice;
  there are only few hard texts (164), which come back with other outcomes.
- Tokens and seconds are BFCL's measured ones; ZeroEval kept characters, taken at 3.8 a token, and
  no seconds.

What this shows: prices, overheads and escalations of a policy on a mix of that difficulty. What it
does not: how well a router reads real support texts, as text and outcome agree by level only.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from benchmarks import outcomes
from benchmarks.outcomes import HAIKU, OPUS, SONNET, Answered, Asked, Question
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial

One = TypeVar("One")

STAGES = (HAIKU, SONNET, OPUS)
CHARACTERS_PER_TOKEN = 3.8
BUCKETS = 7
EASY_WORDS = 12
HARD_SHARE = 0.5


class Level(StrEnum):
    """How hard a request is."""

    EASY = "easy"
    MIDDLE = "middle"
    HARD = "hard"


# Shares of easy, middle and hard requests.
SEVENTY = (0.7, 0.2, 0.1)
EIGHTY = (0.8, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A request of the mix: its trial, its level, and the question whose outcomes it carries.

    A gate's score of `origin`'s recorded answer is this trial's too.
    """

    trial: Trial
    level: Level
    origin: str


def support_mix(shares: Sequence[float] = SEVENTY, *, seed: int = 0) -> tuple[Mixed, ...]:
    """Return as many requests in these shares as there are outcomes; the same for the same seed.

    Raises FileNotFoundError where the recorded outcomes are not on this machine.
    """
    random = np.random.default_rng(seed)
    questions = _by_level((level_of(one), one.bucket, one) for one in _questions())
    texts = _by_level((level_of_text(one), _bucket(one), one) for one in _texts())
    wanted = dict(zip(Level, shares, strict=True))
    found = []
    for bucket in range(BUCKETS):
        pools = {level: questions[level, bucket] for level in Level}
        for level, count in _counts(pools, wanted).items():
            chosen = random.permutation(len(pools[level]))[:count]
            spoken = random.permutation(len(texts[level, bucket]))
            for place, at in enumerate(chosen.tolist()):
                asked = texts[level, bucket][spoken[place % len(spoken)]]
                found.append(_mixed(asked, pools[level][at], level))
    order = random.permutation(len(found))
    return tuple(found[place] for place in order)


def level_of(question: Question) -> Level:
    """Return how hard a question is to the models that are no stages here."""
    others = [said.is_right for name, said in question.models.items() if name not in STAGES]
    share = sum(others) / len(others)
    if share == 1:
        return Level.EASY
    return Level.HARD if share <= HARD_SHARE else Level.MIDDLE


def level_of_text(asked: Asked) -> Level:
    """Return how hard a text looks by its form."""
    if asked.source == "tau2":
        return Level.HARD
    return Level.EASY if len(asked.text.split()) <= EASY_WORDS else Level.MIDDLE


def _questions() -> tuple[Question, ...]:
    every = (*outcomes.zeroeval(), *outcomes.bfcl())
    return tuple(one for one in every if all(stage in one.models for stage in STAGES))


def _texts() -> tuple[Asked, ...]:
    return tuple({one.text: one for one in outcomes.support() if one.text.strip()}.values())


def _bucket(asked: Asked) -> int:
    return zlib.crc32(asked.text.encode()) % BUCKETS


def _by_level(
    given: Iterable[tuple[Level, int, One]],
) -> Mapping[tuple[Level, int], list[One]]:
    found: dict[tuple[Level, int], list[One]] = defaultdict(list)
    for level, bucket, one in given:
        found[level, bucket].append(one)
    return found


def _counts(
    pools: Mapping[Level, Sequence[Question]], wanted: Mapping[Level, float]
) -> dict[Level, int]:
    """Return how many of each level keep the shares and use no outcome twice."""
    most = min(len(pools[level]) / share for level, share in wanted.items() if share)
    return {level: round(most * share) for level, share in wanted.items()}


def _mixed(asked: Asked, question: Question, level: Level) -> Mixed:
    found = {stage: _outcome(question, question.models[stage]) for stage in STAGES}
    trial = Trial(
        trial_id=f"{asked.source}:{question.id}",
        prompt=asked.text,
        outcomes=found,
        intent=asked.intent,
        bucket=question.bucket,
    )
    return Mixed(trial, level, question.id)


def _outcome(question: Question, said: Answered) -> Outcome:
    return Outcome(
        quality=float(said.is_right),
        tokens=Tokens(
            input=_tokens(said.input_tokens, question.prompt_characters),
            output=_tokens(said.output_tokens, said.characters),
        ),
        latency_s=said.latency_s,
        text=said.text,
    )


def _tokens(measured: int | None, characters: int) -> int:
    return measured if measured is not None else round(characters / CHARACTERS_PER_TOKEN)
