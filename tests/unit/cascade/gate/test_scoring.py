"""A trained scorer travels as bytes, learns from labels, and nothing is made of too few."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.gate.assessing import assess
from cascade.domain.gate.learning import Example, train
from cascade.domain.gate.scorer import Scorer, chance
from cascade.domain.gate.signs import COLUMNS, hashed
from cascade.domain.router import Platt
from tests.unit.cascade.gate.said import WEATHER, answered, asked, called


def labelled(count: int) -> list[Example]:
    """Return answers of which every third adds up wrongly, and is labelled so."""
    found = []
    for number in range(count):
        off = number % 3 == 0
        text = f"The {number} lamps and 4 more make {number} + 4 = {number + 4 + off} lamps."
        found.append(Example(asked(f"How many are {number} and 4?"), answered(text), 1.0 - off))
    return found


def some_scorer() -> Scorer:
    weights = np.random.default_rng(3).normal(size=COLUMNS).astype("<f2").astype(np.float32)
    return Scorer("v7", weights, 0.25, Platt(0.5, -0.125))


@pytest.fixture(scope="module")
def trained():
    return train(labelled(240), version="v1")


def test_a_scorer_learns_that_wrong_sums_are_wrong(trained):
    assert trained.fit.auc > 0.95
    assert trained.fit.log_loss < trained.fit.base_log_loss
    right, wrong = (
        assess(
            asked("How many are 900 and 4?"),
            answered(f"The 900 lamps and 4 more make 900 + 4 = {result} lamps."),
            scorer=trained.scorer,
        )
        for result in (904, 906)
    )
    assert wrong.p_good < 0.5 < right.p_good


def test_the_same_labels_give_the_same_scorer(trained):
    again = train(labelled(240), version="v1")
    assert again.scorer.to_bytes() == trained.scorer.to_bytes()


def test_too_few_labels_give_no_scorer_and_say_how_many_are_needed():
    found = train(labelled(20), version="v1")
    assert found.scorer is None
    assert found.fit.needed >= 180


def test_labels_of_one_kind_give_no_scorer():
    one_kind = [Example(one.chat, one.answer, 1.0) for one in labelled(240)]
    assert train(one_kind, version="v1").scorer is None


def test_a_label_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        train([Example(asked("?"), answered("!"), 2.0)], version="v1")


def test_broken_answers_get_nothing_from_a_scorer_either(trained):
    assert assess(asked("How many?"), answered(""), scorer=trained.scorer).p_good == 0


def test_what_was_written_reads_the_same():
    scorer = some_scorer()
    read = Scorer.from_bytes(scorer.to_bytes())
    assert (read.version, read.bias, read.calibration) == ("v7", 0.25, Platt(0.5, -0.125))
    assert np.array_equal(read.weights, scorer.weights)
    chat = asked("What is the weather in Lyon?", tools=(WEATHER,))
    answer = called("get_weather", city="Lyon")
    assert chance(read, chat, answer) == chance(scorer, chat, answer)


@given(st.binary(max_size=64))
def test_foreign_bytes_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match=r"\."):
        Scorer.from_bytes(data)


@pytest.mark.parametrize("place", [0, 4, 5, 9, 20, 200, -1])
def test_a_flipped_bit_is_noticed(place):
    data = bytearray(some_scorer().to_bytes())
    data[place] ^= 4
    with pytest.raises(ValueError, match=r"\."):
        Scorer.from_bytes(bytes(data))


def test_a_scorer_of_other_features_is_refused():
    data = some_scorer().to_bytes()
    head = struct.Struct(">4sBII")
    _, _, size, _ = head.unpack_from(data)
    body = data[head.size :].replace(b'"signs":', b'"sings":', 1)
    with pytest.raises(ValueError, match="check sum"):
        Scorer.from_bytes(head.pack(b"SLWG", 1, size, 0) + body)


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not a number"):
        Scorer("v", np.full(COLUMNS, np.nan, np.float32), 0.0, Platt(1.0, 0.0))


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_row_lies_inside_the_columns_and_holds_numbers(question, text):
    row = hashed(asked(question), answered(text))
    assert row.indices.max() < COLUMNS
    assert np.unique(row.indices).size == row.indices.size
    assert np.isfinite(row.values).all()
