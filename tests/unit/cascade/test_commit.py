"""Where the first sentence of a stream ends, seen letter by letter."""

from __future__ import annotations

import pytest

from cascade.domain.commit import LEAST, MOST, is_first_sentence, seems_first_sentence

ENDED = (
    "Your order left our warehouse this morning.",
    "Is this about the order of last Monday?",
    'She wrote "I want my money back!"',
    "Your order left (the second one left yesterday.)",
)


@pytest.mark.parametrize("sentence", ENDED)
def test_it_seems_to_end_with_its_last_mark_and_is_sure_to_with_the_space(sentence: str) -> None:
    first = next(at for at in range(len(sentence) + 1) if seems_first_sentence(sentence[:at]))
    assert first >= len(sentence) - 1
    assert not any(is_first_sentence(sentence[:at]) for at in range(len(sentence) + 1))
    assert is_first_sentence(f"{sentence} ")


@pytest.mark.parametrize("mark", ["\n", "\u3002", "\uff01", "\uff1f"])
def test_a_line_and_a_chinese_sentence_end_without_a_space(mark: str) -> None:
    begun = "\u60a8\u7684" * LEAST
    assert not is_first_sentence(begun)
    assert is_first_sentence(begun + mark)


@pytest.mark.parametrize(
    "begun",
    [
        "You will be charged about 3.",
        "Please ask for a refund, e.g.",
        "Your appointment is with Dr.",
        "Yes, gladly.",
        "Surely!",
        "Our warehouse is in the city of",
    ],
)
def test_a_figure_a_short_word_or_a_short_answer_seems_no_end_yet(begun: str) -> None:
    assert not seems_first_sentence(begun)
    assert not is_first_sentence(begun)


def test_who_writes_no_sentence_is_looked_at_all_the_same() -> None:
    words = "one two three four five six seven eight nine ten " * 9
    assert not is_first_sentence(words[: MOST - 1])
    assert is_first_sentence(words[:MOST])
