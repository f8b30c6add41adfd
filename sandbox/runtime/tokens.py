"""How text is counted: a deterministic stand-in for the tokenizers of the models.

A token is up to seven letters of a word, up to three digits, or one other visible character.
English prose comes out at about 1.3 tokens a word, close to what the models' own tokenizers give;
a picture or document counts 1,000.
"""

import itertools
import re

LETTERS_PER_TOKEN = 7
TOKENS_PER_ATTACHMENT = 1_000
_PIECE = re.compile(rf"[A-Za-z]{{1,{LETTERS_PER_TOKEN}}}|\d{{1,3}}|[^\sA-Za-z\d]")


def count(text: str) -> int:
    """Return the tokens of a text."""
    return sum(1 for _ in _PIECE.finditer(text))


def cut(text: str, limit: int) -> str:
    """Return the first `limit` tokens of a text."""
    for number, piece in enumerate(_PIECE.finditer(text)):
        if number == limit:
            return text[: piece.start()].rstrip()
    return text


def pieces(text: str, size: int) -> list[str]:
    """Split a text into runs of `size` tokens that join to the same text."""
    starts = [piece.start() for piece in _PIECE.finditer(text)][::size]
    bounds = [0, *starts[1:], len(text)]
    return [text[a:b] for a, b in itertools.pairwise(bounds) if b > a]
