"""Words, content words and sentences of a text, read up to a limit.

A dozen rules and signs ask the same of the same few texts, so the last answers are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

# What rules read of a longer text; more says nothing new and costs time.
HEAD_CHARACTERS = 16_000
TAIL_CHARACTERS = 8_000
LONGEST = HEAD_CHARACTERS + TAIL_CHARACTERS + 1
STEM = 5
# One verdict asks of a question, an answer, and some parts of both.
REMEMBERED = 32
Made = TypeVar("Made")

_WORD = re.compile(r"[^\W_]+")
_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")  # noqa: RUF001
_OFTEN_WORDS = """
    a about above after again all also am an and any are as asking ask at be because been before
    being below between both but by can cannot could did do does doing done down during each few
    for from further get give good had has have having he her here hers him his how however i if
    in into is it its itself just let like make may me might more most much must my need needs no
    nor not now of off on once one only or other our out over own please point same say says shall
    she should since so some such take tell than thank thanks that the their them then there these
    they thing things this those through to too under until up upon us use used very want was we
    well were what when where whether which while who whom why will with within without would yes
    yet you your yours answer question hello hi dear short brief sure help user assistant customer
    system der die das und ist nicht ein eine ich sie wir mit von
"""
_OFTEN = frozenset(_OFTEN_WORDS.split())
_TELLING_LETTERS = 4
_ADDRESSES = frozenset(("about", "your", "with", "this", "that", "thanks", "answer", "from"))


def remembered(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """Remember what was made of the last texts; nothing of a text longer than rules read."""
    held = lru_cache(REMEMBERED)(make)

    @wraps(make)
    def ask(text: str) -> Made:
        return held(text) if len(text) <= LONGEST else make(text)

    return ask


def clipped(text: str) -> str:
    """Return what is read of a text: all of it, or its head and tail on lines of their own."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"


@remembered
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters, in their order."""
    return tuple(_WORD.findall(text.lower()))


@remembered
def content(text: str) -> frozenset[str]:
    """Return the stems (first letters) of the words that carry a topic; no numbers."""
    return frozenset(
        word[:STEM]
        for word in words(text)
        if word not in _OFTEN and (len(word) > 2 or not word.isascii()) and not word.isdigit()
    )


@remembered
def longer(text: str) -> frozenset[str]:
    """Return the words of four letters and more, even those that say little."""
    return frozenset(word for word in words(text) if len(word) >= _TELLING_LETTERS) - _ADDRESSES


@remembered
def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a text, without blanks around them."""
    return tuple(part.strip() for part in _END.split(text) if part.strip())
