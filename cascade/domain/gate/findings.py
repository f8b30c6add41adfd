"""What a rule found wrong with an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks for or against an answer.

    `words` is a sentence with its numbers. `is_fatal` says that nobody can use the answer.
    `amount` says how much of it there is, 0 to 1.
    """

    rule: str
    words: str
    is_fatal: bool = False
    amount: float = 1.0
