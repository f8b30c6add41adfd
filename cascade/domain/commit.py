"""Where the first sentence of a stream ends: until there nothing is shown. Pure."""

from __future__ import annotations

import re

# A sentence's end counts only when something was said: "1." and "Dr." are no answer.
LEAST = 24
# Whoever writes no sentence is looked at after so many characters.
MOST = 280
# Chinese and Japanese put no space behind a sentence.
_END = re.compile(r"[.!?][\"')\]]?(?=\s)|[。！？]|\n")  # noqa: RUF001
# Behind a figure or a short word ("3.", "Dr.", "e.g.") a full stop may be anything.
_SEEMS = re.compile(r"(?:[!?]|(?<=[^\W\d_]{4})\.)[\"')\]]?\Z")


def is_first_sentence(text: str) -> bool:
    """Say whether enough of an answer has come to judge its beginning."""
    if len(text) >= MOST:
        return True
    return any(found.end() >= LEAST for found in _END.finditer(text))


def seems_first_sentence(text: str) -> bool:
    """Say whether its last mark seems to end a sentence, before anything has come behind it.

    Enough to show what is good, a token sooner; not to turn down what may be the whole answer.
    """
    return len(text) >= LEAST and _SEEMS.search(text) is not None
