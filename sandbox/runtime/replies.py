"""What a pretend model says and how much, the same for the same seed and prompt."""

import hashlib
import math
import random
import re
from dataclasses import dataclass
from typing import Any

from sandbox import state
from sandbox.runtime import skills, tokens
from sandbox.runtime.skills import Lapse

MEDIAN_TOKENS = 130
SPREAD = 0.7
"""Output length is lognormal: the conversation trace of Azure (2023) has a median near 130."""

_MARKER = re.compile(r"\[slipway tokens=(\d{1,6})\]")
_OPENINGS = ("Thanks for asking", "Here is a short answer", "Good point", "In brief")
_SUBJECTS = ("the team", "your order", "this plan", "the text", "our review", "the report")
_VERBS = ("shows", "needs", "covers", "keeps", "states", "names", "follows", "changes")
_OBJECTS = ("a clear next step", "two open points", "the main idea", "every detail you gave")
_TAILS = ("for now", "as you asked", "in most cases", "before the end of the week", "once more")
_STRAY = ("gardening", "the weather", "football", "an old recipe")
_HEDGES = (
    "I'm sorry, but I can't help with that.",
    "I am not sure about this, please contact support.",
    "As an AI language model, I cannot answer that.",
)
_STOPWORDS = frozenset(["the", "and", "for", "with", "that", "this", "you", "are", "slipway"])


@dataclass(frozen=True, slots=True)
class Said:
    """A finished text, its tokens, and why it ended (end_turn, max_tokens, stop_sequence).

    `tool_use` is the call a model answers with instead, as Converse writes it (tool_use).
    """

    text: str
    output_tokens: int
    stop_reason: str
    tool_use: dict[str, Any] | None = None


def dice(*parts: object) -> random.Random:
    """Return chance that is the same for the same seed and parts."""
    text = "\x1f".join(str(part) for part in (state.seed(), *parts))
    return random.Random(hashlib.sha256(text.encode()).digest())


def say(model_id: str, prompt: str, max_tokens: int, stop_sequences: tuple[str, ...] = ()) -> Said:
    """Answer a prompt.

    `[slipway tokens=120]` anywhere in the prompt asks for 120 output tokens; max_tokens still
    holds. The last such mark counts. A model that is not up to the question answers badly.
    """
    chance = dice("reply", model_id, prompt)
    wished = _wished_tokens(prompt, chance)
    lapse = skills.lapse(model_id, prompt, dice("skill", model_id, prompt))
    text = _text(prompt, min(wished, max_tokens), chance, lapse)
    reason = "max_tokens" if wished > max_tokens else "end_turn"
    for stop in stop_sequences:
        head, found, _ = text.partition(stop)
        if found:
            text, reason = head, "stop_sequence"
    return Said(text, tokens.count(text), reason)


def _wished_tokens(prompt: str, chance: random.Random) -> int:
    if marks := _MARKER.findall(prompt):
        return max(1, int(marks[-1]))
    return max(1, round(MEDIAN_TOKENS * math.exp(SPREAD * chance.gauss(0.0, 1.0))))


def _text(prompt: str, length: int, chance: random.Random, lapse: Lapse | None) -> str:
    topic = chance.choice(_STRAY) if lapse is Lapse.STRAY else _topic(prompt, chance)
    written, text = 0, []
    while written < length:
        sentence = _sentence(topic, chance, first=not text)
        if lapse is Lapse.HEDGE and not text:
            sentence = chance.choice(_HEDGES)
        if lapse is Lapse.LOOP and len(text) > 1:
            sentence = text[1]
        written += tokens.count(sentence)
        text.append(sentence)
    return tokens.cut(" ".join(text), length)


def _topic(prompt: str, chance: random.Random) -> str:
    words = [
        w
        for w in re.findall(r"[A-Za-z]{4,12}", _MARKER.sub("", prompt[-2_000:]))
        if w not in _STOPWORDS
    ]
    return chance.choice(words).lower() if words else "request"


def _sentence(topic: str, chance: random.Random, *, first: bool) -> str:
    if first:
        return f"{chance.choice(_OPENINGS)} about {topic}."
    subject = chance.choice((*_SUBJECTS, f"the {topic}"))
    body = f"{subject} {chance.choice(_VERBS)} {chance.choice(_OBJECTS)} {chance.choice(_TAILS)}."
    return body[0].upper() + body[1:]
