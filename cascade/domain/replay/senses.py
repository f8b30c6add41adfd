"""What a replay asks about a trial where live traffic asks a model: router, gate, partner, judge.

Pure. Each is a function, so that a replay uses the very router and gate that answer live.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cascade.domain.gate.agreement import Agreement, agree
from cascade.domain.gate.assessing import REFUSED, Verdict, with_earlier
from cascade.domain.request import Answer, Chat, Message, Part, Speaker, Stop, Tokens
from cascade.domain.trial import Outcome, Trial

_WHOLE = 2**32
_JUDGE = Tokens(input=250, output=12)
_CLASSIFIER = Tokens(input=120, output=6)

Foresee = Callable[[Trial], tuple[float, ...]]
# Of a model's answer, beside those of the models that were asked earlier and count.
Score = Callable[[Trial, str, tuple[str, ...]], float | None]
Compare = Callable[[Trial, str, str, float], float]
Judged = Callable[[Trial, str, float, float], float]


def no_forecast(trial: Trial) -> tuple[float, ...]:
    """Nobody looks at a request before it is answered."""
    return ()


def logged_score(trial: Trial, model: str, earlier: tuple[str, ...] = ()) -> float | None:
    """Return the gate's score as it was logged, as far as the same earlier answers counted in it.

    Else the score that the answer had alone, beside the earlier ones that count now.
    """
    outcome = trial.outcomes[model]
    if outcome.score is None or set(earlier) == set(outcome.heard):
        return outcome.score
    alone = outcome.score if outcome.alone is None else outcome.alone
    return beside(trial, model, earlier, alone)


def beside(trial: Trial, model: str, earlier: tuple[str, ...], score: float) -> float:
    """Return a score after earlier models' answers were heard; unknown ones say nothing."""
    if score <= REFUSED:
        return score
    found = {each: likeness(trial, model, each) for each in earlier}
    known = {each: agreement for each, agreement in found.items() if agreement is not None}
    return with_earlier(Verdict(score), known).p_good


def likeness(trial: Trial, model: str, other: str) -> Agreement | None:
    """Return how far two models' answers say the same: as logged, or by their texts."""
    one, two = trial.outcomes[model], trial.outcomes[other]
    found = one.like.get(other) or two.like.get(model)
    if found is not None or not (one.text.strip() and two.text.strip()):
        return found
    answers = (Answer(each.text, Stop.END, each.tokens) for each in (one, two))
    return agree(chat_of(trial), *answers)


def compared(trial: Trial, models: Sequence[str]) -> Trial | None:
    """Return a trial that says how alike each of these models' answers is to the earlier ones'.

    None when that is not known of two of them; what failed, is broken or refuses says nothing.
    """
    speaking = [model for model in models if _speaks(trial.outcomes[model])]
    found: Trial | None = trial
    for place, model in enumerate(speaking):
        found = heard_beside(found, model, tuple(speaking[:place])) if found else None
    return found


def heard_beside(trial: Trial, model: str, earlier: tuple[str, ...]) -> Trial | None:
    """Return a trial that says how alike a model's answer is to earlier ones; None when unknown."""
    like = trial.outcomes[model].like
    if all(each in like for each in earlier):
        return trial
    found = {each: likeness(trial, model, each) for each in earlier}
    known = {each: agreement for each, agreement in found.items() if agreement is not None}
    if len(known) < len(found):
        return None
    outcome = replace(trial.outcomes[model], like={**like, **known})
    return replace(trial, outcomes={**trial.outcomes, model: outcome})


def _speaks(outcome: Outcome) -> bool:
    """Say whether an answer says anything about another one, as `walk.opinions` does."""
    score = outcome.score if outcome.alone is None else outcome.alone
    if outcome.failed or (score is None and not outcome.text.strip()):
        return False
    return score is None or score > REFUSED


def chat_of(trial: Trial) -> Chat:
    """Return a logged prompt as the chat it was, as far as it was kept."""
    return Chat(messages=(Message(Speaker.USER, (Part(text=trial.prompt),)),))


def same_text(trial: Trial, model: str, partner: str, score: float) -> float:
    """Return the score after a partner spoke: sure when both said the same, else unchanged."""
    one, other = trial.outcomes.get(model), trial.outcomes.get(partner)
    if one is None or other is None or not one.text.strip():
        return score
    return max(score, 0.99) if one.text.split() == other.text.split() else score


def unheard(trial: Trial, model: str, score: float, draw: float) -> float:
    """A judge of whom nothing is known changes no score; its cost is booked all the same."""
    return score


def label_judge(*, agreement: float) -> Judged:
    """Return a judge that agrees with the label of a trial in this share of cases.

    For what-if: 0.85 is what GPT-4 as a judge reaches against people (MT-Bench, arXiv:2306.05685).
    """

    def judged(trial: Trial, model: str, score: float, draw: float) -> float:
        quality = trial.outcomes[model].quality
        if quality is None:
            return score
        is_good = (quality >= 0.5) == (draw < agreement)
        return max(score, agreement) if is_good else min(score, 1 - agreement)

    return judged


@dataclass(frozen=True, slots=True)
class Senses:
    """Who is asked about a trial, all by what was logged unless told otherwise."""

    foresee: Foresee = no_forecast
    score: Score = logged_score
    compare: Compare = same_text
    judge: Judged = unheard


@dataclass(frozen=True, slots=True)
class Overheads:
    """Tokens that surround an answer, and how often a call is paid for twice.

    The judge and the LLM classifier read the prompt (the judge also the answer) and these tokens
    more. `retried_share` of calls fail after their input was read and are made again. Seconds: the
    median of Claude 3 Haiku on the function calls of BFCL.
    """

    judge: Tokens = _JUDGE
    classifier: Tokens = _CLASSIFIER
    judge_s: float = 0.8
    classifier_s: float = 0.8
    retried_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Draws:
    """A trial's own random numbers: the same for the same seed, whatever came before.

    Shares from 0 to 1, but for `retries`, whole numbers below 2^32.
    """

    shadow: float
    sample: float
    judge: float
    retries: tuple[int, ...]

    def retry(self, attempt: int) -> float:
        """Return the share drawn for an attempt (0 is the first)."""
        return self.retries[attempt % len(self.retries)] / _WHOLE


def draws(trial_id: str, *, seed: int) -> Draws:
    """Return a trial's random numbers."""
    told = hashlib.blake2b(f"{seed}:{trial_id}".encode(), digest_size=32).digest()
    shadow, sample, judge, *retry = struct.unpack(">8I", told)
    return Draws(shadow / _WHOLE, sample / _WHOLE, judge / _WHOLE, tuple(retry))
