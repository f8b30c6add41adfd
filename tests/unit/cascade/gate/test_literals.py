"""A literal as an answer: how it is written, and whether its pieces were in the question."""

import json
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.gate import literals, unread
from cascade.domain.request import Answer, Stop, Tokens
from tests.fixtures.servers import ROOT
from tests.unit.cascade.gate.said import answered, asked, called

CODE = "def f(text):\n    return text.swapcase() + '!'\nassert f('Lamp') == ??"


def signs(question: str, final: object) -> dict[str, float]:
    text = final if isinstance(final, Answer) else answered(json.dumps({"answer": final}))
    found = literals.signs(asked(question), text)
    return {name: one for name, one in zip(literals.NAMES, found, strict=True) if one}


@pytest.mark.parametrize(
    ("final", "present", "absent"),
    [
        ("'lAMP!'", {"code", "str", "canonical", "foreign"}, {"same", "case", "unread"}),
        ("'Lamp'", {"str", "same"}, {"foreign", "case", "part"}),
        ("'lAMP'", {"case"}, {"same", "shuffled"}),
        ("'pmaL'", {"shuffled"}, {"same", "new letters"}),
        ("'Lam'", {"part"}, {"same"}),
        ("'Lumpx'", {"new letters"}, {"part"}),
        ('"lAMP!"', {"str"}, {"canonical"}),
        ("[ 1]", {"list", "foreign"}, {"canonical", "str"}),
        ("{'Lamp': '!'}", {"dict", "canonical"}, {"foreign", "set"}),
        ("True", {"bool", "canonical"}, {"foreign", "int"}),
        ("lAMP!", {"unread"}, {"str"}),
        ("f('Lamp')", {"unread"}, {"str"}),
    ],
)
def test_the_kind_the_writing_and_the_origin_of_a_literal(final, present, absent):
    found = set(signs(CODE, final))
    assert present <= found
    assert not absent & found


def test_an_escape_in_the_code_is_read_as_what_it_means():
    assert "same" in signs("assert f('a\\nb') == ??", "'a\\nb'")


def test_broken_json_is_told_and_read_loosely():
    text = '{"reasoning": "f("Lamp") swaps", "answer": "{\'Lamp\': 1}"\n}\nSo it is.'
    found = signs(CODE, answered(text))
    assert {"json broken", "dict"} <= set(found)
    assert "json broken" not in signs(CODE, "'Lamp'")


def test_code_without_an_answer_is_told():
    assert set(signs(CODE, answered("I do not know."))) == {"code", "no answer"}


def test_of_other_questions_nothing_is_said_but_of_their_json():
    assert signs("How many lamps?", answered("Four lamps.")) == {}
    assert set(signs("How many lamps?", "4")) <= {"after"}
    assert signs(CODE, called("f", text="Lamp")) == {}


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_gives_finite_numbers(question, final):
    for text in (final, json.dumps({"answer": final}), f'"answer": {final}'):
        found = literals.signs(asked(f"assert {question}"), answered(text))
        assert len(found) == literals.COUNT
        assert all(0 <= one < 100 for one in found)


@pytest.mark.parametrize("piece", ["'", "\\'", "(", "[", '"answer":', " ", "{", "1,"])
def test_hostile_texts_cost_little(piece):
    text = "assert " + piece * 20_000
    began = time.process_time()
    literals.signs(asked(text), answered('"answer"' + text))
    literals.signs(asked(text), answered('"answer":"' + text + '"}'))
    assert time.process_time() - began < 1


def counted(tokens: Tokens, *, text: str = "", question: str = "") -> list[float]:
    return unread.signs(asked(question), Answer(text, Stop.END, tokens))


def test_only_outcomes_without_texts_are_read_by_their_tokens():
    tokens = Tokens(input=700, output=80)
    assert any(counted(tokens))
    assert not any(counted(tokens, text="Here."))
    assert not any(counted(tokens, question="Where?"))
    assert not any(counted(Tokens()))


@pytest.mark.parametrize("tokens", [Tokens(1, 1), Tokens(700, 80), Tokens(10**9, 10**9)])
def test_a_place_on_the_grid_is_shared_by_its_corners(tokens):
    found = counted(tokens)
    assert len(found) == unread.COUNT
    assert sum(found[1:]) == pytest.approx(1)
    assert min(found) >= 0


def test_near_counts_have_near_places_and_far_ones_far():
    def apart(one: list[float], other: list[float]) -> float:
        return sum(abs(a - b) for a, b in zip(one, other, strict=True))

    here = counted(Tokens(input=700, output=80))
    assert apart(here, counted(Tokens(input=705, output=80))) < 0.1
    assert apart(here, counted(Tokens(input=350, output=20))) > 1.5


def test_every_process_sees_the_same_in_an_answer() -> None:
    """Sets have an order of their own in each process; the gateway has several, and they agree."""
    program = (
        "from tests.unit.cascade.gate.test_literals import signs\n"
        "question = \"def f(a, b):\\n    return {a, b}\\nassert f('lamp', 'moon', 'star') == ??\"\n"
        "print([signs(question, final) for final in ('\\'moo\\'', \"{'lamp', 'star'}\")])\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": os.environ["PATH"]},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12345"
    }
    assert len(seen) == 1
    assert "part" in seen.pop()
