"""Do two answers say the same? Whatever they hold, and in a bounded time."""

from __future__ import annotations

import json
import time

import pytest

from cascade.domain.gate.agreement import Kind, agree
from cascade.domain.request import Answer, Chat, Message, Part, Speaker, Stop, Tokens, ToolCall

ASKED = Chat((Message(Speaker.USER, (Part(text="How many?"),)),))


def said(text: str, *calls: ToolCall) -> Answer:
    return Answer(text, Stop.END, Tokens(), calls)


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1" + "0" * 400])
def test_numbers_beyond_all_bounds_are_compared_like_any_other(value: str) -> None:
    one, other = said(f'{{"x": {value}}}'), said('{"x": 2}')
    assert agree(ASKED, one, one).degree == 1
    assert agree(ASKED, one, other).degree == 0
    calls = [said("", ToolCall("1", "f", each.text)) for each in (one, other)]
    assert agree(ASKED, *calls).degree == 0


def test_the_final_number_is_found_behind_any_marks() -> None:
    forms = ("The answer is 42.", 'answer": "42"', "#### 42", "Answer:: **$42**", "\\boxed{42}")
    for one in forms:
        found = agree(ASKED, said(f"We add up first. {one}"), said("So the answer is 42"))
        assert (found.kind, found.degree) == (Kind.NUMBER, 1.0), one


@pytest.mark.parametrize("mark", [":", '"', ": ", "answer", " is"])
def test_marks_without_end_take_no_longer_than_words(mark: str) -> None:
    words = " ".join(f"word{each}" for each in range(1_000))
    odd = ("answer" + mark * 8_000)[:7_990] + "x"
    usual, strange = (least(said(text), said(text + " then")) for text in (words, odd))
    assert strange < 30 * usual


def test_long_answers_and_many_calls_take_no_longer_than_what_is_read_of_them() -> None:
    def made(size: int, calls: int) -> tuple[Answer, Answer]:
        one, other = (
            [
                ToolCall(str(each), "f", json.dumps({"text": f"w{seed}{each} and more " * size}))
                for each in range(calls)
            ]
            for seed in (1, 2)
        )
        return said("", *one), said("", *other)

    assert least(*made(2_000, 32)) < 5 * least(*made(120, 8))


def least(one: Answer, other: Answer) -> float:
    """Return the shortest of some times, in seconds of CPU."""
    found = []
    for _ in range(5):
        began = time.process_time()
        agree(ASKED, one, other)
        found.append(time.process_time() - began)
    return max(min(found), 1e-5)
