"""Where the first sentence of a stream ends: until there nothing is shown. Pure."""

from __future__ import annotations

import re

# A sentence's end counts only when something was said: "1." and "Dr." are no answer.
LEAST = 24
# Whoever writes no sentence is looked at after so many characters.
MOST = 280
_END = re.compile(r"[.!?。！？][\"')\]]?(?=\s)|\n")  # noqa: RUF001


def is_first_sentence(text: str) -> bool:
    """Say whether enough of an answer has come to judge its beginning."""
    if len(text) >= MOST:
        return True
    return any(found.end() >= LEAST for found in _END.finditer(text))
