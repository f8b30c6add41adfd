"""What token counts alone say where neither question nor answer was kept.

An outcome may be logged without its texts. Many tokens in and out then mean many tools and calls,
which fail more often than few: a grid over both logarithms, each row shared by its four corners.
"""

from __future__ import annotations

import math

from cascade.domain.request import Answer, Chat

# Logarithms of tokens: 270 to 1,640 in, 12 to 116 out. Beyond a border, the border counts.
_INPUT = (5.6, 0.45, 5)
_OUTPUT = (2.5, 0.75, 4)
COUNT = 1 + _INPUT[2] * _OUTPUT[2]


def signs(chat: Chat, answer: Answer) -> list[float]:
    """Return COUNT numbers; zeros where there is a text or a call to read."""
    found = [0.0] * COUNT
    if chat.text or answer.text or answer.tool_calls or not answer.tokens.output:
        return found
    found[0] = 1.0
    row, low = _between(answer.tokens.input, *_INPUT)
    column, left = _between(answer.tokens.output, *_OUTPUT)
    for down, share in ((0, 1 - low), (1, low)):
        for right, part in ((0, 1 - left), (1, left)):
            found[1 + (row + down) * _OUTPUT[2] + column + right] = share * part
    return found


def _between(count: int, first: float, step: float, knots: int) -> tuple[int, float]:
    """Return the knot before a count, and how far it is to the next, 0 to 1."""
    far = (math.log(max(1, count)) - first) / step
    place = min(max(far, 0.0), knots - 1.0)
    before = min(int(place), knots - 2)
    return before, place - before
