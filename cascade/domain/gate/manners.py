"""Answers that are none: refused, hedged, cut, empty, going in circles."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped, sentences, words
from cascade.domain.request import Answer, Chat, Stop

OPENING_CHARACTERS = 400
MOST_PERIOD = 60
MOST_WORDS = 4_000
LEAST_RUN = 12
LEAST_TURNS = 3

_NOT = r"(?:can(?:no|['’]?)t|can not|could ?n['’]?t|won['’]?t|will not|(?:am|['’]m) (?:not able|unable)|unable)"  # noqa: RUF001, E501
_DO = r"(?:help|assist|answer|comply|do that|fulfil|discuss|support|continue|process|engage)"
_REFUSED = re.compile(
    rf"\b(?:i|we|['’]m|am|are)? ?{_NOT} (?:to )?(?:\w+ )?{_DO}\b(?![^.!?\n]{{0,40}}\b(?:until|unless|more than)\b)"  # noqa: RUF001, E501
    r"|\bas an ai\b[^.!?\n]{0,40}\b(?:can(?:not|['’]?t)|unable|not able|do not|don['’]t)\b"  # noqa: RUF001
    r"|\bi must decline\b|\bi (?:have to|must) refuse\b|\bagainst my (?:guidelines|programming)\b",
    re.IGNORECASE,
)
_REFUSING = (
    "not",
    "n't",
    "n’t",  # noqa: RUF001
    "cant",
    "couldnt",
    "could nt",
    "wont",
    "unable",
    "decline",
    "refuse",
    "against my",
)
_HEDGED = re.compile(
    r"\bi(?: am|['’]m) not (?:entirely |completely |really )?(?:sure|certain)\b"  # noqa: RUF001
    r"|\bi (?:do not|don['’]t) (?:really |actually )?(?:know|have (?:enough|that|this|any|access))\b"  # noqa: RUF001, E501
    r"|\b(?:please )?contact (?:customer )?(?:support|service)\b|\bi might be wrong\b"
    r"|\bconsult (?:a|an|your) \w+\b|\bit is (?:hard|difficult|impossible) to (?:say|tell)\b"
    r"|\bnot enough information\b|\bas an ai\b|\bi (?:would )?guess\b"
    r"|\bi have no (?:idea|information)\b",
    re.IGNORECASE,
)


def refusal(text: str) -> Finding | None:
    """Say whether an answer's first words refuse."""
    opening = text[:OPENING_CHARACTERS]
    found = _REFUSED.search(opening) if _may_refuse(opening) else None
    if found is None or found.start() > 160:
        return None
    return Finding("refusal", f"The answer refuses: {_quoted(opening, found)}.")


def _may_refuse(opening: str) -> bool:
    """Say whether any word is there without which nothing refuses: quicker than to look closely."""
    low = opening.lower()
    return any(word in low for word in _REFUSING)


def hedging(text: str) -> Finding | None:
    """Return how much an answer doubts itself or sends elsewhere; most at its beginning."""
    read = clipped(text)
    found = list(_HEDGED.finditer(read))[:20]
    if not found:
        return None
    opening = sum(one.start() < OPENING_CHARACTERS for one in found)
    amount = min(1.0, 0.75 * min(opening, 2) + 0.2 * (len(found) - opening))
    words_ = f"The answer doubts itself {len(found)} times: {_quoted(read, found[0])}."
    return Finding("hedging", words_, amount=amount)


def _quoted(text: str, found: re.Match[str]) -> str:
    return repr(text[max(0, found.start() - 10) : found.end() + 20].strip()[:80])


def empty(answer: Answer) -> Finding | None:
    """Say whether there is nothing."""
    if answer.tool_calls or answer.text.strip(" \t\r\n\0"):
        return None
    return Finding("empty", "The answer is empty.", is_fatal=True)


def truncation(chat: Chat, answer: Answer) -> Finding | None:
    """Say whether an answer was cut or filtered.

    A client that set the limit itself gets what it asked for, from whichever model.
    """
    if answer.stop is Stop.FILTERED:
        return Finding("filtered", "A filter of the provider cut the answer.", is_fatal=True)
    if answer.stop is not Stop.LENGTH:
        return None
    limit = chat.max_output_tokens
    if limit is not None and answer.tokens.output >= limit:
        return Finding("cut", f"The answer ends at the {limit} tokens that were asked.", amount=0.2)
    words_ = f"The answer was cut after {answer.tokens.output} tokens."
    return Finding("truncation", words_, is_fatal=True)


def repetition(text: str) -> Finding | None:
    """Return how much of an answer goes in circles: the same run of words, time after time."""
    read = clipped(text)
    share = max(_looped(words(read)), _echoed(sentences(read)))
    if share <= 0:
        return None
    return Finding("repetition", f"{share:.0%} of the answer says the same again.", amount=share)


def _echoed(found: Sequence[str]) -> float:
    """Return the share of sentences in a row that are the one before them."""
    same = sum(one == other and len(one) > LEAST_RUN for one, other in pairwise(found))
    return same / len(found) if same else 0.0


def _looped(found: Sequence[str]) -> float:
    """Return the share of words inside of a run that repeats itself at least LEAST_TURNS times.

    Numbers do not count: rows of a table look alike.
    """
    kept = [word for word in found if not word.isdigit()][-MOST_WORDS:]
    # A run in circles says each of its words at least LEAST_TURNS times.
    if len(kept) < LEAST_RUN or max(Counter(kept).values()) < LEAST_TURNS:
        return 0.0
    marks = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in kept], np.int64)
    longest = 0
    for period in range(1, min(MOST_PERIOD, len(kept) // LEAST_TURNS) + 1):
        run = _longest_run(marks[period:] == marks[:-period])
        if run >= max(LEAST_RUN - period, (LEAST_TURNS - 1) * period):
            longest = max(longest, run)
    return longest / len(kept)


def _longest_run(same: NDArray[np.bool_]) -> int:
    ends = np.flatnonzero(~same)
    edges = np.concatenate(([-1], ends, [same.size]))
    return int(np.diff(edges).max() - 1)
