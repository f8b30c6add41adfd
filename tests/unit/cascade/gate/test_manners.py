"""Refusals: the quick look for a telling word misses none that the close look would find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.gate import manners


@settings(max_examples=300)
@given(st.from_regex(manners._REFUSED))
def test_the_quick_look_lets_every_refusal_pass(text: str) -> None:
    assert manners._may_refuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "We could nt process your claim.",
        "I MUST DECLINE.",
        "As an AI, I don’t give advice.",  # noqa: RUF001
    ],
)
def test_refusals_are_found_whatever_their_spelling(text: str) -> None:
    assert manners.refusal(text) is not None


def test_the_same_answer_is_judged_the_same_twice() -> None:
    text = "I cannot help with that."
    assert manners.refusal(text) == manners.refusal(text)
    assert manners.refusal("Your lamp left on Monday.") is None
