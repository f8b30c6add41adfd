"""What calls make up, leave out and misread is counted; what was said in other words is not."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.gate import callgaps
from cascade.domain.gate.grounds import Ground, ground, heard
from cascade.domain.gate.signs import hashed
from cascade.domain.request import Answer, Stop, Tokens, Tool, ToolCall
from tests.unit.cascade.gate.said import WEATHER, answered, asked, called

HOTEL = Tool(
    name="book_hotel",
    description="Book a room in a hotel.",
    schema={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city of the hotel."},
            "nights": {"type": "integer"},
            "pets": {"type": "boolean", "description": "Whether pets come along."},
            "room": {"type": "string", "description": "Default is 'single'.", "enum": ["single"]},
            "prices": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["city"],
    },
)


def gaps(question: str, answer: Answer, *tools: Tool) -> dict[str, float]:
    found = callgaps.signs(asked(question, tools=tools), answer)
    return {name: one for name, one in zip(callgaps.NAMES, found, strict=True) if one}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Lyon", Ground.SAID),
        (3, Ground.SAID),
        ("3", Ground.SAID),
        (True, Ground.SAID),
        (None, Ground.SAID),
        (50_000_000, Ground.OTHERWISE),
        (15, Ground.OTHERWISE),
        ("2023-03-10", Ground.OTHERWISE),
        ("usd", Ground.OTHERWISE),
        ("Lyons", Ground.OTHERWISE),
        (0.05, Ground.PARTLY),
        ("Lyon, France", Ground.PARTLY),
        (2021, Ground.NOWHERE),
        ("2021-01-01", Ground.NOWHERE),
        ("granite", Ground.NOWHERE),
        ("²", Ground.NOWHERE),
        (["Lyon", "granite"], Ground.NOWHERE),
        ({"city": "Lyon", "nights": [3, {"of": 2021}]}, Ground.NOWHERE),
    ],
)
def test_a_value_is_grounded_in_any_reading_of_what_was_said(value, expected):
    told = heard(
        "Three nights in Lyon from March 10th, 2023, 3 pm: 50 million United States Dollars at 5 %."
    )
    assert ground(value, told) is expected


def test_a_needed_value_that_nobody_said_is_counted_apart_from_a_default():
    made_up = gaps("Book a hotel.", called("book_hotel", city="Paris", room="single"), HOTEL)
    assert {"needed nowhere", "needed text", "extra default"} <= set(made_up)
    said = gaps("Book a hotel in Paris.", called("book_hotel", city="Paris", room="twin"), HOTEL)
    assert {"needed said", "no choice", "extra nowhere", "not default"} <= set(said)
    assert "needed nowhere" not in said


def test_an_optional_argument_that_the_question_speaks_of_is_missed():
    bare = gaps("Book a hotel in Lyon.", called("book_hotel", city="Lyon"), HOTEL)
    pets = gaps("Book a hotel in Lyon, my pets come.", called("book_hotel", city="Lyon"), HOTEL)
    assert "left named" in pets
    assert "left named" not in bare
    assert pets["left told"] > bare.get("left told", 0)
    assert "left needed" in gaps("Book a hotel.", called("book_hotel", nights=2), HOTEL)


def test_types_that_could_be_read_as_the_wanted_one_are_told_from_those_that_could_not():
    could = gaps("Two?", called("book_hotel", nights="2", pets="true", prices="[2]"), HOTEL)
    could_not = gaps("Two?", called("book_hotel", nights="two", pets="2", prices=[2, 3.5]), HOTEL)
    assert {"convertible", "packed"} <= set(could)
    assert {"unconvertible", "whole numbers"} <= set(could_not)
    assert not {"unconvertible"} & set(could)
    assert not {"convertible", "packed"} & set(could_not)


def test_tools_that_fit_better_than_the_called_one_are_seen():
    wrong = gaps("Book a hotel in Lyon.", called("get_weather", city="Lyon"), WEATHER, HOTEL)
    right = gaps("Book a hotel in Lyon.", called("book_hotel", city="Lyon"), WEATHER, HOTEL)
    assert wrong["other tool fits"] > right.get("other tool fits", 0)
    assert right["name share"] > wrong.get("name share", 0)


def test_one_call_for_two_things_differs_from_two():
    question = "What is the weather in Lyon and then also in Rome?"
    one = gaps(question, called("get_weather", city="Lyon"), WEATHER)
    calls = tuple(ToolCall("1", "get_weather", json.dumps({"city": c})) for c in ("Lyon", "Rome"))
    two = gaps(question, Answer("", Stop.TOOL, Tokens(), calls), WEATHER)
    assert one["one of parts"] > 0
    assert "one of parts" not in two
    assert one["steps uncalled"] > two.get("steps uncalled", 0)


def test_without_tools_there_is_nothing_to_say():
    assert gaps("Book a hotel.", answered("I booked it.")) == {}


@given(
    st.text(max_size=100),
    st.dictionaries(
        st.sampled_from(["city", "nights", "pets", "room", "prices", "?"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
        ),
    ),
)
def test_any_call_gives_finite_numbers(question, arguments):
    call = ToolCall("1", "book_hotel", json.dumps(arguments))
    answer = Answer("", Stop.TOOL, Tokens(), (call, call))
    found = callgaps.signs(asked(question, tools=(HOTEL,)), answer)
    assert len(found) == callgaps.COUNT
    assert all(-100 < one < 100 for one in found)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"city": 3, "room": {"enum": 4}}, "required": 5},
        {"properties": ["city"], "required": None},
        {"properties": 3},
        {"properties": {"city": {"type": [1], "items": 4, "description": 7}}, "required": [3]},
    ],
)
def test_a_schema_of_nonsense_is_scored_too(schema):
    chat = asked("Where?", tools=(Tool("book_hotel", "", schema),))
    row = hashed(chat, called("book_hotel", city=1, room="x"))
    assert np.isfinite(row.values).all()


def test_long_questions_and_many_values_cost_little():
    question = "7 million, 'a' " * 2_000
    answer = called("book_hotel", **{f"a{number}": [number, "x y"] for number in range(500)})
    began = time.process_time()
    callgaps.signs(asked(question, tools=(HOTEL,)), answer)
    assert time.process_time() - began < 1
