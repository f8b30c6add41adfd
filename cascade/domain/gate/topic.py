"""Does an answer speak of what was asked?"""

from __future__ import annotations

import re

from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped, content, longer, sentences
from cascade.domain.request import Chat

LEAST_WORDS = 6
OPENING_CHARACTERS = 300

_SUBJECT = re.compile(
    r"\b(?:about|regarding|concerning)\s+((?:the|an?|your|our|my|this|that|these|those)\s+)?"
    r"([^\W\d_]{3,40})",
    re.IGNORECASE,
)


def overlap(chat: Chat, text: str) -> float:
    """Return the share of the question's content words that an answer takes up; 0 to 1."""
    asked = content(clipped(chat.question))
    return len(asked & content(clipped(text))) / len(asked) if asked else 0.0


def finding(chat: Chat, text: str) -> Finding | None:
    """Return a finding when an answer names another subject, or shares no word with the question.

    Short answers, and questions of one word, say too little to tell.
    """
    if chat.schema is not None or not text.strip():
        return None
    asked = content(clipped(chat.text))
    if not asked:
        return None
    stray = _stray(text, asked)
    if stray:
        return Finding("topic", f"The answer speaks about {stray!r}, which nobody named.")
    said = content(clipped(text))
    if len(asked) < 2 or len(said) < LEAST_WORDS or _touches(chat, text):
        return None
    words = f"None of the answer's {len(said)} content words is among the question's {len(asked)}."
    return Finding("topic", words, amount=min(1.0, 0.5 + len(said) / 40))


def _touches(chat: Chat, text: str) -> bool:
    """Say whether an answer takes up any word of the question, be it one that says little."""
    asked, said = clipped(chat.text), clipped(text)
    return bool(content(asked) & content(said) or longer(asked) & longer(said))


def _stray(text: str, asked: frozenset[str]) -> str:
    """Return the subject that an answer's first sentence names, when it was never asked about."""
    first = next(iter(sentences(text[:OPENING_CHARACTERS])), "")
    found = _SUBJECT.search(first)
    if found is None:
        return ""
    named = content(first[found.start() :])
    return found.group(2)[:40] if named and not named & asked else ""
