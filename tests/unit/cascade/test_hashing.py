"""A prompt's features: the same everywhere, bounded, and different for different prompts."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.hashing import (
    COUNTS,
    DIMENSIONS,
    HEAD_CHARACTERS,
    LETTERS_FROM,
    TAIL_CHARACTERS,
    WORDS_FROM,
    clipped,
    features,
)

PROMPT = "I still have not received my new card. Was it sent?"
SAY = f"""
from cascade.domain.hashing import features
found = features({PROMPT!r})
print(found.indices.tolist(), found.values.tolist())
"""


def _said_by_another_process(seed: str) -> str:
    # The seed of `hash()`; the package is found where this one was.
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", SAY], capture_output=True, text=True, check=True, env=environment
    )
    return ran.stdout.strip()


def test_another_process_with_another_hash_seed_finds_the_same_features() -> None:
    found = features(PROMPT)
    here = f"{found.indices.tolist()} {found.values.tolist()}"
    assert _said_by_another_process("1") == here
    assert _said_by_another_process("2") == here


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_any_text_has_places_that_are_in_range_and_each_once(text: str) -> None:
    found = features(text)
    assert found.indices.size == found.values.size == np.unique(found.indices).size
    assert found.indices.min() >= 0
    assert found.indices.max() < DIMENSIONS
    assert np.isfinite(found.values).all()


def test_half_of_a_surrogate_pair_is_read_without_an_error() -> None:
    assert np.isfinite(features("broken \ud800 text").values).all()


def test_words_and_letters_are_each_scaled_to_length_one() -> None:
    found = features(PROMPT)
    words = (found.indices >= WORDS_FROM) & (found.indices < LETTERS_FROM)
    letters = found.indices >= LETTERS_FROM
    for block in (words, letters):
        assert np.isclose((found.values[block] ** 2).sum(), 1.0, atol=1e-5)


def test_every_four_letters_of_a_word_count_wherever_it_stands() -> None:
    alone, inside = features("refund").indices, features("my refund please").indices
    shared = np.intersect1d(alone[alone >= LETTERS_FROM], inside)
    # " ref", "refu", "efun", "fund", "und ".
    assert shared.size == 5


def test_the_order_of_words_makes_a_difference_and_their_case_only_in_the_counts() -> None:
    one, other = features("cards not sent"), features("sent not cards")
    assert not np.array_equal(one.indices, other.indices)
    low, high = features("card lost"), features("CARD LOST")
    assert np.array_equal(low.indices, high.indices)
    assert not np.array_equal(low.values[:COUNTS], high.values[:COUNTS])


def test_digits_code_and_questions_are_counted() -> None:
    plain, asked = features("where is it").values[:COUNTS], features("where is it?").values[:COUNTS]
    assert asked.sum() > plain.sum()
    sums = features("12 + 30 = 42").values[:COUNTS]
    assert sums[1] > 0.4  # digits by characters: six of twelve
    assert features("def f(x): return {x}").values[4] > 0.15  # brackets and braces


def test_of_a_long_text_its_head_and_tail_are_read() -> None:
    long = "a" * HEAD_CHARACTERS + "b" * 50_000 + "c" * TAIL_CHARACTERS
    read = clipped(long)
    assert len(read) == HEAD_CHARACTERS + TAIL_CHARACTERS + 1
    assert "b" not in read
    assert clipped(PROMPT) == PROMPT


def test_ten_megabytes_cost_no_more_than_what_is_read_of_them() -> None:
    limit = HEAD_CHARACTERS + TAIL_CHARACTERS
    text = ("why is my order late? " * 500_000)[:10_000_000]
    assert _seconds(text) < 5 * _seconds(text[:limit]) + 0.01
    assert features(text).indices.size < 2 * limit


def _seconds(text: str) -> float:
    taken = []
    for _ in range(5):
        began = time.process_time()
        features(text)
        taken.append(time.process_time() - began)
    return min(taken)
