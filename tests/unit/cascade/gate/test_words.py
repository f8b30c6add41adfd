"""Words are remembered for the texts that rules read, and not for longer ones."""

from __future__ import annotations

from cascade.domain.gate import tools
from cascade.domain.gate.language import of
from cascade.domain.gate.words import LONGEST, content, words
from cascade.domain.request import Tool
from tests.unit.cascade.gate.said import asked


def test_the_same_text_is_read_once() -> None:
    assert words("Where is my order?") == ("where", "is", "my", "order")
    assert content("Where is my blue order?") is content("Where is my blue order?")


def test_nothing_is_kept_of_a_text_longer_than_rules_read() -> None:
    long = "order " * LONGEST
    assert words(long) == words(long)
    assert words(long) is not words(long)
    assert of(long) == of(long)


def test_a_tools_description_is_read_to_a_limit() -> None:
    chat = asked("Where is my parcel?")
    near = Tool("f", "parcel " + "x" * tools.READ, {})
    far = Tool("f", "x " * tools.READ + "parcel", {})
    assert tools.fit(chat, near) > 0 == tools.fit(chat, far)
